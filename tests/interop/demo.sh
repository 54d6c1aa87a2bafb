#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# demo.sh - estab demo as people and machines run it: root, no terminal, nobody, each device, each option.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"

# Runs where everybody may read it, for nobody too.
cp "$estab" "$work/estab" && chmod 755 "$work/estab"
demo=$work/estab
unshare -Urn true 2>/dev/null || unshare -n true 2>/dev/null || skip_all 'no network namespace can be made here'

# quick LIMIT COMMAND... - succeeds within LIMIT seconds, without a terminal.
quick()
{
  timeout "$1" "${@:2}" </dev/null >"$work/out" 2>"$work/err" || {
    local status=$?
    tail -q -n 15 "$work/out" "$work/err"
    return $status
  }
}
both_equal()
{
  [ "$(grep -c 'bytes, equal$' "$work/out")" -eq 2 ] || { cat "$work/out"; return 1; }
}
nobody=()
[ "$(id -u)" -ne 0 ] || nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
json_is_right()
{
  python3 - "$1" <<'PYTHON'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
last = rows[-1]
assert last["ok"] is True, last
assert last["sha256_sent"] == last["sha256_received"] and len(last["sha256_sent"]) == 64
assert last["bytes"] > 100000 and last["seconds"] < 10
assert last["states"]["estab"] == ["LISTEN", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
                                   "TIME-WAIT"], last["states"]
assert last["states"]["kernel"][:3] == ["CLOSED", "SYN-SENT", "ESTABLISHED"]
assert [c["ok"] for c in last["connections"]] == [True] * 3
segments = rows[:-1]
assert {s["connection"] for s in segments} == {1, 2, 3}
for number in 1, 2, 3:
    mine = [s for s in segments if s["connection"] == number]
    assert mine[0]["flags"] == ["SYN"] and mine[0]["seq"] == 0
    assert [s["segment"] for s in mine] == list(range(1, len(mine) + 1))
assert segments[-1]["flags"] == ["RST", "ACK"]
assert sum(s["text_bytes"] for s in segments if s["from"] == "estab" and not s["again"]) > 262000
PYTHON
}
pcap_is_right()
{
  capture_clean "$1" || return 1
  [ "$(tshark -r "$1" -Y 'tcp.flags.syn == 1 and tcp.flags.ack == 0' 2>/dev/null | wc -l)" -eq 3 ] &&
    [ "$(tshark -r "$1" -Y 'tcp.flags.reset == 1' 2>/dev/null | wc -l)" -eq 1 ] &&
    [ "$(tshark -r "$1" -Y 'tcp.flags.fin == 1' 2>/dev/null | wc -l)" -eq 4 ]
}
# What the observer reads from the capture, estab's word of its own states, and what the kernel has confirmed of its.
observer_agrees()
{
  "$demo" watch --no-checksum --rows life --json="$work/rows" "$2" || return 1
  python3 - "$here" "$1" "$work/rows" <<'PYTHON'
import json, sys
sys.path.insert(0, sys.argv[1])
from observed import estab_fits, within
told = json.loads(open(sys.argv[2]).readlines()[-1])["connections"]
rows = [o for o in map(json.loads, open(sys.argv[3])) if o["type"] == "conn" and o["final"]]
assert len(rows) == len(told) == 3, (len(rows), len(told))
for number, (c, o) in enumerate(zip(told, rows)):
    estab, kernel = ("orig", "resp") if o["id.orig_h"] == "192.0.2.2" else ("resp", "orig")
    assert estab == ("resp", "orig", "orig")[number], o
    seen = {side: [step[1] for step in o[f"{side}_states"]] for side in (estab, kernel)}
    own = c["states"]["estab"][1:]  # the first is where it began
    assert estab_fits(own, seen[estab], int(o[f"{estab}_flags"], 16) & 1, o["conn_state"] == "REJ"), (own, seen)
    assert within([s for s in c["kernel_confirmed"] if s != "CLOSED"], seen[kernel]), (c["kernel_confirmed"], seen)
    assert "bytes" not in c or c["bytes"] < o["resp_bytes"] < c["bytes"] + 400, (c["bytes"], o["resp_bytes"])
PYTHON
}
four_way()
{
  local word
  for word in 'SYN 0:0(0)' 'SYN|ACK 0:0(0) ack 1' 'FIN|' 'RST|ACK' 'ESTABLISHED' 'TIME-WAIT: estab keeps watch for another'; do
    grep -qF "$word" "$1" || { echo "no '$word'"; cat "$1"; return 1; }
  done
}

links=$(cat /proc/net/dev)
check 'demo' quick 10 "$demo" demo && check '  hashes equal both ways' both_equal
check '  the ladder shows it all' four_way "$work/out"
check 'demo --ipv6' quick 10 "$demo" demo --ipv6 && check '  hashes equal both ways' both_equal
for device in tun tap veth; do
  for family in '' --ipv6; do
    # shellcheck disable=SC2086 # an empty word is none
    check "demo --device $device $family" quick 10 "$demo" demo --device $device $family &&
      check '  hashes equal both ways' both_equal
  done
done
check 'demo --plain' quick 10 "$demo" demo --plain && check '  hashes equal both ways' both_equal
check 'demo as nobody' quick 10 "${nobody[@]}" "$demo" demo && check '  hashes equal both ways' both_equal
check 'demo as nobody, --ipv6' quick 10 "${nobody[@]}" "$demo" demo --ipv6 &&
  check '  hashes equal both ways' both_equal
check 'demo --json --full' quick 10 "$demo" demo --json --full && check '  the JSON' json_is_right "$work/out"
check 'demo --json as nobody' quick 10 "${nobody[@]}" "$demo" demo --json && check '  the JSON' json_is_right "$work/out"
if "$demo" watch --help >/dev/null 2>&1; then
  check 'demo --json --pcap' quick 10 "$demo" demo --json --pcap "$work/seen.pcap" &&
    check '  the observer agrees' observer_agrees "$work/out" "$work/seen.pcap"
fi
check 'demo --pcap' quick 10 "$demo" demo --pcap "$work/demo.pcap" && check '  the capture' pcap_is_right "$work/demo.pcap"
for seed in 1 2 3; do
  check "demo --loss 5% --seed $seed" quick 20 "$demo" demo --loss 5% --seed $seed &&
    check '  hashes equal both ways' both_equal
done
check 'nothing is left behind' test "$(cut -d: -f1 <<<"$links")" = "$(cut -d: -f1 /proc/net/dev)"
finish
