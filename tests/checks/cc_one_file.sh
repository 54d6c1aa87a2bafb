#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# cc_one_file.sh - the one-file builds compile alone, examples/echo.c with one of them and nothing else, and
# examples/watch.c with both.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tools/estab-all.sh --check
"${CC:-cc}" -std=c17 -Iinclude -Isrc -c src/estab_all.c -o "$scratch/all.o"
"${CC:-cc}" -std=c17 -Iinclude -c examples/echo.c -o "$scratch/echo.o" # needs include/ only
"${CC:-cc}" -std=c17 -Iinclude -Isrc examples/echo.c src/estab_all.c -o "$scratch/echo"
"$scratch/echo"
lines=$(wc -l <examples/echo.c)
[ "$lines" -le 60 ] || { echo "examples/echo.c has $lines lines, more than 60"; exit 1; }
"${CC:-cc}" -std=c17 -Iinclude -Isrc -c src/estab_watch_all.c -o "$scratch/watch_all.o"
"${CC:-cc}" -std=c17 -Iinclude -Isrc -DESTAB_BESIDE_CORE examples/watch.c src/estab_all.c src/estab_watch_all.c \
  -o "$scratch/watch"
"$scratch/watch" | grep -q 'connect scan: 192.0.2.1 probed 20 ports'
