#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# faults.sh - the kernel and estab over a link that loses 5 % of the packets each way and lets others overtake 5 %:
# transfers both ways, real clients, many connections. Says what befell how many packets; none is a failure.
# ESTAB_LONG=1: 64 MiB and 1,000 connections, else 2 and 50.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
observe
peer=(python3 "$here/peer.py")
bytes=$((2 << 20)) connections=50
[ -z "${ESTAB_LONG:-}" ] || bytes=$((64 << 20)) connections=1000
faults=(--loss 5% --reorder 5%)
make_file "$work/file" $bytes
mkdir "$work/www"
ln "$work/file" "$work/www/file"
echo small >"$work/www/small.txt"
want=$(sha256 "$work/file")

# said ERR - the counters, of which losses and overtakings must not be zero.
said()
{
  local line
  line=$(grep '^faults applied' "$1") || { echo 'no word of faults'; return 1; }
  echo "        $line" >>"$work/faults"
  [[ $line =~ ([0-9]+)\ of\ [0-9]+\ packets\ lost,.*\ ([0-9]+)\ overtaken ]] &&
    [ "${BASH_REMATCH[1]}" -gt 0 ] && [ "${BASH_REMATCH[2]}" -gt 0 ]
}
applied()
{
  cp "$1" "$work/words" # check() forgets the files of the test before it
  check '  faults were applied' said "$work/words"
  tail -n 1 "$work/faults"
}

to_estab()
{
  "$estab" listen -v "${faults[@]}" --seed "$2" 9000 <"$work/file" >"$work/got" 2>"$work/err" &
  local pid=$!
  wait_for grep -q ^Listening "$work/err" && use_cubic || return 1
  timeout 900 nc -N "$1" 9000 <"$work/file" >"$work/kernel-got" || return 1
  wait $pid || { cat "$work/err"; return 1; }
  [ "$(sha256 "$work/got")" = "$want" ] && [ "$(sha256 "$work/kernel-got")" = "$want" ]
}
from_estab()
{
  timeout 900 "${peer[@]}" half-server 9001 "$work/file" >"$work/sum" &
  local pid=$!
  wait_for grep -q ready "$work/sum" || return 1
  timeout 900 "$estab" connect -v "${faults[@]}" --seed "$2" "$1" 9001 <"$work/file" >"$work/got" 2>"$work/err" || {
    cat "$work/err"
    return 1
  }
  wait $pid || return 1
  [ "$(sha256 "$work/got")" = "$want" ] && [ "$(tail -n 1 "$work/sum")" = "$want" ]
}
fetched()
{
  timeout 900 curl -g -sS -o "$work/got" "$1/file" && [ "$(sha256 "$work/got")" = "$want" ]
}
wrk_runs()
{
  wrk -t 1 -c 20 -d 3s --timeout 30s "$1/small.txt" >"$work/wrk" || return 1
  cat "$work/wrk"
  grep -q 'requests in' "$work/wrk" && ! grep -qE 'Socket errors|Non-2xx' "$work/wrk"
}

seed=1
for family in 4 6; do
  if [ $family = 4 ]; then stack=192.0.2.2 host=192.0.2.1; else stack=2001:db8::2 host=2001:db8::1; fi
  check "$((bytes >> 20)) MiB each way, IPv$family, estab listens" to_estab $stack $seed && applied "$work/err"
  check "$((bytes >> 20)) MiB each way, IPv$family, estab connects" from_estab $host $seed && applied "$work/err"
  seed=$((seed + 1))
done

start_estab "$work/serve" "$estab" serve "${faults[@]}" -v --pcap "$work/serve.pcap" "$work/www" || exit 1
server=$started
check 'IPv4: curl' fetched http://192.0.2.2
check 'IPv6: curl' fetched 'http://[2001:db8::2]'
check 'IPv4: wrk' wrk_runs http://192.0.2.2
stop "$server"
applied "$work/serve.err"
# Segment by segment: what is sent again after a loss need not be cut where it was cut the first time, which tshark's
# reassembly calls an error; and over 64 MiB with thousands of holes it does not come to an end.
check '  the capture' capture_clean "$work/serve.pcap" -o tcp.desegment_tcp_streams:FALSE --disable-protocol http

start_estab "$work/echo" "$estab" listen --service echo "${faults[@]}" -v 7 || exit 1
server=$started
check "IPv4: $connections connections at once" timeout 900 "${peer[@]}" many 192.0.2.2 7 $connections 65536
check "IPv6: $connections connections at once" timeout 900 "${peer[@]}" many 2001:db8::2 7 $connections 65536
stop "$server"
applied "$work/echo.err"
finish
