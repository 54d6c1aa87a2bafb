#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tail-loss.py [--seeds=N] [--write] - the last segment of a transfer is lost, at a round trip of 50 ms.

From its first transmission until all is acknowledged: at most 4 round trips, the peer's delayed-ACK time (40 ms) and 20 ms,
and no retransmission timeout, in 95 % of the seeds or more. Each seed is a transfer of 1 to 80 segments by one of the
congestion controls, over 100 Mbit/s to 1 Gbit/s; what happened is read from the log of --qlog. --write: into docs/sender.md.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "sender.md"
ESTAB = os.environ.get("ESTAB", "estab")
RTT_MS, DELAYED_ACK_MS, SLACK_MS = 50, 40, 20
BOUND_MS = 4 * RTT_MS + DELAYED_ACK_MS + SLACK_MS


def run(seed, log):
    chance = random.Random(seed)
    segments = chance.randint(1, 80)
    octets = segments * 1448 - chance.choice((0, 0, chance.randint(1, 1447)))
    scenario = f"""seed {seed}
host a cc={chance.choice(("cubic", "cubic", "reno", "bbr"))}
host b
link a b rate={chance.choice((100, 200, 1000))}M delay={RTT_MS * 500}us queue=256K
link a>b lose={1 + segments}
flow a b bytes={octets}
until 30s
expect failed = 0
"""
    out = subprocess.run([ESTAB, "sim", "--qlog", log, "-"], input=scenario, text=True, capture_output=True, check=False)
    if out.returncode != 0:
        sys.exit(f"tail-loss: seed {seed}: {out.stdout}{out.stderr}\n{scenario}")
    return segments


def read(log):
    """When the last segment left first, when all of it was acknowledged, how often the timeout fired; the lost one again?"""
    last_ms = done_ms = None
    end, base, timeouts, again = 0, None, 0, False
    for line in open(log, encoding="utf-8"):
        o = json.loads(line.lstrip("\x1e"))
        name, data = o.get("name"), o.get("data", {})
        if name == "transport:packet_sent" and "S" in data["header"]["flags"]:
            base = data["header"]["seq"]
        elif name == "transport:packet_sent" and data["raw"]["payload_length"] > 0:
            at = (data["header"]["seq"] - base) % 2**32 + data["raw"]["payload_length"]
            if at > end:
                end, last_ms, done_ms = at, o["time"], None
            elif at == end:
                again = True
        elif name == "transport:packet_received" and last_ms is not None and done_ms is None:
            if (data["header"]["ack"] - base) % 2**32 >= end:
                done_ms = o["time"]
        elif name == "recovery:timer_updated" and data["timer_type"] == "retransmission":
            timeouts += 1
    return last_ms, done_ms, timeouts, again


def main():
    seeds = next((int(a[8:]) for a in sys.argv if a.startswith("--seeds=")), 200)
    times, good = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(1, seeds + 1):
            log = os.path.join(scratch, "log")
            segments = run(seed, log)
            last_ms, done_ms, timeouts, again = read(log)
            if not again:
                sys.exit(f"tail-loss: seed {seed}: the last of {segments} segments was not lost")
            times.append(done_ms - last_ms)
            if done_ms - last_ms <= BOUND_MS and timeouts == 0:
                good += 1
            elif "--write" not in sys.argv:
                print(f"tail-loss: seed {seed}: {segments} segments, {done_ms - last_ms:.1f} ms, {timeouts} timeouts")
    times.sort()
    told = (f"{good} of {seeds} seeds within {BOUND_MS} ms and without a timeout; median {times[len(times) // 2]:.0f} ms, "
            f"95 % {times[len(times) * 95 // 100]:.0f} ms, longest {times[-1]:.0f} ms.")
    print("tail-loss: " + told)
    if "--write" in sys.argv:
        begin, end = "<!-- tail-loss -->\n", "<!-- end of tail-loss -->"
        head, rest = DOCUMENT.read_text().split(begin)
        DOCUMENT.write_text(head + begin + told + "\n" + rest[rest.index(end):])
    sys.exit(good < 0.95 * seeds)


main()
