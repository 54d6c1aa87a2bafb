#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# departs.sh [--write | --check] - the departures from RFCs that the code confesses (DEPARTS: comments), as a
# list; --write puts it between the marks in README.md, --check compares.
set -euo pipefail
cd "$(dirname "$0")/.."

list()
{
  # A departure goes on over the following comment lines, up to one that ends in a full stop.
  find src include -name '*.[ch]' | LC_ALL=C sort | xargs awk '
    function flush() { if (text) print "- " text " (`" from "`)"; text = "" }
    FNR == 1 { flush() }
    text && /^[ \t]*(\/\/|\*)/ { line = $0; sub(/^[ \t]*(\/\/|\*)[ \t]*/, "", line); sub(/ *\*\/ *$/, "", line); text = text " " line }
    text && !/^[ \t]*(\/\/|\*)/ { flush() }
    !text && /DEPARTS:/ { text = $0; sub(/.*DEPARTS: */, "", text); sub(/ *\*\/ *$/, "", text); from = FILENAME }
    text ~ /\.$/ { flush() }
    END { flush() }' | LC_ALL=C sort
}
readme()
{
  sed -n '/^<!-- departs -->$/,/^<!-- end of departs -->$/p' README.md | sed '1d;$d'
}
case ${1:-} in
--write)
  list >README.departs
  sed -i -e '/^<!-- departs -->$/,/^<!-- end of departs -->$/{//!d}' -e '/^<!-- departs -->$/r README.departs' README.md
  rm README.departs ;;
--check) diff -u --label README.md <(readme) --label 'DEPARTS: in the code' <(list) || { echo 'run tools/departs.sh --write'; exit 1; } ;;
*) list ;;
esac
