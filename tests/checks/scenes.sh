#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scenes.sh - every scene plays without a broken invariant, shows what its name says, and follows the settings: the
# pictures come from live stacks, so another 2 MSL or another delay is another picture.
set -eu
export LC_ALL=C.UTF-8
bad=0
fail()
{
  echo "scenes: $1"
  bad=1
}
play() { "$ESTAB" sim --scene "$@"; }

# scene: what its picture must contain
shows()
{
  local name=$1 out word
  shift
  out=$(play "$name") || fail "$name did not play"
  for word; do
    grep -qE "$word" <<<"$out" || fail "$name does not show $word"
  done
}
shows handshake 'SYN-SENT' 'SYN-RECEIVED' 'ESTABLISHED .*ESTABLISHED'
shows refused 'RST\|ACK' 'CLOSED'
shows lost-syn '1\.000000.*SYN 0:0\(0\) again'
shows simultaneous-open 'SYN-RECEIVED.*SYN-RECEIVED' 'ESTABLISHED.*SYN\|ACK'
shows close 'FIN-WAIT-1' 'FIN-WAIT-2' 'CLOSE-WAIT' 'LAST-ACK' 'TIME-WAIT'
shows half-close 'FIN-WAIT-2.*500\(500\)|1:501\(500\)' 'TIME-WAIT'
shows simultaneous-close 'CLOSING' 'TIME-WAIT'
shows time-wait 'FIN\|ACK 1:1\(0\) ack 2 again' 'ACK 2:2\(0\) ack 2'
shows lost-fin 'FIN\|ACK 1:1\(0\) ack 1 again'
shows late-data 'FIN\|PSH\|ACK 1:301\(300\) ack 1 again|PSH\|ACK 1:301\(300\) ack 1 again' 'ack 302'
shows half-open 'forgets|remembers nothing' 'RST 1:1\(0\)'
shows rst 'RST\|ACK 101:101'
shows zero-window 'win 0 ' 'reads again'
shows retransmission 'PSH\|ACK 1:501\(500\) ack 1 again'
shows fast-retransmit 'ACK 1:1449\(1448\) ack 1 again'
shows connect-scan 'SYN 0:0' 'RST\|ACK' 'nine more ports'
shows syn-scan 'SYN [0-9:]*\(0\) win 1024' 'nine more ports'
shows xmas-scan 'FIN\|PSH\|URG' 'nine more ports'

# When TIME-WAIT ends, in whole seconds: 2 MSL after the FIN, whatever MSL is.
ends() { play close "$@" | awk '/^ *[0-9.]+ CLOSED /{ t = $1 } END { print int(t) }'; }
[ "$(ends)" = 240 ] || fail "TIME-WAIT ends after $(ends) s, not 240"
[ "$(ends --msl 30s)" = 60 ] || fail "with an MSL of 30 s TIME-WAIT ends after $(ends --msl 30s) s"
[ "$(ends --msl 1s)" = 2 ] || fail "with an MSL of 1 s TIME-WAIT ends after $(ends --msl 1s) s"
# The SYN-ACK leaves half a round trip after the SYN.
play handshake --rtt 1s | grep -qE '^ *0\.500000 .*SYN\|ACK' || fail 'a round trip of 1 s is not in the picture'

# The same scene twice: the same picture. Objects are JSON, the last one says how it went.
[ "$(play late-data)" = "$(play late-data)" ] || fail 'late-data differs from run to run'
play close --json | python3 -c '
import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert rows[-1]["verdict"] == "ok", rows[-1]
assert len(rows) > 7, len(rows)' || fail 'close --json'
"$ESTAB" sim --bytes 100K --json | python3 -c '
import json, sys
last = [json.loads(line) for line in sys.stdin][-1]
for key in "verdict goodput_bits_per_s segments_sent retransmissions virtual_s".split(): assert key in last, key
assert last["verdict"] == "ok", last' || fail 'sim --json'
exit $bad
