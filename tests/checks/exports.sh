#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# exports.sh - libestab.so shows exactly what the public headers declare with ESTAB_API, versioned.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
library=${ESTAB_BUILD:-build}/src/libestab.so
shown=$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sort)
if grep -v '^estab_[a-z0-9_]*@@ESTAB_[0-9]*$' <<<"$shown"; then
  echo "exported, but not a versioned estab_*"
  exit 1
fi
declared=$(cat include/estab/*.h | tr '\n' ' ' |
  grep -o 'ESTAB_API [^;{(]*(' | sed 's/ *($//; s/.*[ *]//' | grep -x 'estab_[a-z0-9_]*' | sort -u)
diff -u --label 'declared in include/' --label 'exported by libestab.so' \
  <(echo "$declared") <(sed 's/@@.*//' <<<"$shown" | sort -u)
