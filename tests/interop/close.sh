#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# close.sh - how connections with the kernel end and stall: half-close both ways, RST both ways, refusal, zero window
# both ways, Ctrl-C once and twice. IPv4 and IPv6.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
observe
peer=("python3" "$here/peer.py")

make_file "$work/file" 3000000
make_file "$work/other" 2000000

# One side has closed; 2 MB still go the other way.
half_close_by_kernel()
{
  # estab's standard input stays open for a second after the kernel's FIN has come.
  (sleep 1; cat "$work/other") | "$estab" listen -v 9000 >"$work/got" 2>"$work/err" &
  local pid=$!
  wait_for grep -q ^Listening "$work/err" || return 1
  timeout 30 "${peer[@]}" half "$1" 9000 "$work/file" >"$work/sum" || return 1
  wait $pid || return 1
  [ "$(cat "$work/sum")" = "$(sha256 "$work/other")" ] && cmp "$work/got" "$work/file"
}
half_close_by_estab()
{
  "${peer[@]}" half-server 9001 "$work/other" >"$work/sum" &
  local pid=$!
  wait_for grep -q ready "$work/sum" || return 1
  timeout 30 "$estab" connect "$1" 9001 <"$work/file" >"$work/got" || return 1
  wait $pid || return 1
  [ "$(tail -n 1 "$work/sum")" = "$(sha256 "$work/file")" ] && cmp "$work/got" "$work/other"
}

reset_by_kernel()
{
  "$estab" listen -d -v 9002 >"$work/got" 2>"$work/err" &
  local pid=$!
  wait_for grep -q ^Listening "$work/err" || return 1
  "${peer[@]}" reset "$1" 9002 || return 1
  wait $pid && { echo 'estab took a reset for an orderly end'; return 1; }
  grep -q 'connection reset' "$work/err" || { cat "$work/err"; return 1; }
}
reset_by_kernel_server()
{
  "${peer[@]}" reset-server 9003 >"$work/ready" &
  local pid=$!
  wait_for grep -q ready "$work/ready" || return 1
  timeout 30 "$estab" connect -v "$1" 9003 <"$work/file" >"$work/got" 2>"$work/err" &&
    { echo 'estab took a reset for an orderly end'; return 1; }
  wait $pid
  grep -q 'connection reset' "$work/err" || { cat "$work/err"; return 1; }
}
# Ctrl-C twice: the kernel's nc must see a reset, not an end.
reset_by_estab()
{
  "$estab" listen --service chargen -v 9004 >"$work/got" 2>"$work/err" &
  local pid=$!
  wait_for grep -q ^Listening "$work/err" || return 1
  timeout 30 "${peer[@]}" slow "$1" 9004 1000000000 3 >"$work/peer" 2>&1 &
  local client=$!
  wait_for grep -q ^Connection "$work/err" || return 1
  sleep 0.3
  kill -INT $pid
  sleep 0.3
  kill -INT $pid
  wait $pid
  wait $client && return 1
  grep -qi 'reset' "$work/peer" || { cat "$work/peer"; return 1; }
}
refused()
{
  "$estab" connect -v "$1" 9 </dev/null 2>"$work/err" && return 1
  grep -q 'connection refused' "$work/err" || { cat "$work/err"; return 1; }
}
refused_by_estab()
{
  "$estab" listen --service echo -v 7 2>"$work/err" &
  local pid=$! status=0
  wait_for grep -q ^Listening "$work/err" || return 1
  nc -w 3 "$1" 8 </dev/null 2>&1 && status=1
  stop $pid || status=1
  return $status
}

# The kernel does not read for three seconds; estab probes, and then all octets come.
zero_window_of_kernel()
{
  "$estab" listen --service chargen --trace -v 19 >"$work/got" 2>"$work/err" &
  local pid=$! status=0
  wait_for grep -q ^Listening "$work/err" || return 1
  timeout 30 "${peer[@]}" slow "$1" 19 5000000 3 || status=1
  stop $pid
  grep -q '^[0-9.]* < .* win 0\b' "$work/err" || { echo 'the window never was 0'; status=1; }
  return $status
}
# estab does not read for three seconds: its standard output is a pipe that nobody reads.
zero_window_of_estab()
{
  make_file "$work/large" 20000000
  nc -N -l "$2" 9005 <"$work/large" >/dev/null &
  local pid=$!
  wait_for sh -c 'ss -Htln "sport = 9005" | grep -q .' || return 1
  timeout 40 "$estab" connect -d --trace "$1" 9005 2>"$work/err" | (sleep 3; sha256sum | cut -d' ' -f1) >"$work/sum"
  wait $pid || return 1
  [ "$(cat "$work/sum")" = "$(sha256 "$work/large")" ] || { echo 'other octets'; return 1; }
  grep -q '^[0-9.]* > .* win 0\b' "$work/err" || { echo 'the window never was 0'; return 1; }
}

# Ctrl-C at a server with two connections, which wait for more: one peer closes when it sees the end, one never does.
# sent FLAG - how many packets with it the stack has sent so far.
sent()
{
  awk -v flag="$1" '$2 == ">" && $6 ~ flag' "$work/err" | wc -l
}
two_answers()
{
  [ "$(sent P)" -ge 2 ]
}
# stopped TIMES MOST_SECONDS READY ADDRESS PORT COMMAND... - $work/err is the trace.
stopped()
{
  local times=$1 most=$2 ready=$3 stack=$4 port=$5 start i
  shift 5
  "$estab" "$@" --trace -v >"$work/ready" 2>"$work/err" &
  local pid=$!
  wait_for grep -qE "$ready" "$work/err" "$work/ready" || return 1
  (printf 'GET / HTTP/1.1\r\nHost: estab\r\n\r\n'; sleep 20) | nc "$stack" "$port" >"$work/held" &
  # Says how its connection ended, and closes too.
  python3 -c 'import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.sendall(b"GET / HTTP/1.1\r\nHost: estab\r\n\r\n")
try:
    while s.recv(65536): pass
    print("end")
except ConnectionResetError:
    print("reset")' "$stack" "$port" >"$work/sum" &
  local client=$!
  wait_for two_answers || return 1
  start=$(date +%s%N)
  for ((i = 0; i < times; i++)); do
    kill -INT $pid
    sleep 0.2
  done
  wait $pid || return 1
  i=$((($(date +%s%N) - start) / 1000000))
  wait $client
  [ $i -le $((most * 1000)) ] || { echo "it took $i ms"; return 1; }
}
# Once: a FIN for each; who does not close is reset when 4 s are over.
ctrl_c()
{
  stopped 1 5 "$@" || return 1
  [ "$(cat "$work/sum")" = end ] || { cat "$work/sum"; return 1; }
  [ "$(sent F)" -ge 2 ] && [ "$(sent R)" -eq 1 ] || { cat "$work/err"; return 1; }
}
# Twice: who has not closed by then is reset at once.
ctrl_c_twice()
{
  stopped 2 2 "$@" || return 1
  [ "$(sent F)" -ge 2 ] && [ "$(sent R)" -eq 1 ] || { cat "$work/err"; return 1; }
}
mkdir "$work/folder" && echo hello >"$work/folder/index.html"

for family in 4 6; do
  if [ $family = 4 ]; then stack=192.0.2.2 host=192.0.2.1; else stack=2001:db8::2 host=2001:db8::1; fi
  check "IPv$family: half-close by the kernel" half_close_by_kernel $stack
  check "IPv$family: half-close by estab" half_close_by_estab $host
  check "IPv$family: RST by the kernel's client" reset_by_kernel $stack
  check "IPv$family: RST by the kernel's server" reset_by_kernel_server $host
  check "IPv$family: RST by estab" reset_by_estab $stack
  check "IPv$family: refused by the kernel" refused $host
  check "IPv$family: refused by estab" refused_by_estab $stack
  check "IPv$family: the kernel's window is 0" zero_window_of_kernel $stack
  check "IPv$family: estab's window is 0" zero_window_of_estab $host -$family
  check "IPv$family: Ctrl-C closes listen" ctrl_c ^Listening $stack 7 listen --service echo 7
  check "IPv$family: Ctrl-C closes serve" ctrl_c ^http $stack 80 serve "$work/folder"
  check "IPv$family: Ctrl-C twice resets listen" ctrl_c_twice ^Listening $stack 7 listen --service echo 7
  check "IPv$family: Ctrl-C twice resets serve" ctrl_c_twice ^http $stack 80 serve "$work/folder"
done
finish
