#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# cc_one_file.sh - the one-file build compiles alone, and examples/echo.c with it and nothing else.
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
