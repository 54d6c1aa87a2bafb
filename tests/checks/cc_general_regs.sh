#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# cc_general_regs.sh - the core builds without a floating-point or vector register.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${CC:-cc}" -std=c17 -O2 -Wall -Wextra -Werror -mgeneral-regs-only -Iinclude -Isrc \
  -c src/estab_all.c -o "$scratch/all.o"
# The flag itself is proved to bite.
echo 'double f(double x) { return x * 2; }' >"$scratch/f.c"
if "${CC:-cc}" -mgeneral-regs-only -c "$scratch/f.c" -o "$scratch/f.o" 2>/dev/null; then
  echo "-mgeneral-regs-only did not refuse a double"
  exit 1
fi
