#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# runner.sh - estab script itself: what it cannot read is an error with its place, its reports are the same each time.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=${ESTAB:-build/tools/estab/estab}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bad=0

# says WHAT TEXT SCRIPT - the script is not read, and this is said of it.
says()
{
  printf '%s\n' "$2" >"$folder/x.pkt"
  "$estab" script "$folder/x.pkt" >"$folder/said" && { echo "passes: $2"; bad=1; }
  grep -qF -- "x.pkt:$1" "$folder/said" || { echo "not said: $1"; cat "$folder/said"; bad=1; }
}
open='0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3'
says '1:1: unknown option' '--nonsense=1'
says '2:4: unknown call' "$open
+0 frobnicate(3) = 0"
says '1:5: flags are letters' '0 < X 0:0(0) win 1'
says '1:23: unknown TCP option' '0 < S 0:0(0) win 100 <mmm 1460>'
says '1:7: first + length is not last' '0 < S 0:10(9) win 100'
says '1:10: unknown ICMP type or code' '0 < icmp unreachable nowhere [0:0(0)]'
says '1:3: comment without end' '0 /* '
says '2:1: the script asserts nothing' "$open"
says '2:1: the script is empty' '// nothing at all'

# What leaves at the end is looked at in a script that says its profile itself; not in another system's, as its runner.
cat >"$folder/end.pkt" <<'END'
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 bind(3, ..., ...) = 0
   +0 listen(3, 8) = 0
   +0 < S 0:0(0) win 65535 <mss 1460>
   +0 > S. 0:0(0) ack 1 <...>
 +.01 < . 1:1(0) ack 1 win 65535
   +0 < . 9:9(0) ack 1 win 65535
   +0 < . 1:1(0) ack 9 win 65535
END
for profile in rfc default linux freebsd; do
  { echo "--profile=$profile"; cat "$folder/end.pkt"; } >"$folder/own.pkt"
  "$estab" script "$folder/own.pkt" >"$folder/said" && { echo "$profile: its end is not looked at"; bad=1; }
  grep -qF 'a packet that nobody expects' "$folder/said" || { cat "$folder/said"; bad=1; }
done
for profile in linux freebsd; do
  "$estab" script --profile "$profile" "$folder/end.pkt" >"$folder/said" || { cat "$folder/said"; bad=1; }
done

# Reports: the same twice, and with several processes; one row for each script and IP version, then the totals.
mapfile -t files < <(git ls-files 'tests/scripts/rfc9293/3.5-handshake/*.pkt')
sed 's/ack 1 <mss 1460>/ack 2 <mss 1460>/' tests/scripts/rfc9293/3.5-handshake/passive-open.pkt >"$folder/wrong.pkt"
files+=("$folder/wrong.pkt" "$folder/x.pkt")
for form in --json --junit ''; do
  for run in 'one -j 1' 'two -j 1' 'three -j 3'; do
    status=0
    # shellcheck disable=SC2086
    "$estab" script $form ${run#* } "${files[@]}" >"$folder/${run%% *}" || status=$?
    [ $status = 1 ] || { echo "$form, ${run%% *}: a failure is exit status $status"; bad=1; }
  done
  cmp "$folder/one" "$folder/two" && cmp "$folder/one" "$folder/three" || bad=1
  cp "$folder/one" "$folder/out$form"
done
python3 - "$folder/out--json" "$folder/out--junit" "${#files[@]}" <<'END' || bad=1
import json, sys, xml.etree.ElementTree
rows = [json.loads(line) for line in open(sys.argv[1])]
keys = ['script', 'ip_version', 'verdict', 'line', 'reason', 'profile', 'virtual_ms']
assert all(list(row) == keys for row in rows[:-1]), rows
assert all(row['verdict'] in ('pass', 'fail', 'unsupported', 'error') for row in rows[:-1])
totals = rows[-1]
assert sum(totals[k] for k in ('passed', 'failed', 'unsupported', 'errors')) == len(rows) - 1
assert len(rows) > int(sys.argv[3]) and totals['failed'] == 2 and totals['errors'] == 1 and totals['ok'] is False
suite = xml.etree.ElementTree.parse(sys.argv[2]).getroot()[0]
assert len(suite) == int(suite.get('tests')) == len(rows) - 1 and suite.get('failures') == '2'
END
grep -q '^  expected  ' "$folder/out" && grep -q '^  got       ' "$folder/out" && grep -q 'SYN-RECEIVED' "$folder/out" ||
  { echo 'a failure shows no expectation, packet or ladder'; bad=1; }
exit $bad
