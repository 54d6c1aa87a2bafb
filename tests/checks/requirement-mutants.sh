#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# requirement-mutants.sh - tests of requirements are able to fail: wrong lines of code are noticed. Four of
# tests/mutants/mutants.tsv, others each day; all of them with ESTAB_LONG.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
some=(--count 4 --seed "${ESTAB_MUTANT_SEED:-$(date +%j)}")
[ -z "${ESTAB_LONG:-}" ] || some=()
case ${CC:-cc} in
*ccache*) ;;
*) ! command -v ccache >/dev/null || export CC="ccache ${CC:-cc}" ;;
esac
echo "mutants: ${some[*]:-all}"
python3 tests/mutants/run.py "${some[@]}" "${ESTAB_BUILD:-build}/mutants"
