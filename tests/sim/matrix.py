#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""matrix.py [--some] [--write] - goodput over round trip, loss and rate, for each congestion control, by `estab sim`.

CUBIC and Reno lose every n-th packet, and must come within 15 % of what their models say where the model's window lies
between 10 segments and 0.8 BDP: there the receiver acknowledges each segment, as the models have it, and the run is long
enough for some cycles between two losses. BBR loses by chance and must reach 0.9 of the rate, or of what the buffer lets
through in a round trip, to two digits, at 1 % or less where the BDP is 20 segments or more, after 30 round trips. All are compared with the
snapshot beside this file (5 %). --some: 25 cells. --rate=N: only these. --write: a new snapshot and the table of
docs/sender.md.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SNAPSHOT = HERE / "matrix.tsv"
DOCUMENT = HERE.parent.parent / "docs" / "sender.md"
ESTAB = os.environ.get("ESTAB", "estab")
RTTS_MS = (1, 10, 50, 100, 300)
LOSSES = ((0, 0), (10000, 0.01), (1000, 0.1), (100, 1), (33, 3))  # every n-th, percent
RATES_M = (10, 100, 1000)
CONTROLS = ("cubic", "reno", "bbr")
MSS = 1448


def cells(some):
    all_cells = [(cc, rtt, loss, rate) for rate in RATES_M for rtt in RTTS_MS for loss in LOSSES for cc in CONTROLS]
    if not some:
        return all_cells
    quick = [c for c in all_cells if c[3] < 1000]  # a simulated Gbit/s takes its time
    return [quick[(i * 6 + i % 3) % len(quick)] for i in range(25)]


def bdp_segments(rtt_ms, rate_m):
    return rate_m * 1e6 / 8 * rtt_ms / 1e3 / 1500


def model_segments(cc, rtt_ms, every):
    """RFC 9438 5.1 and 5.4: Reno's and CUBIC's average window at one loss every so many segments."""
    reno = (1.5 * every) ** 0.5
    cubic = 1.054 * (rtt_ms / 1e3 * every) ** 0.75
    return reno if cc == "reno" else max(reno, cubic)


def is_modelled(cell):
    cc, rtt, (every, percent), rate = cell
    if cc == "bbr" or percent == 0:
        return False
    return 10 <= model_segments(cc, rtt, every) <= 0.8 * bdp_segments(rtt, rate)


def round_trip_s(rtt_ms, rate_m):
    """With the time that a packet itself takes on the link."""
    return rtt_ms / 1e3 + 12000 / (rate_m * 1e6)


def run(cell):
    cc, rtt, (every, percent), rate = cell
    bdp_bytes = bdp_segments(rtt, rate) * 1500
    buffers = int(max(8 * bdp_bytes, 1 << 20) / 1024)
    warm_s = max(30 * rtt / 1e3, 1 if rate == 1000 else 5)
    # Once in about six seconds BBR looks for the round trip, which at 300 ms costs a round trip's worth: some of that.
    for_s = warm_s + {10: 60, 100: 20, 1000: max(66 * rtt / 1e3, 2)}[rate]
    delack = ""
    if is_modelled(cell):  # in cycles, each from one loss to the next: until the start is forgotten, and then some
        cycle_s = every / model_segments(cc, rtt, every) * rtt / 1e3
        warm_s, for_s = max(warm_s, 8 * cycle_s), max(for_s, 18 * cycle_s)
        delack = "delack=0ms"
    loss = "" if percent == 0 else f"loss={percent}%" if cc == "bbr" else f"every={every}"
    scenario = f"""seed 1
host a cc={cc} sndbuf={buffers}K
host b rcvbuf={buffers}K {delack}
link a b rate={rate}M delay={rtt * 500}us queue={int(bdp_bytes / 1024) + 64}K
link a>b {loss}
flow a b for={for_s:.3f}s
measure {warm_s:.3f}s
until {for_s:.3f}s
"""
    out = subprocess.run([ESTAB, "sim", "--json", "-"], input=scenario, text=True, capture_output=True, check=False)
    if not out.stdout:
        sys.exit(f"matrix: {ESTAB} sim said nothing: {out.stderr}\n{scenario}")
    last = json.loads(out.stdout.strip().split("\n")[-1])
    return last["verdict"], last["goodput_bits_per_s"]


def judge(cell, verdict, goodput):
    """What is wrong with it, or None; and what it is compared with, as a share (or None)."""
    cc, rtt, (every, percent), rate = cell
    if verdict != "ok" or goodput < 20000:
        return f"verdict {verdict}, {goodput} bit/s", None
    if cc == "bbr":
        if percent > 1 or bdp_segments(rtt, rate) < 20:
            return None, None
        share = goodput / (rate * 1e6)
        return (None if round(share, 2) >= 0.9 else f"{share:.3f} of the rate"), share
    if not is_modelled(cell):
        return None, None
    sent = model_segments(cc, rtt, every) * MSS * 8 / round_trip_s(rtt, rate)
    share = goodput / (sent * (1 - 1 / every))  # of which every n-th is lost
    return (None if 0.85 <= share <= 1.15 else f"{share:.3f} of the model"), share


def key(cell):
    cc, rtt, (_, percent), rate = cell
    return f"{cc}\t{rate}\t{rtt}\t{percent}"


def table(rows):
    lines = ["| Mbit/s | RTT ms | loss % | " + " | ".join(CONTROLS) + " |", "|---:|---:|---:|" + "---:|" * len(CONTROLS)]
    for rate in RATES_M:
        for rtt in RTTS_MS:
            for loss in LOSSES:
                found = [rows.get(key((cc, rtt, loss, rate))) for cc in CONTROLS]
                if any(found):
                    shown = [f"{f[0] / 1e6:.2f}" + (f" ({f[1]})" if f[1] != "-" else "") if f else "" for f in found]
                    lines.append(f"| {rate} | {rtt} | {loss[1]} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def read_snapshot():
    rows = {}
    if SNAPSHOT.exists():
        for line in SNAPSHOT.read_text().splitlines():
            if not line.startswith("#"):
                *name, goodput, share = line.split("\t")
                rows["\t".join(name)] = (int(goodput), share)
    return rows


def main():
    some, write = "--some" in sys.argv, "--write" in sys.argv
    only = [int(a[7:]) for a in sys.argv if a.startswith("--rate=")]
    known, failed = read_snapshot(), 0
    for cell in cells(some):
        if only and cell[3] not in only:
            continue
        verdict, goodput = run(cell)
        wrong, share = judge(cell, verdict, goodput)
        old = known.get(key(cell))
        if wrong is None and not write and old and abs(goodput - old[0]) > 0.05 * old[0]:
            wrong = f"{goodput} bit/s, the snapshot has {old[0]}"
        if wrong:
            failed += 1
            print(f"matrix: {key(cell)}: {wrong}", flush=True)
        known[key(cell)] = (goodput, "-" if share is None else f"{share:.2f}") if write else old
        if write:
            names = [key(c) for c in cells(False) if key(c) in known]
            SNAPSHOT.write_text("# congestion control, Mbit/s, RTT ms, loss %, goodput bit/s, of the model or the rate\n"
                                + "".join(f"{n}\t{known[n][0]}\t{known[n][1]}\n" for n in names))
    if write:
        begin, end = "<!-- matrix -->\n", "<!-- end of matrix -->"
        text = DOCUMENT.read_text()
        head, rest = text.split(begin)
        DOCUMENT.write_text(head + begin + table(known) + "\n" + rest[rest.index(end):])
    print(f"matrix: {failed} cells wrong")
    sys.exit(failed > 0)


main()
