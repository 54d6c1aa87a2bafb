#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# hygiene.sh - tabs, long lines, machine paths, missing licence lines, wrong header guards.
set -u
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}" || exit 1
bad=0
complain()
{
  echo "== $1"
  bad=1
}
mapfile -t files < <(git ls-files 2>/dev/null || find . -type f -not -path './build*' -not -path './.git/*')
[ "${#files[@]}" -gt 0 ] || { echo 'no files'; exit 1; }
mapfile -t texts < <(printf '%s\n' "${files[@]}" | grep -E '\.(c|h|def|sh|py|build|ini|md|scd|txt|pkt|bash|map)$')
mapfile -t code < <(printf '%s\n' "${files[@]}" | grep -E '\.(c|h|def)$')

grep -nP '\t' "${texts[@]}" | grep -v '^[^:]*\.scd:' && complain 'tabs'
grep -nP '[ \t]+$' "${texts[@]}" && complain 'white space at the end of a line'
grep -nE '(^|[^a-z.])/(work|root|tmp/wt|home/[a-z])(/|\b)|\.\./shared' "${texts[@]}" |
  grep -v '^tests/checks/hygiene.sh:' && complain 'a path of somebody'"'"'s machine'
awk 'length($0) > 120 { print FILENAME ":" FNR ": " length($0) " columns"; bad = 1 } END { exit bad }' \
  "${code[@]}" || complain 'lines over 120 columns'

for file in "${code[@]}"; do
  head -1 "$file" | grep -q '^// SPDX-License-Identifier: BSD-2-Clause$' || complain "$file: first line is not the licence"
  sed -n 2p "$file" | grep -qE "^// ${file##*/} - " || complain "$file: second line is not '// ${file##*/} - purpose'"
done
for file in src/*/*.h; do
  [ -f "$file" ] || continue
  guard=ESTAB_$(sed 's|^src/||; s|[/.-]|_|g' <<<"$file" | tr '[:lower:]' '[:upper:]')
  grep -q "^#ifndef $guard\$" "$file" || complain "$file: guard is not $guard"
done
exit $bad
