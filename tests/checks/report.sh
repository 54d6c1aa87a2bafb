#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# report.sh - what make test counts: a crash, a skip and a failure hidden behind exit status 0 are seen.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
test_line()
{
  printf '{"name": "%s", "result": "%s", "duration": 0.5, "stdout": "%s"}\n' "$1" "$2" "$3"
}
count()
{
  : >"$scratch/totals"
  python3 tools/test-report.py stage "$scratch/log" "$scratch/totals" >"$scratch/out"
  [ "$(cat "$scratch/totals")" = "$2" ] || { echo "$1: counted $(cat "$scratch/totals"), wanted $2"; exit 1; }
}
test_line 'a:quick / unit base test_x' OK '[  PASSED  ] 3 test(s).\n' >"$scratch/log"
count 'cmocka' '3 0 0'
test_line 'a:quick / unit base test_x' OK '[  PASSED  ] 2 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n' >"$scratch/log"
count 'cmocka with a skip' '2 0 1'
test_line 'prop x' OK 'x: 7 passed, 0 failed\n' >"$scratch/log"
count 'plain line' '7 0 0'
test_line 'prop x' OK '7 passed, 1 failed\n' >"$scratch/log"
count 'failure with exit status 0' '7 1 0'
test_line 'prop x' FAIL '7 passed, 0 failed\n' >"$scratch/log"
count 'crash after the count' '7 1 0'
test_line 'check x' TIMEOUT '' >"$scratch/log"
count 'timeout' '0 1 0'
test_line 'interop x' SKIP 'no namespaces' >"$scratch/log"
count 'skip' '0 0 1'
if python3 tools/test-report.py stage "$scratch/none" "$scratch/totals" 2>/dev/null; then
  echo 'a missing log went unnoticed'
  exit 1
fi
