#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# drops.sh - every drop and event has one name, and code that says it.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
bad=0
for list in DROP:DROP:drops EVENT:TRACE:events; do
  IFS=: read -r macro prefix file <<<"$list"
  file=include/estab/$file.def
  names=$(sed -n "s/^$macro(\([A-Z0-9_a-z]*\),.*/\1/p" "$file")
  [ -n "$names" ] || { echo "$file lists nothing"; exit 1; }
  twice=$(sort <<<"$names" | uniq -d)
  [ -z "$twice" ] || { echo "$file: twice: $twice"; bad=1; }
  for name in $names; do
    grep -rqw --include='*.c' --include='*.h' "ESTAB_${prefix}_$name" src ||
      { echo "$file: nothing in src says ESTAB_${prefix}_$name"; bad=1; }
  done
done
exit $bad
