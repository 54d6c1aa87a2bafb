# SPDX-License-Identifier: BSD-2-Clause
"""In-process figures: instructions by callgrind, time by interleaved runs, bytes at the memory door."""

import os
import re
import statistics
import subprocess

STACKS = ("estab", "lwip")
# Callgrind counts each byte of a `rep movsb` as an instruction. libc's memcpy uses it from a length
# on that only one of the stacks may reach, so it is told not to, for both.
COUNTING = dict(os.environ, GLIBC_TUNABLES="glibc.cpu.x86_rep_movsb_threshold=1000000000")


class BenchError(Exception):
    """A program of the bench failed; the message says which and how."""


def run(command, timeout=200, env=None):
    """Runs one program to its end and answers what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False,
                          env=env)
    if done.returncode != 0:
        words = " ".join(os.path.basename(word) for word in command)
        raise BenchError(f"{words}: {done.stderr.strip() or done.returncode}")
    return done


def pairs(text):
    """key=value words to a dictionary of numbers."""
    return {key: float(value) for key, value in re.findall(r"(\w+)=([0-9.]+)(?:\s|$)", text)}


class Inproc:
    """The programs inproc-sum, inproc-nosum and inproc-whole in one build folder."""

    def __init__(self, build, quick):
        self.build = build
        self.quick = quick

    def once(self, variant, stack, work, count, *options):
        """One run; answers its figures."""
        program = os.path.join(self.build, "inproc-" + variant)
        return pairs(run([program, stack, work, str(count), *options]).stdout)

    def instructions(self, variant, stack, work, counts, *options):
        """Instructions of one operation, libc included: two run lengths, so that set-up cancels."""
        totals = []
        for count in counts:
            program = os.path.join(self.build, "inproc-" + variant)
            done = run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                        program, stack, work, str(count), *options], env=COUNTING)
            totals.append(int(re.search(r"Collected\s*:\s*(\d+)", done.stderr).group(1)))
        return (totals[1] - totals[0]) / (counts[1] - counts[0])

    def nanoseconds(self, variant, work, counts, *options):
        """CPU nanoseconds of one operation by stack: medians of runs that take turns.

        counts: operations by stack, for a stack may be too slow for as many as the other.
        """
        return self.nanoseconds_of(variant, [(work, counts, *options)])[0]

    def nanoseconds_of(self, variant, jobs):
        """The same of several jobs whose figures are compared: the machine is as busy for each."""
        times = [{stack: [] for stack in STACKS} for _ in jobs]
        for _ in range(1 if self.quick else 5):
            for (work, counts, *options), taken in zip(jobs, times):
                for stack in STACKS:
                    figures = self.once(variant, stack, work, counts[stack], *options)
                    taken[stack].append(figures["cpu_ns"] / figures["operations"])
        return [{stack: statistics.median(taken[stack]) for stack in STACKS} for taken in times]

    def memory(self, stack, work, count):
        """Bytes of one connection on the client's and on the server's side."""
        figures = self.once("sum", stack, work, count, "ipv6")
        return figures["client_bytes"] / count, figures["server_bytes"] / count
