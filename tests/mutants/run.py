#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# run.py [--count N] [--seed N] [--only REGEX] BUILD - shows that the tests of requirements are able to fail.
#
# mutants.tsv has lines of: requirement, file, text, what to put in its place, test. Each is a wrong line of code that
# the test named beside it must notice. A copy of the tree is built in BUILD, one mutant at a time, and the test run:
# `script:PATH` below tests/scripts, `prop:PROGRAM[:PROPERTY]`, `attack:PROGRAM:ROW`, `unit:ROOM:PROGRAM`.
# Without --count all of them. The last line counts; a survivor, a text that is not there any more, and a MUST of
# RFC 9293 without a mutant are failures.
import argparse
import os
import random
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get("ESTAB_SOURCE") or os.path.dirname(os.path.dirname(HERE))
ROOMS = ("include", "src", "tests", "tools", "docs", "examples")


def read_list(name):
    rows = []
    with open(name, encoding="utf-8") as f:
        for nth, line in enumerate(f, 1):
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 5:
                sys.exit(f"{name}:{nth}: {len(fields)} fields instead of 5")
            rows.append([f.replace("\\n", "\n") for f in fields])
    return rows


def copy_tree(build):
    tree = os.path.join(build, "tree")
    os.makedirs(tree, exist_ok=True)
    for room in ROOMS:
        shutil.copytree(os.path.join(TOP, room), os.path.join(tree, room), dirs_exist_ok=True,
                        copy_function=copy_if_newer)
    for name in ("meson.build", "meson_options.txt"):
        copy_if_newer(os.path.join(TOP, name), os.path.join(tree, name))
    return tree


def copy_if_newer(source, target):
    """An unchanged file keeps its time, so that nothing is built twice."""
    if os.path.exists(target):
        with open(source, "rb") as a, open(target, "rb") as b:
            if a.read() == b.read():
                return target
    return shutil.copy(source, target)


def test_of(test):
    """The targets to build, and the command, relative to the build directory."""
    kind, _, rest = test.partition(":")
    if kind == "script":
        *options, path = rest.split()
        return ["tools/estab/estab"], ["tools/estab/estab", "script", *options, "../tree/tests/scripts/" + path]
    program, _, what = rest.partition(":")
    if kind == "unit":
        target = f"tests/unit-{program}-{what}-c"
        return [target], [target]
    target = f"tests/{kind}-{program}-c"
    if kind == "prop" and what:
        return [target], [target, what]
    return [target], [target] + ([what] if what else [])


def run(command, cwd, seconds=120):
    try:
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds, check=False)
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return -1, "it does not end\n"


def find_text(tree, name, text):
    """In that file; or in the only other one of the core that has it now."""
    found = []
    paths = [os.path.join(path, n) for path, _, names in os.walk(os.path.join(tree, "src")) for n in names]
    for path in [os.path.join(tree, name)] + sorted(paths):
        if not os.path.exists(path) or not path.endswith((".c", ".h")):
            continue
        with open(path, encoding="utf-8") as f:
            source = f.read()
        if text in source:
            if path == os.path.join(tree, name):
                return path, source
            found.append((path, source))
    return found[0] if len(found) == 1 else (None, None)


def try_one(row, tree, build):
    """None: killed; else why not."""
    requirement, name, text, instead, test = row
    path, source = find_text(tree, name, text)
    targets, command = test_of(test)
    try:
        with open(path, "w", encoding="utf-8") as f:
            f.write(source.replace(text, instead, 1))
        status, out = run(["ninja", "-C", build, *targets], tree, 600)
        if status != 0:
            return "it does not compile:\n" + "\n".join(
                [line for line in out.split("\n") if "error" in line][:3])
        command = [os.path.join(build, command[0])] + command[1:]
        status, out = run(command, build)
        return None if status != 0 else "survives " + test
    finally:
        with open(path, "w", encoding="utf-8") as f:
            f.write(source)


def without_mutant(rows):
    """Each MUST of RFC 9293 that is met or departed from."""
    have = {id for row in rows for id in row[0].split(", ")}
    with open(os.path.join(TOP, "docs/rfc/rfc9293.tsv"), encoding="utf-8") as f:
        fields = [line.rstrip("\n").split("\t") for line in f if line.startswith("MUST-")]
    return [f[0] for f in fields if f[3] in ("met", "departs") and f[0] not in have]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("build")
    args = parser.parse_args()
    rows = read_list(os.path.join(HERE, "mutants.tsv"))
    bad = 0
    for requirement in without_mutant(rows):
        bad += 1
        print(f"{requirement}: no mutant")
    # Of all of them, whichever are tried: else a change of the code is noticed only by who happens to try its mutant.
    for row in [r for r in rows if find_text(TOP, r[1], r[2])[1] is None]:
        bad += 1
        print(f"{row[0]}: {row[1]}: {row[2].strip()[:60]}: the text is not there any more")
        rows.remove(row)
    rows = [r for r in rows if re.search(args.only, "\t".join(r))]
    if args.count and args.count < len(rows):
        rows = random.Random(args.seed).sample(rows, args.count)
    os.makedirs(args.build, exist_ok=True)
    build = os.path.join(os.path.abspath(args.build), "out")
    tree = copy_tree(os.path.abspath(args.build))
    if not os.path.exists(os.path.join(build, "build.ninja")):
        status, out = run(["meson", "setup", build, tree, "-Dwerror=false", "-Doptimization=1"], tree, 300)
        if status != 0:
            sys.exit(out)
    else:
        run(["meson", "setup", "--reconfigure", build], tree, 300)
    # First the tests as they are: a test that fails anyway kills nothing.
    targets = sorted({t for r in rows for t in test_of(r[4])[0]})
    status, out = run(["ninja", "-C", build, *targets], tree, 1800)
    if status != 0:
        sys.exit(out[-3000:])
    for test in sorted({r[4] for r in rows}):
        command = test_of(test)[1]
        status, out = run([os.path.join(build, command[0])] + command[1:], build)
        if status != 0:
            sys.exit(f"{test} fails without a mutant:\n{out[-2000:]}")
    passed = 0
    for row in rows:
        why = try_one(row, tree, build)
        if why:
            bad += 1
            print(f"{row[0]}: {row[1]}: {row[2].strip()[:60]}: {why}", flush=True)
        else:
            passed += 1
    print(f"{passed} passed, {bad} failed, 0 skipped")
    return 1 if bad or not rows else 0


sys.exit(main())
