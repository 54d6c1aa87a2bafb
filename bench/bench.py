# SPDX-License-Identifier: BSD-2-Clause
"""The bench: estab beside lwIP, in memory and over TUN, and estab watch beside its peers; writes docs/performance.md."""

import argparse
import os
import re
import signal
import sys
import time

import report
import watch
from inproc import STACKS, BenchError, Inproc
from report import Bound, Row
from tun import Tun

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "..", "docs", "performance.md")
BULK = (2000, 10000)
CONN = (200, 1000)
WINDOW_BYTES = 256960
# lwIP's control blocks are of one size whatever their number, and its pools hold so many.
MEMORY_COUNTS = {"estab": 100000, "lwip": 2000}


def say(text):
    """Progress, for whoever waits."""
    print(f"bench: {text}", flush=True)


def instruction_rows(inproc):
    """Instructions per segment and per connection."""
    plan = [
        ("segment of 1460 bytes, checksums on", "sum", "bulk", BULK, ()),
        ("the same, checksums off", "nosum", "bulk", BULK, ()),
        ("the same, on, sender's memory lent instead of copied", "sum", "bulk", BULK, ("lend",)),
        ("the same, on, received by copying", "sum", "bulk", BULK, ("copyout",)),
        ("the same, on, each stack compiled in one piece", "whole", "bulk", BULK, ()),
        ("connection: connect, a byte each way, close, freed; checksums on", "sum", "conn", CONN, ()),
        ("the same, checksums off", "nosum", "conn", CONN, ()),
        ("the same, on, over IPv6", "sum", "conn", CONN, ("ipv6",)),
        ("the same, on, each stack compiled in one piece", "whole", "conn", CONN, ()),
    ]
    rows = []
    for what, variant, work, counts, options in plan:
        estab, lwip = (inproc.instructions(variant, stack, work, counts, *options)
                       for stack in STACKS)
        command = f"callgrind inproc-{variant} STACK {work} {counts[0]} / {counts[1]} {' '.join(options)}"
        rows.append(Row(what, estab, lwip, "instructions", command.strip()))
        say(f"{what}: {estab:,.0f} / {lwip:,.0f} instructions")
    return rows


def time_rows(inproc, quick):
    """Nanoseconds and Gbit/s, connections, exchanges."""
    rows = []
    count = 100000 if quick else 500000
    for variant, what in (("sum", "on"), ("nosum", "off")):
        ns = inproc.nanoseconds(variant, "bulk", dict.fromkeys(STACKS, count))
        command = f"inproc-{variant} STACK bulk {count}"
        rows.append(Row(f"segment, both ends, checksums {what}", ns["estab"], ns["lwip"], "ns",
                        command))
        rows.append(Row("the same", *(1460 * 8 / ns[stack] for stack in STACKS),
                        "Gbit/s per core", command, 1))
    count //= 10
    ns = inproc.nanoseconds("sum", "conn", dict.fromkeys(STACKS, count))
    rows.append(Row("connection, both ends", ns["estab"], ns["lwip"], "ns",
                    f"inproc-sum STACK conn {count}"))
    exchanges = ((1, {"estab": 100000, "lwip": 100000}), (1000, {"estab": 100000, "lwip": 10000}),
                 (10000, {"estab": 100000, "lwip": 500}))
    jobs = [("exchange", counts, f"open={open_}") for open_, counts in exchanges]
    for (open_, counts), ns in zip(exchanges, inproc.nanoseconds_of("sum", jobs)):
        rows.append(Row(f"exchange of one byte with {open_:,} connections open", ns["estab"],
                        ns["lwip"], "ns", f"inproc-sum STACK exchange {counts['estab']} / "
                        f"{counts['lwip']} open={open_}"))
    for row in rows:
        say(f"{row.what}: {row.number(row.estab)} / {row.number(row.lwip)} {row.unit}")
    return rows


def memory_rows(inproc, quick):
    """Bytes of a connection at rest, half open, and in TIME-WAIT."""
    rows = []
    for work, what, side in (("idle", "idle connection after 1 MiB both ways and 10 s", 1),
                             ("half", "half-open connection of a listener", 1),
                             ("timewait", "connection in TIME-WAIT", 0)):
        counts = {stack: n // 10 if quick else n for stack, n in MEMORY_COUNTS.items()}
        estab, lwip = (inproc.memory(stack, work, counts[stack])[side] for stack in STACKS)
        rows.append(Row(what, estab, lwip, "bytes",
                        f"inproc-sum STACK {work} {counts['estab']} / {counts['lwip']} ipv6", 1))
        say(f"{what}: {estab:,.1f} / {lwip:,.1f} bytes")
    return rows


def tun_rows(table):
    """What the TUN rounds gave."""
    plain, gso, lwip, forward = (table[name] for name in ("estab", "estab-gso", "lwip", "forward"))
    peer = "tun-STACK; kpeer {}"
    return [
        Row("plain TUN, in", plain["in"], lwip["in"], "Gbit/s", peer.format("send"), 2),
        Row("plain TUN, out", plain["out"], lwip["out"], "Gbit/s", peer.format("recv"), 2),
        Row("bare forwarder between two plain TUNs", None, None,
            f"{forward['plain']:.2f} Gbit/s", "tun-forward plain; kpeer serve; kpeer send"),
        Row("vnet_hdr TUN, in", gso["in"], None, "Gbit/s", "tun-estab gso; kpeer send", 2),
        Row("vnet_hdr TUN, out", gso["out"], None, "Gbit/s", "tun-estab gso; kpeer recv", 2),
        Row("bare forwarder between two vnet_hdr TUNs", None, None,
            f"{forward['gso']:.2f} Gbit/s", "tun-forward gso; kpeer serve; kpeer send"),
        Row("connect, a byte each way, close, 32 at a time", plain["conn"], lwip["conn"],
            "per second", peer.format("conn")),
        Row("round trip of one byte, both on one core", plain["rtt"], lwip["rtt"], "µs",
            peer.format("rtt"), 1),
    ]


def bounds_of(instructions, times, memory, table):
    """The foundation's promises, checked against this run."""
    ratio = lambda row: row.estab / row.lwip
    exchange = [row for row in times if row.what.startswith("exchange")]
    plain, gso, lwip, forward = (table[name] for name in ("estab", "estab-gso", "lwip", "forward"))
    bounds = [Bound(f"instructions, estab / lwIP: {row.what}", ratio(row), 1, True)
              for row in instructions if row.what.startswith(("segment", "connection"))]
    bounds += [Bound(f"instructions, estab / lwIP: {work}, checksums off", ratio(row), 1, True)
               for work, row in zip(("segment", "connection"), [
                   row for row in instructions if row.what == "the same, checksums off"])]
    bounds += [
        Bound("plain TUN in, estab / lwIP", plain["in"] / lwip["in"], 0.9, False),
        Bound("plain TUN out, estab / lwIP", plain["out"] / lwip["out"], 0.9, False),
        Bound("vnet_hdr in / plain in", gso["in"] / plain["in"], 3, False),
        Bound("vnet_hdr out / plain out", gso["out"] / plain["out"], 3, False),
        Bound("vnet_hdr in / bare GSO forwarder", gso["in"] / forward["gso"], 0.5, False),
        Bound("vnet_hdr out / bare GSO forwarder", gso["out"] / forward["gso"], 0.5, False),
        Bound("bytes of an idle connection", memory[0].estab, 640, True),
        Bound("bytes of a half-open connection", memory[1].estab, 144, True),
        Bound("bytes of a connection in TIME-WAIT", memory[2].estab, 112, True),
        Bound("exchange with 10,000 open / with one", exchange[2].estab / exchange[0].estab, 1.5,
              True),
    ]
    return bounds


def lwip_version(build):
    """What Debian's changelog says was built."""
    with open(os.path.join(build, "lwip", "debian", "changelog"), encoding="utf-8") as lines:
        return re.match(r"lwip \(([^)]*)\)", lines.readline()).group(1)


def measure(build, estab, quick):
    """Everything, in order; answers sections, tables and bounds."""
    inproc = Inproc(build, quick)
    instructions = instruction_rows(inproc)
    times = time_rows(inproc, quick)
    memory = memory_rows(inproc, quick)
    say("over TUN, against the kernel")
    table = Tun(build, quick).all()
    tun = tun_rows(table)
    for row in tun:
        say(f"{row.what}: {row.number(row.estab)} / {row.number(row.lwip)} {row.unit}")
    memory_text = ("Bytes at the memory door after so many minus before, divided by so many, IPv6, "
                   "tables included; for lwIP, what is out of its pools. lwIP is one stack for "
                   "both ends, so an end is half of it.")
    tun_text = ("The kernel's sockets at the other end, congestion control cubic; the stack on one "
                "core, the kernel's program on the other. Medians of rounds that take turns. The "
                "vnet_hdr rows have a window of 4 MiB, the others lwIP's.")
    sections = [("Instructions, in memory", "", instructions), ("Time, in memory", "", times),
                ("Memory", memory_text, memory), ("Over TUN", tun_text, tun)]
    say("watching captures")
    watched, watch_bounds = watch.measure(build, estab, quick, say)
    return sections, [watched], bounds_of(instructions, times, memory, table) + watch_bounds


def main():
    """Measures, writes, and says which bounds do not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--estab", required=True, help="the command that watches")
    parser.add_argument("--only-watch", action="store_true", help="its rows alone, put into the report that is there")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    start = time.monotonic()
    try:
        if arguments.only_watch:
            table, bounds = watch.measure(arguments.build, arguments.estab, arguments.quick, say)
            if arguments.quick:
                print(table.markdown() + "\n".join(bound.markdown() for bound in bounds))
            else:
                report.replace(DOCUMENT, table, bounds, watch.PREFIX)
            return
        sections, tables, bounds = measure(arguments.build, arguments.estab, arguments.quick)
    except BenchError as error:
        sys.exit(f"bench: {error}")
    facts = {"lwip": lwip_version(arguments.build), "window": f"{WINDOW_BYTES:,}",
             "processor": report.processor(), "kernel": os.uname().release,
             "compiler": report.first_line("gcc", "--version"), "flags": "-O2"}
    path = DOCUMENT
    if arguments.quick:
        path = os.path.join(arguments.build, "performance.md")
    report.write(path, facts, sections, tables, bounds)
    for bound in bounds:
        say(f"{'holds' if bound.holds() else 'DOES NOT HOLD'}: {bound.what}: {bound.value:,.2f}, "
            f"bound {bound.bound:g}")
    say(f"{os.path.normpath(path)} written after {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
