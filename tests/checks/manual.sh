#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# manual.sh - there is a page for the command, for each of its subcommands and for the library; each
# option that --help names is in the page, and the page names no other.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=${ESTAB:-build/tools/estab/estab}
bad=0
options()
{
  grep -oE -- '(^|[^[:alnum:]-])--?[[:alnum:]][a-z0-9-]*' | sed 's/^[^-]*//' | sort -u
}
# Of the examples only what this subcommand is given, not what they print, nor other programs.
others()
{
  local command=${1#estab-}
  awk -v command="^([$] )?estab ${command%.1} " '/^```/ { inside = !inside; next }
    !inside { print; next }
    $0 ~ command { sub(/[|].*/, ""); print }'
}
compare()
{
  [ -s "${ESTAB_BUILD:-build}/docs/$1" ] || { echo "no page $1"; bad=1; return; }
  diff -u --label "estab --help" --label "$1" <(options <<<"$2") \
    <(sed -e "/^@port@\$/{r docs/man/port.inc" -e d -e "}" "docs/man/$1.scd" | others "$1" | options) || bad=1
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
