#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# cc_symbols.sh - what the core asks of the outside equals core-symbols.txt for this compiler:
# no clock, no allocator, no stdio, no random numbers can creep in.
set -euo pipefail
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
library=${ESTAB_BUILD:-build}/src
archives=("$library/libestab-core.a" "$library/libestab-watch.a")
case ${CC:-cc} in *clang*) compiler=clang ;; *) compiler=gcc ;; esac

wanted=$(nm -u "${archives[@]}" | awk 'NF == 2 { print $2 }' | sort -u)
given=$(nm --defined-only "${archives[@]}" | awk 'NF == 3 { print $3 }' | sort -u)
asked=$(comm -23 <(echo "$wanted") <(echo "$given") | sed '/^_GLOBAL_OFFSET_TABLE_$/d')
allowed=$(awk -v c=$compiler '!/^#/ { for (i = 2; i <= NF; i++) if ($i == c) print $1 }' \
  tests/checks/core-symbols.txt | sort -u)
diff -u --label core-symbols.txt --label "$compiler" <(echo "$allowed") <(echo "$asked")
