#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# screens.sh - what estab watch shows of captures that estab makes is what tests/golden/watch/*.txt hold.
# After an intended change: tests/golden/transcript.py --write tests/golden/watch/*.txt, and look at the difference.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
export ESTAB=${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}
"$ESTAB" watch --help >/dev/null 2>&1 || { echo 'SKIPPED: built without extras'; exit 77; }
python3 tests/golden/transcript.py tests/golden/watch/*.txt
