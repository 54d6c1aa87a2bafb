# SPDX-License-Identifier: BSD-2-Clause
"""The observer beside its peers, on made captures: CPU time for each packet, peak memory, bytes of a connection."""

import json
import os
import shutil
import platform
import statistics
import subprocess

from inproc import BenchError, pairs, run
from report import Bound, processor

CEILING_BYTES = 256 << 20
ROUNDS = 5
LONGEST_S = 600  # twice what one run may take
LOOP_FACTOR, ROW_NS = 3, 1000  # what a run may take: of the bare loop's time, and for each row
# Kind: what `captures` is told, and with --quick.
KINDS = {"bulk": (300000, 30000), "short": (1000000, 20000), "scan": (400000, 40000),
         "mixed": (174553, 17455)}
PROGRAMS = {
    "estab watch --json": ["{estab}", "watch", "--json", "{file}"],
    "estab watch": ["{estab}", "watch", "{file}"],
    "libpcap loop": ["{build}/pcap-loop", "{file}"],
    "tcpdump": ["tcpdump", "-Z", "root", "-r", "{file}", "-w", "/dev/null"],
    "softflowd": ["softflowd", "-6", "-r", "{file}"],
    "argus": ["argus", "-r", "{file}", "-w", "/dev/null"],
    "nfpcapd": ["nfpcapd", "-r", "{file}", "-w", "{scratch}"],
    "tcptrace": ["tcptrace", "-n", "{file}"],
    "tshark": ["tshark", "-n", "-q", "-z", "conv,tcp", "-r", "{file}"],
}
ONCE = ("tshark", "tcptrace", "nfpcapd")  # take long, and are far off: one turn is enough
PREFIX = "watch"  # of all bounds
OURS, LOOP = "estab watch --json", "libpcap loop"


class Figure:
    """What a program took on a capture: CPU nanoseconds and peak bytes, or why there is none."""

    def __init__(self, cpu_ns=None, rss_bytes=None, why=None):
        self.cpu_ns, self.rss_bytes, self.why = cpu_ns, rss_bytes, why

    def cells(self, packets):
        """Nanoseconds a packet and MiB."""
        if self.why:
            return f"{self.why} | –"
        return f"{self.cpu_ns / packets:,.0f} | {self.rss_bytes / 2 ** 20:,.0f}"


class Watch:
    """The runs over captures in BUILD/captures, which are made when they are not there."""

    def __init__(self, build, estab, quick):
        self.build, self.estab, self.quick = build, estab, quick
        self.directory = os.path.join(build, "captures")
        os.makedirs(self.directory, exist_ok=True)

    def capture(self, kind, count):
        """The path of a made capture and how many packets it has."""
        path = os.path.join(self.directory, f"{kind}-{count}.pcap")
        if not os.path.exists(path):
            run([os.path.join(self.build, "captures-made"), kind, str(count), path + ".part"])
            os.replace(path + ".part", path)
        return path, int(pairs(run([os.path.join(self.build, "pcap-loop"), path]).stdout)["packets"])

    def once(self, program, path):
        """One run of a program."""
        scratch = os.path.join(self.directory, "nfpcapd")
        shutil.rmtree(scratch, ignore_errors=True)
        os.makedirs(scratch)
        command = [word.format(build=self.build, estab=self.estab, file=path, scratch=scratch)
                   for word in PROGRAMS[program]]
        if shutil.which(command[0]) is None:
            return Figure(why=f"no {command[0]} here")
        try:
            done = subprocess.run([os.path.join(self.build, "measure"), *command],
                                  capture_output=True, text=True, timeout=LONGEST_S, check=False)
        except subprocess.TimeoutExpired:
            return Figure(why=f"not done in {LONGEST_S} s")
        figures = pairs(done.stdout)
        if done.returncode != 0:
            words = (done.stderr.strip().splitlines() or [str(done.returncode)])[-1]
            return Figure(why=f"fails: {words[:60]}")
        return Figure(figures["cpu_ns"], figures["rss_bytes"])

    def turns(self, path, rounds):
        """Medians of CPU time and peaks, by program; the runs take turns, and each turn begins with another one.

        Whoever runs behind a program that gave back a gigabyte would pay for that each time."""
        all_ = {program: [] for program in PROGRAMS}
        order = list(PROGRAMS)
        for turn in range(rounds):
            for program in order[turn % len(order):] + order[:turn % len(order)]:
                if turn == 0 or program not in ONCE:
                    all_[program].append(self.once(program, path))
        answer = {}
        for program, figures in all_.items():
            good = [figure for figure in figures if not figure.why]
            answer[program] = figures[0] if len(good) < len(figures) else Figure(
                statistics.median(figure.cpu_ns for figure in good),
                max(figure.rss_bytes for figure in good))
        return answer

    def rows(self, path):
        """Rows that `estab watch --json` writes, and its peak at the memory door."""
        count, last = 0, b""
        with subprocess.Popen([self.estab, "watch", "--json", path], stdout=subprocess.PIPE) as it:
            for line in it.stdout:
                count, last = count + 1, line
        stats = json.loads(last)
        if it.returncode != 0 or stats["type"] != "stats":
            raise BenchError(f"estab watch --json {path}: {it.returncode}")
        return count, stats["memory_peak_bytes"]

    def flow_bytes(self, kind):
        """Bytes of a connection at the memory door: of the second 131,072."""
        count = 131072
        figures = pairs(run([os.path.join(self.build, "flows"), kind, str(count)]).stdout)
        return (figures["twice_bytes"] - figures["once_bytes"]) / count


class Table:
    """The part of the report."""

    heading = "Watching captures"

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows

    def markdown(self):
        """The table: a line for each program."""
        text = (
            "CPU time of the whole process, user and system, for each packet, and its peak memory, "
            "of the second of two runs in succession: the first brings file and memory back from "
            "where the system had put them. Output goes to `/dev/null`; the same files for all, in "
            "one run, medians of runs that take turns (the slow ones run once). The captures are "
            "made by `bench/captures.c`: long downloads; a million short connections of 8 packets; eight "
            "scanners; and mixed, what an access link carries in ten minutes (sizes with a heavy tail, "
            "slow start, losses, refusals, idle and aborted connections). "
            "estab is what `make release` builds (`-O3`), the peers are Debian's packages, with the "
            "command below; softflowd keeps 8,192 flows "
            "unless told otherwise, argus and nfpcapd keep what they have seen of flows, none of "
            "them states, texts that overlap, duplicates or scans. A bare loop reads with libpcap "
            "and counts. "
            f"{processor()}; Linux {platform.release()}.")
        lines = [f"## {self.heading}\n", text + "\n"]
        heads = "".join(f" | {name}, {packets:,} packets, {rows:,} rows: ns a packet | MiB"
                        for name, packets, rows in self.columns)
        lines.append(f"| {heads} | command |")
        lines.append("|---" + "|---:|---:" * len(self.columns) + "|---|")
        for program, cells in self.rows:
            command = " ".join(PROGRAMS[program]).replace("{build}/", "").format(
                estab="estab", file="FILE", scratch="DIR")
            lines.append(f"| {program} | {' | '.join(cells)} | `{command}` |")
        lines.append("")
        return "\n".join(lines)


def bounds_of(kind, packets, rows, figures):
    """What must hold on one capture."""
    if figures[OURS].why or figures[LOOP].why:
        raise BenchError(f"{kind}: {figures[OURS].why or figures[LOOP].why}")
    ours, allowed = figures[OURS].cpu_ns, LOOP_FACTOR * figures[LOOP].cpu_ns + ROW_NS * rows
    least_ns = figures[LOOP].cpu_ns + ROW_NS * rows
    name = f"{kind}, {packets:,} packets"
    bounds = [Bound(f"{PREFIX} {name}: time / (3 x bare loop + 1 µs a row)", ours / allowed, 1, True)]
    for peer, least in (("softflowd", 1), ("argus", 1), ("tcptrace", 5), ("tshark", 20)):
        if figures[peer].why or (least == 1 and kind not in ("short", "mixed")):
            continue
        # What the ratio would be of who only reads with libpcap, and takes what is granted for the rows.
        alone = f" (bare loop + 1 µs a row alone: {figures[peer].cpu_ns / least_ns:.2f})" if least > 1 else ""
        bounds.append(Bound(f"{PREFIX} {name}: {peer}'s time / estab's{alone}",
                            figures[peer].cpu_ns / ours, least, False))
    return bounds


def measure(build, estab, quick, say):
    """All captures; answers the table and the bounds."""
    watch = Watch(build, estab, quick)
    columns, cells, bounds, peak = [], {program: [] for program in PROGRAMS}, [], 0
    for kind, counts in KINDS.items():
        count = counts[1 if quick else 0]
        path, packets = watch.capture(kind, count)
        rows, door_bytes = watch.rows(path)
        peak = max(peak, door_bytes)
        figures = watch.turns(path, 1 if quick else ROUNDS)
        columns.append((kind, packets, rows))
        for program in PROGRAMS:
            cells[program].append(figures[program].cells(packets))
        bounds += bounds_of(kind, packets, rows, figures)
        say(f"watch {kind} {count:,}: " + ", ".join(
            f"{program} {figure.cells(packets).replace(' | ', ' ns ')} MiB"
            for program, figure in figures.items()))
        if os.path.getsize(path) > 10 ** 9:
            os.remove(path)
    bounds += [
        Bound(f"{PREFIX}: peak at the memory door / ceiling of 256 MiB", peak / CEILING_BYTES, 1, True),
        Bound(f"{PREFIX}: bytes of an idle established IPv6 connection", watch.flow_bytes("idle"), 384,
              True),
        Bound(f"{PREFIX}: bytes of a connection of one packet", watch.flow_bytes("one"), 128, True),
        Bound(f"{PREFIX}: bytes of a refused connection", watch.flow_bytes("refused"), 160, True)]
    return Table(columns, list(cells.items())), bounds
