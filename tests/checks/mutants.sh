#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mutants.sh - the script runner is not lenient: scripts with one wrong expectation must fail.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
mapfile -t scripts < <(find tests/scripts -name '*.pkt' | LC_ALL=C sort)
python3 tests/scripts/mutate.py "${scripts[@]}"
