#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# departs.sh - the README lists exactly the departures that the code confesses.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
grep -q '^<!-- departs -->$' README.md && grep -q '^<!-- end of departs -->$' README.md
tools/departs.sh --check
if grep -rn 'DEPARTS:' src include | grep -v 'DEPARTS: RFC [0-9]'; then
  echo 'the form is: DEPARTS: RFC <number> <section> <what> because <why>.'
  exit 1
fi
