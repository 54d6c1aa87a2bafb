#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# screens_public.sh - what estab watch shows of the public captures in ESTAB_GOLDEN is what tests/golden/watch/public holds.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
export ESTAB=${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}
[ -n "${ESTAB_GOLDEN:-}" ] || { echo 'SKIPPED: ESTAB_GOLDEN names no folder of captures'; exit 77; }
"$ESTAB" watch --help >/dev/null 2>&1 || { echo 'SKIPPED: built without extras'; exit 77; }
python3 tests/golden/transcript.py --public "$ESTAB_GOLDEN" tests/golden/watch/public/*.txt
