#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# manual_examples.sh - the examples of estab-watch(1), and those of the README that begin with $, print what is shown there.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
export ESTAB=${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}
"$ESTAB" watch --help >/dev/null 2>&1 || { echo 'SKIPPED: built without extras'; exit 77; }
page=docs/man/estab-watch.1.scd
[ "$(sed -n '/^# EXAMPLES/,$p' $page | grep -c '^## [0-9]*\. ')" -ge 10 ] || { echo 'fewer than ten examples'; exit 1; }
python3 tests/golden/transcript.py $page README.md
