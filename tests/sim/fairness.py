#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fairness.py [--write] - Jain's index of 2, 4 and 8 flows on one bottleneck of 50 Mbit/s, by `estab sim`.

Once all with a round trip of 40 ms, where CUBIC must reach 0.97, once with round trips from 20 to 160 ms, evenly spaced,
which is reported; and one flow of BBR beside one of CUBIC in drop-tail queues of several sizes, which is reported, too.
--write: into docs/sender.md.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "sender.md"
ESTAB = os.environ.get("ESTAB", "estab")
RATE = 50e6
QUEUES_KB = (25, 60, 125, 250, 500, 1000)  # the BDP is 250


def rtts_ms(flows, equal):
    return [40] * flows if equal else [20 + 140 * i / (flows - 1) for i in range(flows)]


def run(ccs, rtts, queue_kb=250):
    """Goodputs, in bit/s, over the fifty seconds after the first ten."""
    lines = ["seed 1", "host z rcvbuf=8M", "router r", "router s", "link s z rate=1G delay=1ms",
             f"link r s rate=50M delay=5ms queue={queue_kb}K"]
    for i, (cc, rtt) in enumerate(zip(ccs, rtts)):
        lines += [f"host a{i} cc={cc} sndbuf=8M", f"link a{i} r rate=1G delay={(rtt / 2 - 6) * 1000:.0f}us"]
    lines += [f"flow a{i} z for=60s" for i in range(len(rtts))] + ["measure 10s", "until 60s"]
    out = subprocess.run([ESTAB, "sim", "--json", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True,
                         check=True)
    return [json.loads(line)["goodput_bits_per_s"] for line in out.stdout.splitlines()[:-1]]


def jain(rates):
    return sum(rates) ** 2 / (len(rates) * sum(r * r for r in rates))


def beside():
    rows = ["| queue KB | BBR Mbit/s | CUBIC Mbit/s |", "|---:|---:|---:|"]
    for queue_kb in QUEUES_KB:
        bbr, cubic = run(("bbr", "cubic"), (40, 40), queue_kb)
        rows.append(f"| {queue_kb} | {bbr / 1e6:.1f} | {cubic / 1e6:.1f} |")
        print(rows[-1], flush=True)
    return rows


def main():
    rows, failed = [], 0
    for cc in ("cubic", "reno", "bbr"):
        for equal in (True, False):
            for flows in (2, 4, 8):
                rtts = rtts_ms(flows, equal)
                rates = run([cc] * flows, rtts)
                index, total = jain(rates), sum(rates)
                failed += cc == "cubic" and equal and index < 0.97
                trips = "40" if equal else "20 to 160"
                ends = "" if equal else f"{rates[0] / total * flows:.2f}, {rates[-1] / total * flows:.2f}"
                rows.append(f"| {cc} | {flows} | {trips} | {index:.3f} | {total / RATE:.2f} | {ends} |")
                print(rows[-1], flush=True)
    shares = beside()
    if "--write" in sys.argv:
        begin, end = "<!-- fairness -->\n", "<!-- end of fairness -->"
        head, rest = DOCUMENT.read_text().split(begin)
        table = ("| | flows | RTT ms | Jain's index | of the rate | shortest, longest RTT: of an equal share |\n"
                 "|---|---:|---:|---:|---:|---:|\n") + "\n".join(
                     rows + ["", "One flow of BBR and one of CUBIC, 40 ms, a drop-tail queue:", ""] + shares) + "\n"
        DOCUMENT.write_text(head + begin + table + rest[rest.index(end):])
    sys.exit(failed > 0)


main()
