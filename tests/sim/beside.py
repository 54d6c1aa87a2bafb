#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""beside.py [--write] [--what=cubic,bbr,lossy,short,share] [--cell=N] [--runs=N] [--seconds=S]
[--snapshot=FILE] - estab beside this machine's kernel.

On equal paths, emulated in real time by `estab sim` (root; a real-time priority helps): the same transfers to a kernel,
once from estab and once from a kernel, taking turns. CUBIC beside CUBIC and BBR beside the kernel's bbr in 20 cells with
0.1 % loss or less each (periodic, so that both meet the same), some with more by chance; short transfers at 2 % loss; one
bottleneck for both. A run that could not keep time is repeated, and marked when that did not help. Each cell goes to
tests/sim/beside.tsv as it is known; --write makes the table of docs/sender.md of it.
"""
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SNAPSHOT = Path(next((a[11:] for a in sys.argv if a.startswith("--snapshot=")), HERE / "beside.tsv"))
DOCUMENT = HERE.parent.parent / "docs" / "sender.md"
ESTAB = os.environ.get("ESTAB", "estab")
TRIES = 4  # of a run that is late

# Mbit/s, RTT ms, loss %, queue in BDP
CELLS = (
    (10, 10, 0, 1), (10, 20, 0, 1), (10, 50, 0, 0.5), (10, 50, 0.1, 1), (10, 100, 0, 1),
    (20, 10, 0.1, 1), (20, 20, 0, 0.5), (20, 50, 0.01, 1), (20, 100, 0, 0.5), (20, 100, 0.1, 1),
    (50, 10, 0, 1), (50, 20, 0.01, 0.5), (50, 50, 0, 1), (50, 50, 0.1, 1), (50, 100, 0.01, 1),
    (100, 10, 0, 1), (100, 10, 0.1, 0.5), (100, 20, 0, 0.5), (100, 50, 0, 1), (100, 100, 0.01, 1),
)
LOSSY = ((20, 20, 1, 1), (20, 50, 3, 1), (50, 50, 1, 1), (100, 20, 1, 1))
SHARES = ((10, 20, 2), (20, 50, 2), (50, 20, 2))  # Mbit/s, RTT ms, queue in BDP (RED)
SHORT = (20, 50, 2)  # Mbit/s, RTT ms, loss %: 10 times 30 transfers of 30 KiB


def priority():
    """A real-time priority if it may be had: what is measured shall not be who else is busy."""
    able = subprocess.run(["chrt", "-r", "1", "true"], capture_output=True, check=False).returncode == 0
    return ["chrt", "-r", "1"] if able else []


def sim(lines):
    """The objects of a run that kept time, or None."""
    for _ in range(TRIES):
        out = subprocess.run(priority() + [ESTAB, "sim", "--json", "-"], input="\n".join(lines) + "\n", text=True,
                             capture_output=True, check=False)
        if not out.stdout:
            sys.exit(f"beside: {ESTAB} sim said nothing: {out.stderr}\n" + "\n".join(lines))
        said = [json.loads(line) for line in out.stdout.strip().split("\n")]
        if said[-1]["verdict"] in ("ok", "missed"):
            return said
        if said[-1]["verdict"] != "late":
            sys.exit(f"beside: {said[-1]}\n" + "\n".join(lines))
        late = said[-1]["late"] / said[-1]["departures"]
        print(f"beside: late: {late:.1%}, at most {said[-1]['lateness_s'] * 1e3:.1f} ms", file=sys.stderr, flush=True)
    return None


def link(a, b, rate, rtt, loss, queue):
    """Losses by chance from 1 % on; fewer come each so many packets."""
    octets = max(int(rate * 1e6 / 8 * rtt / 1e3 * queue), 4 * 1500)
    lines = [f"link {a} {b} rate={rate}M delay={rtt * 500}us queue={octets}"]
    if loss >= 1:
        lines.append(f"link {a}>{b} loss={loss}%")
    elif loss > 0:
        lines.append(f"link {a}>{b} every={round(100 / loss)}")
    return lines


def sender(who, cc):
    return f"host a {'kernel ' if who == 'kernel' else ''}cc={cc}"


def bulk(who, cc, cell, seconds, seed):
    said = sim([f"seed {seed}", sender(who, cc), "host b kernel", *link("a", "b", *cell), f"flow a b for={seconds}s",
                f"until {seconds}s"])
    return None if said is None else said[-1]["goodput_bits_per_s"] / 1e6


def compare(cc, cell, runs, seconds):
    """Medians of both, their ratio; None where time was not kept. BBR: one long run, for it pauses each 5 or 10 s to look for
    its round trip."""
    if cc == "bbr":
        runs, seconds = 1, round(2.4 * seconds)
    got = {"estab": [], "kernel": []}
    for seed in range(1, runs + 1):
        for who, list_ in got.items():
            list_.append(bulk(who, cc, cell, seconds, seed))
    if any(g is None for list_ in got.values() for g in list_):
        return None
    ours, theirs = (statistics.median(list_) for list_ in got.values())
    return ours, theirs, ours / theirs


def short(runs):
    """Completion of 300 transfers a run, all runs together: (p50, p99) of estab and of the kernel, ms."""
    rate, rtt, loss = SHORT
    answer = [[], []]
    for seed in range(1, runs + 1):
        for i, who in enumerate(("estab", "kernel")):
            said = sim([f"seed {seed}", sender(who, "cubic"), "host b kernel",
                        f"link a b rate={rate}M delay={rtt * 500}us queue=256K loss={loss}%"]
                       + [f"flow a b bytes=30K repeat=30 gap=20ms start={37 * n}ms" for n in range(10)])
            answer[i].append(None if said is None else
                             (said[-1]["completion_p50_s"] * 1e3, said[-1]["completion_p99_s"] * 1e3))
    if any(a is None for list_ in answer for a in list_):
        return None
    return [tuple(statistics.median(run[k] for run in list_) for k in (0, 1)) for list_ in answer]


def share(cell, seconds, seed):
    """Of estab's CUBIC beside the kernel's, in one queue, from 10 s on; estab begins in one half of the runs. RED, for what
    drop-tail does to two regular senders depends on microseconds, not on them: see docs/sender.md."""
    rate, rtt, queue = cell
    first, second = ("", " start=500ms") if seed % 2 else (" start=500ms", "")
    octets = int(rate * 1e6 / 8 * rtt / 1e3 * queue)
    said = sim([f"seed {seed}", "host a cc=cubic", "host k kernel cc=cubic", "host b kernel", "router r",
                "link a r delay=1ms", "link k r delay=1ms",
                f"link r b rate={rate}M delay={rtt * 500 - 1000}us queue={octets} aqm=red",
                f"flow a b for={seconds}s{first}", f"flow k b for={seconds}s{second}", "measure 10s", f"until {seconds}s"])
    if said is None:
        return None
    ours, theirs = (said[i]["goodput_bits_per_s"] for i in (0, 1))
    return ours / (ours + theirs)


# ---------------------------------------------------------------------------------------------
# The snapshot: kind, cell, figures; "late" where time was not kept


def read_snapshot():
    rows = {}
    if SNAPSHOT.exists():
        for line in SNAPSHOT.read_text().splitlines():
            if not line.startswith("#"):
                kind, cell, *figures = line.split("\t")
                rows[kind, cell] = figures
    return rows


def write_snapshot(rows):
    SNAPSHOT.write_text("# what, cell (Mbit/s, RTT ms, loss %, queue BDP), estab, kernel, estab / kernel\n"
                        + "".join("\t".join([*key, *figures]) + "\n" for key, figures in sorted(rows.items(), key=order)))


def order(item):
    (kind, cell), _ = item
    return kind, [float(word) for word in cell.split()]


def name(cell):
    return " ".join(str(c) for c in cell)


def ratios(rows, kind):
    return [float(f[2]) for (k, _), f in rows.items() if k == kind and f[0] != "late"]


def judge(rows):
    """What does not hold, a line each."""
    wrong = []
    for kind in ("cubic", "bbr"):
        found = ratios(rows, kind)
        if not found:
            continue
        if round(statistics.median(found), 2) < 1.0:
            wrong.append(f"{kind}: the median ratio is {statistics.median(found):.3f}")
        if round(min(found), 2) < 0.9:
            wrong.append(f"{kind}: the worst ratio is {min(found):.3f}")
    for (kind, cell), figures in rows.items():
        if figures[0] == "late":
            wrong.append(f"{kind} {cell}: time was not kept")
        elif kind == "p99" and float(figures[0]) > float(figures[1]):
            wrong.append(f"short transfers: p99 is {figures[0]} ms, the kernel's {figures[1]} ms")
        elif kind == "share" and not 0.4 <= float(figures[0]) <= 0.6:
            wrong.append(f"share {cell}: {figures[0]}")
    return wrong


def table(rows):
    lines = []
    for kind, title in (("cubic", "CUBIC"), ("bbr", "BBR (estab: version 3; the kernel's: `bbr`)")):
        found = ratios(rows, kind)
        if not found:
            continue
        lines += [f"{title}: median ratio {statistics.median(found):.2f}, worst {min(found):.2f} of {len(found)} cells.", "",
                  "| Mbit/s | RTT ms | loss % | queue BDP | estab | kernel | ratio |", "|---:|---:|---:|---:|---:|---:|---:|"]
        for (k, cell), f in sorted(rows.items(), key=order):
            if k in (kind, kind + "-lossy"):
                lines.append("| " + " | ".join([*cell.split(), *f] if f[0] != "late" else [*cell.split(), "late", "", ""]) + " |")
        lines.append("")
    for (kind, cell), f in sorted(rows.items(), key=order):
        if kind in ("p50", "p99"):
            rate, rtt, loss = cell.split()
            lines.append(f"- 300 transfers of 30 KiB at {loss} % loss ({rate} Mbit/s, {rtt} ms), {kind}: estab {f[0]} ms, kernel {f[1]} ms")
    for (kind, cell), f in sorted(rows.items(), key=order):
        if kind == "share":
            rate, rtt, queue = cell.split()
            lines.append(f"- one queue for estab's CUBIC and the kernel's ({rate} Mbit/s, {rtt} ms, RED up to {queue} BDP): estab has {f[0]} ({f[1]} to {f[2]})")
    return "\n".join(lines)


def option(key, default):
    found = [a.split("=", 1)[1] for a in sys.argv if a.startswith(f"--{key}=")]
    return found[-1] if found else default


def main():
    what = option("what", "cubic,bbr,lossy,short,share").split(",")
    runs, seconds, only = int(option("runs", 3)), int(option("seconds", 10)), option("cell", None)
    rows = read_snapshot()
    wanted = [(cc, cell) for cc in ("cubic", "bbr") if cc in what for cell in CELLS]
    wanted += [(cc + "-lossy", cell) for cc in ("cubic", "bbr") if "lossy" in what for cell in LOSSY]
    wanted += [("share", cell) for cell in SHARES if "share" in what]
    wanted += [("short", SHORT)] if "short" in what else []

    def note(kind, cell, figures):
        rows[kind, name(cell)] = figures
        print("\t".join([kind, name(cell), *figures]), flush=True)
        write_snapshot(rows)

    for kind, cell in wanted:
        if only is not None and name(cell) != only:
            continue
        if kind == "share":
            got = [share(cell, 3 * seconds, seed) for seed in range(1, runs + runs % 2 + 1)]
            note(kind, cell, ["late"] if None in got else [f"{statistics.mean(got):.2f}", f"{min(got):.2f}", f"{max(got):.2f}"])
        elif kind == "short":
            got = short(runs)
            for i, p in enumerate(("p50", "p99")):
                note(p, cell, ["late"] if got is None else [f"{got[0][i]:.0f}", f"{got[1][i]:.0f}"])
        else:
            got = compare(kind.split("-")[0], cell, runs, seconds)
            note(kind, cell, ["late"] if got is None else [f"{got[0]:.2f}", f"{got[1]:.2f}", f"{got[2]:.2f}"])
    if "--write" in sys.argv:
        begin, end = "<!-- beside -->\n", "<!-- end of beside -->"
        text = DOCUMENT.read_text()
        head, rest = text.split(begin)
        DOCUMENT.write_text(head + begin + table(rows) + "\n" + rest[rest.index(end):])
    wrong = judge(rows)
    for line in wrong:
        print(f"beside: {line}")
    print(f"beside: {len(wrong)} wrong")
    sys.exit(len(wrong) > 0)


main()
