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

awk 'FNR == 1 && $0 != "// SPDX-License-Identifier: BSD-2-Clause" {
       print FILENAME ": the first line is not the licence"; bad = 1 }
     FNR == 2 { name = FILENAME; sub(/.*\//, "", name)
       if (index($0, "// " name " - ") != 1) { print FILENAME ": the second line is not // " name " - purpose"; bad = 1 } }
     END { exit bad }' "${code[@]}" || complain 'the head of a file'
awk 'function judge() { if (file != "" && !found) { print file ": guard is not " guard; bad = 1 } }
     FNR == 1 { judge(); file = FILENAME; found = 0; guard = FILENAME
       sub(/^src\//, "", guard); gsub(/[\/.-]/, "_", guard); guard = "ESTAB_" toupper(guard) }
     $0 == "#ifndef " guard { found = 1 }
     END { judge(); exit bad }' src/*/*.h || complain 'an include guard'
exit $bad
