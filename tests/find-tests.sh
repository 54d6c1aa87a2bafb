#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# find-tests.sh - prints every test there is, relative to tests/, one a line, sorted.
cd "$(dirname "$0")" || exit 1
for pattern in 'unit/*/test_*.c' 'prop/*.c' 'oom/*.c' 'attack/*.c' 'support/*.c' 'fuzz/fuzz_*.c' 'checks/*.sh' 'interop/*.sh' 'sim/*.args' 'sim/*.sim'; do
  # shellcheck disable=SC2086 # the pattern is meant to expand
  ls $pattern 2>/dev/null
done | LC_ALL=C sort
[ ! -d scripts ] || find scripts -name '*.pkt' | LC_ALL=C sort
