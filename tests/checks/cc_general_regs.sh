#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# cc_general_regs.sh - the core builds without a floating-point or vector register.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# gcc refuses a double; clang calls a soft-float helper, which is then an undefined symbol.
without_float()
{
  "${CC:-cc}" -std=c17 -O2 -Wall -Wextra -Werror -mgeneral-regs-only "$@" -c -o "$scratch/out.o" &&
    ! nm -u "$scratch/out.o" | grep -E ' __[a-z]*[sdtx]f'
}
echo 'double twice(double x); double twice(double x) { return x * 2; }' >"$scratch/double.c"
if without_float "$scratch/double.c" >"$scratch/log" 2>&1; then
  echo 'this check does not see a double'
  exit 1
fi
without_float -Iinclude -Isrc src/estab_all.c
without_float -Iinclude -Isrc src/estab_watch_all.c
