# SPDX-License-Identifier: BSD-2-Clause
"""Turns measured rows into docs/performance.md."""

import platform
import re
import subprocess


class Row:
    """One line of a table: what, estab's and lwIP's figure, and the command that gives them."""

    def __init__(self, what, estab, lwip, unit, command, digits=0):
        self.what, self.estab, self.lwip = what, estab, lwip
        self.unit, self.command, self.digits = unit, command, digits

    def number(self, value):
        """A figure with its digits, or a dash where there is none."""
        return "–" if value is None else f"{value:,.{self.digits}f}"

    def markdown(self):
        """The line, with the ratio of estab to lwIP."""
        ratio = "–" if self.estab is None or not self.lwip else f"{self.estab / self.lwip:.2f}"
        return (f"| {self.what}, {self.unit} | {self.number(self.estab)} | "
                f"{self.number(self.lwip)} | {ratio} | `{self.command}` |")


class Bound:
    """What must hold: a value, the bound, and on which side of it the value must be."""

    def __init__(self, what, value, bound, at_most):
        self.what, self.value, self.bound, self.at_most = what, value, bound, at_most

    def holds(self):
        """Is the value on the right side?"""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def markdown(self):
        """The line, with its verdict."""
        sign = "≤" if self.at_most else "≥"
        verdict = "yes" if self.holds() else "**no**"
        return f"| {self.what} | {self.value:,.2f} | {sign} {self.bound:g} | {verdict} |"


def processor():
    """The processor's name and the number of cores."""
    with open("/proc/cpuinfo", encoding="ascii") as lines:
        text = lines.read()
    names = re.findall(r"model name\s*:\s*(.*)", text) or [platform.machine()]
    return f"{names[0]}, {len(names)} cores"


def first_line(*command):
    """The first line that a program prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


INTRODUCTION = """# Performance

Written by `make bench`, which measures both stacks in one run on one machine: absolute speeds are
this machine's, ratios are what counts. lwIP is the one of Debian's source package, built by the
same compiler with the same flags, with its pools, and given estab's own checksum routine; which of
its options are set is in `bench/lwip/lwipopts.h`, and both stacks have these alike:

| | estab | lwIP {lwip} |
|---|---|---|
| IPv4, IPv6, reassembly, ICMP, UDP | yes | yes |
| window scaling, window {window} bytes, send buffer the same | yes | yes |
| MSS 1460, selective acknowledgments | sent, and used by the sender | sent, not used |
| timestamps | off | off |
| Nagle (bulk), delayed ACK | yes | yes |
| loss and rate | RACK-TLP, PRR, CUBIC with HyStart++ | duplicate ACKs, NewReno without partial ACKs |
| assertions | none in the core | off |
| TIME-WAIT records kept in the connect/close rows | 64 | 64 control blocks in all |
| keyed hash over connections, keyed ISNs and ports, challenge ACKs | yes | no |
| both ends of a connection in | two stacks | one stack, it has only one |

Instructions are counted for the whole process, libc included, by `valgrind --tool=callgrind`, as the
difference of two run lengths, so that set-up cancels. Times are CPU time, medians of runs that take
turns. Every byte that arrives is compared with what was sent. A packet is copied once by the link
in memory, as a device would do. In memory both stacks' memory, malloc's heap and the static pools,
stands in huge pages (2 MiB) where the system gives them, as it should with thousands of
connections: with pages of 4 KiB an exchange among 10,000 takes a tenth longer.

Machine: {processor}; Linux {kernel}; {compiler}; flags `{flags}`.
"""


def write(path, facts, sections, tables, bounds):
    """sections: (heading, text, rows) in order; tables: what says itself how it looks."""
    lines = [INTRODUCTION.format(**facts)]
    for heading, text, rows in sections:
        lines.append(f"## {heading}\n")
        if text:
            lines.append(text + "\n")
        lines.append("| | estab | lwIP | ratio | command |\n|---|---:|---:|---:|---|")
        lines += [row.markdown() for row in rows]
        lines.append("")
    lines += [table.markdown() for table in tables]
    lines.append("## What must hold\n")
    lines.append("| | measured | bound | holds |\n|---|---:|---:|---|")
    lines += [bound.markdown() for bound in bounds]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def replace(path, table, bounds, prefix):
    """Puts a table and the bounds that begin with `prefix` into a report that is there; the rest stays as it was."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    old = re.search(rf"^## {re.escape(table.heading)}\n.*?(?=^## )", text, re.M | re.S)
    at = old.span() if old else (text.index("## What must hold\n"),) * 2
    text = text[:at[0]] + table.markdown() + "\n" + text[at[1]:]
    lines = [line for line in text.splitlines() if not line.startswith("| " + prefix)]
    lines += [bound.markdown() for bound in bounds]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
