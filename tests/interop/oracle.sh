#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# oracle.sh - estab watch beside the kernel: of every connection it must say what TCP_INFO says, states, octets and
# repetitions; the kernel with itself, with estab, and with estab behind loss. IPv4 and IPv6.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
"$estab" watch --help >/dev/null 2>&1 || skip_all 'built without extras'

# watched DEVICE HOST PORT both|client - the kernel's connections, and the observer's rows of them.
watched()
{
  local status=0
  rm -f "$work"/*.json "$work/watch" "$work/watch.err"
  start "$work/watch" "$estab" watch -i "$1" --no-checksum --rows life --json="$work/rows.json"
  local watcher=$started
  wait_for grep -q '^Listening on' "$work/watch.err" || { cat "$work/watch.err"; return 1; }
  timeout 60 python3 "$here/oracle.py" run "$2" "$3" "$4" "$work/said.json" || status=1
  sleep 0.5
  stop "$watcher" || { cat "$work/watch.err"; return 1; }
  [ $status -eq 0 ] && python3 "$here/oracle.py" compare "$work/said.json" "$work/rows.json"
}
# The same with an echo service of estab's.
watched_estab()
{
  local device
  start_estab "$work/echo" "$estab" listen --service echo -v "${@:2}" 7 || return 1
  device=$(ip -o link show | sed -n 's/^[0-9]*: \([^:@]*\).*/\1/p' | grep -vx lo | head -1)
  watched "$device" "$1" 7 client
}

check 'IPv4: the kernel with itself' watched lo 127.0.0.1 9100 both
check 'IPv6: the kernel with itself' watched lo ::1 9100 both
check 'IPv4: the kernel with estab' watched_estab 192.0.2.2
check 'IPv6: the kernel with estab' watched_estab 2001:db8::2
check 'IPv4: the kernel with estab, 3 % lost' watched_estab 192.0.2.2 --loss 3%
finish
