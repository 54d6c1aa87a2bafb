#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# conformance.sh - the public scripts of $PACKETDRILL: as many pass as must, and docs/conformance.md argues about the rest.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
export ESTAB=${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}
python3 tests/conformance/needs.py "$PACKETDRILL"
python3 tests/conformance/conformance.py "$PACKETDRILL" | tail -3
