#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# matrix.sh - goodput over round trip, loss and rate is what the snapshot says (tests/sim/matrix.py): 25 cells, all of them
# with ESTAB_LONG.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
[ -x "${ESTAB:-}" ] || { echo 'the command is not built'; exit 77; }
some=(--some)
[ -z "${ESTAB_LONG:-}" ] || some=()
python3 tests/sim/matrix.py "${some[@]}"
