#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tail_loss.sh - a lost last segment is repaired within 4 round trips and without a timeout (tests/sim/tail-loss.py).
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
[ -x "${ESTAB:-}" ] || { echo 'the command is not built'; exit 77; }
python3 tests/sim/tail-loss.py --seeds=60
