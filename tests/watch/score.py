# SPDX-License-Identifier: BSD-2-Clause
# score.py - what was named in labelled captures: precision and recall for each kind.
#   score.py ESTAB DIRECTORY [look|kept]          Markdown to standard output
#   score.py ESTAB DIRECTORY --write FILE         both parts, between the marks in FILE
# `silent`: what has no kinds is to raise no alert.
# Captures with another answer than their label go to standard error.
import collections
import json
import subprocess
import sys



def score(estab, directory, part_wanted):
    want, right, wrong = (collections.Counter() for _ in range(3))
    for line in open(directory + "/labels.tsv"):
        name, part, kinds, command = line.rstrip("\n").split("\t")
        if part_wanted not in (part, ""):
            continue
        run = subprocess.run([estab, "watch", "--json", f"{directory}/{name}.pcapng"], capture_output=True, text=True)
        alerts = {}
        for row in run.stdout.splitlines():
            record = json.loads(row)
            if record["type"] == "alert":
                alerts[record["id"]] = record
        found = sorted(a["kind"] for a in alerts.values()) or ["silent"]
        expected = sorted(kinds.split()) or ["silent"]
        rest = collections.Counter(found)
        for kind in expected:
            want[kind] += 1
            if rest[kind]:
                rest[kind] -= 1
                right[kind] += 1
        wrong.update(rest)
        if found != expected:
            print(f"{name}: {' '.join(found)}, not {' '.join(expected)}: {command}", file=sys.stderr)
            for a in alerts.values():
                print("   ", a["summary"], a.get("geometry", ""), a["modifiers"], file=sys.stderr)
    return want, right, wrong


def ratio(part, whole):
    return f"{part / whole:.2f}" if whole else "-"


def table(estab, directory, parts):
    yield "| kind | " + " | ".join(f"{p or 'all'}: captures | recall | precision" for p in parts) + " |"
    yield "|---" * (1 + 3 * len(parts)) + "|"
    scores = [score(estab, directory, p) for p in parts]
    kinds = sorted({k for s in scores for k in set(s[0]) | {w for w in s[2] if s[2][w]}})
    for kind in kinds:
        cells = [f"{w[kind]} | {ratio(r[kind], w[kind])} | {ratio(r[kind], r[kind] + x[kind])}" for w, r, x in scores]
        yield f"| {kind} | " + " | ".join(cells) + " |"
    cells = [
        f"{sum(w.values())} | {ratio(sum(r.values()), sum(w.values()))} | {ratio(sum(r.values()), sum(r.values()) + sum(x.values()))}"
        for w, r, x in scores
    ]
    yield "| all | " + " | ".join(cells) + " |"


program, captures = sys.argv[1:3]
if sys.argv[3:4] == ["--write"]:
    page = open(sys.argv[4]).read()
    head, rest = page.split("<!-- score -->\n")
    tail = rest.split("<!-- end of score -->")[1]
    text = "\n".join(table(program, captures, ["look", "kept"]))
    open(sys.argv[4], "w").write(f"{head}<!-- score -->\n{text}\n<!-- end of score -->{tail}")
else:
    print("\n".join(table(program, captures, [sys.argv[3] if len(sys.argv) > 3 else ""])))
