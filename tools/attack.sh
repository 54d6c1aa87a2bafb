#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# attack.sh BUILD [--target kernel | [-v] [ID...]] - runs the tests of the rows P, B, S, I and E of docs/attacks.md (tests/attack): each id with
# its cases, then all of them. Fails when a case does, or when a row has no case.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:?a build directory}
shift
if [ "${1:-} ${2:-}" = '--target kernel' ]; then # the same forms against this machine's kernel, for comparison
  unshare -n true 2>/dev/null || { echo 'no network namespace can be made here'; exit 77; }
  exec unshare -n python3 tests/attack/kernel.py
fi
status=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for source in tests/attack/*.c; do
  name=$(basename "$source" .c)
  "$build/tests/attack-$name-c" "$@" | grep -v '^[0-9]* passed, [0-9]* failed, [0-9]* skipped$'
done >"$out"
# In the order of the ids; what a case had to say stays before its row.
awk '/^[A-Z][0-9]+ / { printf "%s", text; print; text = ""; next } { text = text $0 "\n" } END { printf "%s", text }' "$out"
grep -q FAILED "$out" && status=1
missing=
if [ $# -eq 0 ]; then
  for id in $(sed -n 's/^| \([PBSIE][0-9][0-9]*\) |.*/\1/p' docs/attacks.md); do
    grep -q "^$id " "$out" || missing+=" $id"
  done
  [ -z "$missing" ] || { echo "rows without a case:$missing"; status=1; }
fi
awk '/ passed, .* failed, .* skipped / { p += $2; f += $4; s += $6 }
     END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p == 0 }' "$out" || status=1
exit $status
