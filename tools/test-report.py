#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""test-report.py STAGE TESTLOG.json TOTALS - one line a room with counts and time, failures in full.

A program that counts its own cases (cmocka, or a line "N passed, N failed") is believed as long as
its exit status agrees; any other test is one case. Appends "passed failed skipped" to TOTALS.
"""
import json
import os
import re
import sys

CMOCKA = re.compile(r"\[  (PASSED|FAILED|SKIPPED) +\] (\d+) test\(s\)")
PLAIN = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)


def cases(test):
    """(passed, failed, skipped) of one test."""
    text = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    result = test["result"]
    if result == "SKIP":
        return [0, 0, 1]
    counts = [0, 0, 0]
    for word, n in CMOCKA.findall(text):
        counts[["PASSED", "FAILED", "SKIPPED"].index(word)] += int(n)
    for passed, failed, skipped in PLAIN.findall(text):
        counts = [c + int(n or 0) for c, n in zip(counts, (passed, failed, skipped))]
    if result == "OK":
        if counts[1]:
            return [counts[0], counts[1], counts[2]]
        return counts if sum(counts) else [1, 0, 0]
    return [counts[0], max(1, counts[1]), counts[2]]


def room(name):
    words = name.split()
    return words[1] if words[0] == "unit" else words[0]


def main():
    stage, log, totals = sys.argv[1:4]
    rooms, total = {}, [0, 0, 0]
    if not os.path.exists(log):
        sys.exit(f"{stage}: no test ran")
    with open(log, encoding="utf-8") as lines:
        for test in map(json.loads, lines):
            name = test["name"].split(" / ")[-1]
            counts = cases(test)
            row = rooms.setdefault(room(name), [0, 0, 0, 0.0])
            for i in range(3):
                row[i] += counts[i]
                total[i] += counts[i]
            row[3] += test["duration"]
            if counts[1] or counts[2]:
                word = "FAILED" if counts[1] else "SKIPPED"
                print(f"{word} {stage}: {name} ({test['result']}, {test['duration']:.1f} s)")
                for stream in ("stdout", "stderr"):
                    for line in (test.get(stream) or "").splitlines()[-40:]:
                        print("  | " + line)
    for name, (p, f, s, seconds) in rooms.items():
        print(f"{stage:7} {name:16} {p:6} passed {f:3} failed {s:3} skipped {seconds:6.1f} s")
    with open(totals, "a", encoding="utf-8") as out:
        print(*total, file=out)


main()
