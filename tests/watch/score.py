# SPDX-License-Identifier: BSD-2-Clause
# score.py - what was named in labelled captures: precision and recall for each kind: ESTAB DIRECTORY [look|kept]
# The table goes to standard output as Markdown; captures with another answer than their label to standard error.
import collections
import json
import subprocess
import sys

estab, directory = sys.argv[1:3]
parts = sys.argv[3:] or ["look", "kept"]
want, right, wrong, captures = (collections.Counter() for _ in range(4))
for line in open(directory + "/labels.tsv"):
    name, part, kinds, command = line.rstrip("\n").split("\t")
    if part not in parts:
        continue
    run = subprocess.run([estab, "watch", "--json", f"{directory}/{name}.pcapng"], capture_output=True, text=True)
    alerts = {}
    for row in run.stdout.splitlines():
        record = json.loads(row)
        if record["type"] == "alert":
            alerts[record["id"]] = record
    found = sorted(a["kind"] for a in alerts.values())
    expected = sorted(kinds.split())
    for kind in expected:
        want[kind] += 1
        captures[kind] += 1
    rest = collections.Counter(found)
    for kind in expected:
        if rest[kind]:
            rest[kind] -= 1
            right[kind] += 1
    for kind, n in rest.items():
        wrong[kind] += n
    # A scan for open ports goes before what looks at them.
    if found != expected:
        print(f"{name}: {' '.join(found) or 'nothing'}, not {' '.join(expected) or 'nothing'}: {command}", file=sys.stderr)
        for a in alerts.values():
            print("   ", a["summary"], a.get("geometry", ""), a["modifiers"], file=sys.stderr)
print("| kind | captures | named | recall | other alerts of this name | precision |")
print("|---|---|---|---|---|---|")
for kind in sorted(set(want) | set(wrong)):
    if not want[kind] and not wrong[kind]:
        continue
    named = right[kind] + wrong[kind]
    recall = f"{right[kind] / want[kind]:.2f}" if want[kind] else "-"
    precision = f"{right[kind] / named:.2f}" if named else "-"
    print(f"| {kind} | {captures[kind]} | {right[kind]} | {recall} | {wrong[kind]} | {precision} |")
print(f"| all | {sum(captures.values())} | {sum(right.values())} | {sum(right.values()) / max(1, sum(want.values())):.2f}"
      f" | {sum(wrong.values())} | {sum(right.values()) / max(1, sum(right.values()) + sum(wrong.values())):.2f} |")
