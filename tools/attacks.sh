#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# attacks.sh [--check] - for each row of docs/attacks.md the tests that name it ("ATTACKS B6", or a row of a table in
# tests/attack), or "no test". --check: every row that code or test names is in the list, and every row of parsing,
# blind attackers, cheating receivers, IP and identifiers has its test in tests/attack.
set -euo pipefail
cd "$(dirname "$0")/.."
rows=$(sed -n 's/^| \([A-Z][0-9][0-9]*\) |.*/\1/p' docs/attacks.md)
# "ATTACKS P6, P8" and "ATTACKS row R14" name rows as well: FILE ID pairs.
named=$(grep -roE "ATTACKS'? (row )?[A-Z][0-9]+((, | and )[A-Z][0-9]+)*" src include tests tools bench examples |
  sed 's/:ATTACKS/ /' | while read -r file ids; do
  for id in $(grep -oE '[A-Z][0-9]+' <<<"$ids"); do echo "$file $id"; done
done | sort -u)
rows_tested=$(grep -oE '\{"[A-Z][0-9]+", "' tests/attack/*.c | sed 's/:{"/ /; s/".*//')
named+=$'\n'$rows_tested
case ${1:-} in
--check)
  for id in $(grep '^[PBSIE]' <<<"$rows"); do
    grep -q " $id\$" <<<"$rows_tested" || { echo "row $id has no test in tests/attack"; exit 1; }
  done
  unknown=$(while read -r file id; do grep -qx "$id" <<<"$rows" || echo "$file: no row $id"; done <<<"$named")
  [ -z "$unknown" ] || { echo "$unknown"; exit 1; } ;;
*)
  for id in $rows; do
    tests=$(awk -v id="$id" '$2 == id && $1 ~ /^tests/ { printf " %s", $1 }' <<<"$named")
    echo "$id:${tests:- no test}"
  done ;;
esac
