#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# rfc-map.py [--write | --check | --missing] - docs/rfc-map.md: each requirement of the RFCs we follow, where it is in
# the code, which test proves it.
#
# The requirements, in our own words, are docs/rfc/rfcNNNN.tsv. Tests name them by tags in brackets, [MUST-13] or
# [RFC 7323 M4], in the first line of a script or in a comment of a C file; code may do so, too. --check fails on a
# requirement (MUST) that is met or departed from without a test, on a tag that names no requirement, on a place in the
# code that is not there, and on a table that is out of date. --missing lists what has no test yet, SHOULD and MAY too.
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TAG = re.compile(r"\[((?:RFC \d+ [MSO]\d+|(?:MUST|SHLD|MAY|REC)-\d+)(?:, (?:RFC \d+ [MSO]\d+|(?:MUST|SHLD|MAY|REC)-\d+))*)\]")
STATES = {"met": "met", "departs": "departs", "not applicable": "not applicable", "unseen": "words not seen"}
DEFINITION = re.compile(r"^[A-Za-z_](?:[\w \t\*]|__attribute__\(\([\w, ]+\)\))*?\b(?!__attribute__)(\w+)\(")


class Row:
    def __init__(self, rfc, fields):
        fields += [""] * (6 - len(fields))
        self.rfc, (self.id, self.section, self.words, self.state, self.reason, code) = rfc, fields[:6]
        self.code, self.tests = code.split(), []
        if self.id[0] in "MSO" and self.id[1:].isdigit():
            self.tag = f"RFC {rfc} {self.id}"
        else:
            self.tag = self.id
        self.must = self.id.startswith("MUST") or (self.tag != self.id and self.id[0] == "M")


def files(*rooms, endings):
    for room in rooms:
        for path, folders, names in os.walk(os.path.join(TOP, room)):
            folders.sort()
            for name in sorted(names):
                if name.endswith(endings) and "corpus" not in path:
                    yield os.path.relpath(os.path.join(path, name), TOP)


def function_at(path, lines, at):
    """The C function that encloses line `at`, or the one it stands before; in tests/attack the row of the list."""
    if path.startswith("tests/attack/"):
        for line in reversed(lines[:at + 1]):
            row = re.match(r"// ---- ([A-Z]\d+):", line)
            if row:
                return row.group(1)
    inside = None
    for n, line in enumerate(lines):
        if line.startswith("}"):
            inside = None
        m = DEFINITION.match(line)
        if m and not line.rstrip().endswith(";"):
            inside = m.group(1)
        if n >= at and inside:
            return inside
    return None


def read_requirements(errors):
    tables = []
    order = "9293 7323 2018 2883 5681 6298 5961 6528 6056 6093 5482 1337 6191 5927 6691 1122 8200 4443 4861 8201 1191".split()
    names = sorted(os.listdir(os.path.join(TOP, "docs/rfc")),
                   key=lambda n: order.index(n[3:-4]) if n[3:-4] in order else 99)
    for name in names:
        if not name.endswith(".tsv"):
            continue
        rfc, title, rows = name[3:-4], "", []
        with open(os.path.join(TOP, "docs/rfc", name), encoding="utf-8") as f:
            for nth, line in enumerate(f, 1):
                line = line.rstrip("\n")
                if line.startswith("#"):
                    title = title or line[1:].strip()
                    continue
                fields = line.split("\t")
                if len(fields) < 4 or fields[3] not in STATES:
                    errors.append(f"docs/rfc/{name}:{nth}: not a requirement: {line[:60]}")
                    continue
                rows.append(Row(rfc, fields))
        tables.append((rfc, title, rows))
    return tables


def read_tags(by_tag, errors):
    for path in files("src", "include", "tests", endings=(".c", ".h", ".def", ".pkt", ".sh", ".py")):
        with open(os.path.join(TOP, path), encoding="utf-8", errors="replace") as f:
            lines = f.read().split("\n")
        for n, line in enumerate(lines):
            for match in TAG.finditer(line):
                for tag in match.group(1).split(", "):
                    row = by_tag.get(tag)
                    if not row:
                        errors.append(f"{path}:{n + 1}: no requirement [{tag}]")
                        continue
                    place = path
                    if path.endswith(".c"):
                        name = function_at(path, lines, n)
                        place += f":{name}" if name else ""
                    into = row.tests if path.startswith("tests/") else row.code
                    if place not in into:
                        into.append(place)
    for row in by_tag.values():
        row.code = sorted(set(row.code))
        row.tests = sorted(set(row.tests))


def definitions():
    """Where each function of the core is defined."""
    where = {}
    for path in files("src", endings=(".c", ".h")):
        with open(os.path.join(TOP, path), encoding="utf-8") as f:
            for line in f:
                m = DEFINITION.match(line)
                if m and not line.rstrip().endswith(";"):
                    where.setdefault(m.group(1), []).append(path)
    return where


def find_places(rows, errors):
    """A function that moved to another file is found there."""
    where = definitions()
    for row in rows:
        for n, place in enumerate(row.code):
            path, _, name = place.partition(":")
            if name and path not in where.get(name, []):
                if name in where:
                    row.code[n] = f"{where[name][0]}:{name}"
                else:
                    errors.append(f"{row.tag}: there is no function {name}")
            elif not name and not os.path.exists(os.path.join(TOP, path)):
                errors.append(f"{row.tag}: there is no file {path}")


def check_rows(rows, errors):
    for row in rows:
        if row.state in ("departs", "not applicable") and not row.reason:
            errors.append(f"{row.tag}: {row.state}, but no reason")
        if row.state == "met" and not row.code:
            errors.append(f"{row.tag}: met, but not said where in the code")
        if row.state == "met" and not row.tests:
            errors.append(f"{row.tag}: met, but no test names it")
        if row.must and row.state == "departs" and not row.tests:
            errors.append(f"{row.tag}: a departure from a MUST without a test")


def short(place):
    path, _, name = place.partition(":")
    path = re.sub(r"^tests/(scripts/)?", "", path)
    return f"`{path}`" + (f" {name}" if name else "")


def render(tables):
    out = ["# RFC map", "",
           "Each requirement of the RFCs that estab follows: in our words, where it is in the code, which test proves it. Written by",
           "`tools/rfc-map.py --write` from `docs/rfc/*.tsv` and from tags in code and tests; a check fails when a MUST has no test, when a tag",
           "names no requirement, and when this page is out of date. Ids of RFC 9293 are those of its appendix B; of other RFCs M stands",
           "for MUST, S for SHOULD, O for what is optional, numbered by us. Tests are relative to `tests/`, scripts to `tests/scripts/`.", "",
           "| RFC | requirements | met | departs | not applicable | words not seen | with a test |", "|---|---|---|---|---|---|---|"]
    total = [0] * 6
    for rfc, title, rows in tables:
        count = [len(rows)] + [sum(r.state == s for r in rows) for s in STATES] + [sum(bool(r.tests) for r in rows)]
        total = [a + b for a, b in zip(total, count)]
        out.append(f"| [{rfc}](#rfc-{rfc}) | " + " | ".join(map(str, count)) + " |")
    out.append("| all | " + " | ".join(map(str, total)) + " |")
    for rfc, title, rows in tables:
        out += ["", f"## RFC {rfc}", "", title + ("" if title.endswith(".") else "."), "",
                "| id | § | requirement | | code | tests |", "|---|---|---|---|---|---|"]
        for r in rows:
            tests = [short(t) for t in r.tests]
            more = f", {len(tests) - 4} more" if len(tests) > 4 else ""
            state = STATES[r.state] + (f": {r.reason}" if r.reason and r.state != "met" else "")
            words = r.words + (f" ({r.reason})" if r.reason and r.state == "met" else "")
            out.append(f"| {r.id} | {r.section} | {words} | {state} | " +
                       ", ".join(short(c) for c in r.code) + f" | {', '.join(tests[:4])}{more} |")
    return "\n".join(out) + "\n"


def main():
    errors = []
    tables = read_requirements(errors)
    rows = [r for _, _, t in tables for r in t]
    by_tag = {}
    for r in rows:
        if r.tag in by_tag:
            errors.append(f"{r.tag} is there twice")
        by_tag[r.tag] = r
    find_places(rows, errors)
    read_tags(by_tag, errors)
    page, mode = render(tables), sys.argv[1] if len(sys.argv) > 1 else ""
    path = os.path.join(TOP, "docs/rfc-map.md")
    if mode == "--missing":
        for r in rows:
            if not r.tests and r.state in ("met", "departs"):
                print(f"{r.tag}\t{r.state}\t{r.words}")
        return 0
    if mode == "--write":
        with open(path, "w", encoding="utf-8") as f:
            f.write(page)
        return 0
    if mode != "--check":
        print(page, end="")
        return 0
    check_rows(rows, errors)
    try:
        with open(path, encoding="utf-8") as f:
            old = f.read()
    except OSError:
        old = ""
    if old != page:
        errors.append("docs/rfc-map.md is out of date: run tools/rfc-map.py --write")
    for e in errors:
        print(e)
    return 1 if errors else 0


sys.exit(main())
