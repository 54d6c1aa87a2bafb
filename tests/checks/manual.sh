#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# manual.sh - there is a page for the command, for each of its subcommands and for the library; each
# option that --help names is in the page, and the page names no other.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=${ESTAB:-build/tools/estab/estab}
bad=0
compare()
{
  local page=$1 help=$2
  [ -f "docs/man/$page.scd" ] || { echo "no docs/man/$page.scd"; bad=1; return; }
  [ -s "${ESTAB_BUILD:-build}/docs/$page" ] || { echo "$page was not built"; bad=1; }
  diff -u --label "estab --help" --label "$page" \
    <(grep -oE -- '--[a-z0-9][a-z0-9-]*' <<<"$help" | sort -u) \
    <(sed 's/\\-/-/g' "docs/man/$page.scd" | grep -oE -- '--[a-z0-9][a-z0-9-]*' | sort -u) || bad=1
}
help=$("$estab" --help)
commands=$(sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' <<<"$help")
[ -n "$commands" ] || { echo 'estab --help names no command'; exit 1; }
compare estab.1 "$help"
for command in $commands; do
  [ "$command" = help ] || compare "estab-$command.1" "$("$estab" "$command" --help)"
done
[ -s "${ESTAB_BUILD:-build}/docs/libestab.3" ] || { echo 'libestab.3 was not built'; bad=1; }
exit $bad
