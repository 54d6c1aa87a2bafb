#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# fastopen.sh - TCP Fast Open (RFC 7413) with the kernel, both ways: cookies are asked for, given and shown, text goes with
# the SYN and is taken; servers that take no part, and cookies that have had their time. The kernel's counters are asked.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
peer=("python3" "$here/fastopen.py")
sysctl -qw net.ipv4.tcp_fastopen=3 2>/dev/null || skip_all 'net.ipv4.tcp_fastopen cannot be set here'

make_file "$work/small" 1000
make_file "$work/large" 300000

# grown COUNTER COMMAND... - the kernel's counter has grown by the command.
grown()
{
  local name=$1 before after
  shift
  before=$(counter "$name")
  "$@" || return 1
  after=$(counter "$name")
  [ "$after" -gt "$before" ] || { echo "$name is $after, as before"; return 1; }
}
counter()
{
  awk -v name="$1" '/^TcpExt:/ {if (!n) {n = split($0, names); next} split($0, values)
    for (i = 1; i <= n; i++) if (names[i] == name) print values[i]}' /proc/net/netstat
}

# ask FILE WORDS - estab sends FILE to the kernel's server; --info has WORDS. A SYN may be lost while the kernel still makes
# the new interface's IPv6 ready, and what was new in it: then once more.
ask()
{
  local try
  for try in {1..12}; do
    timeout 20 "$estab" connect --fast-open "$work/cookies" --info "$host" 9200 <"$1" >"$work/got" 2>"$work/err" ||
      { cat "$work/err"; return 1; }
    cmp "$work/got" "$work/large" || return 1
    ! grep -q "$2" "$work/err" || return 0
  done
  echo "$try times not: $2"
  cat "$work/err"
  return 1
}
# answer FILE... - the kernel sends each to estab's echo.
answer()
{
  timeout 20 "${peer[@]}" client "$stack" 9201 "$@" >"$work/got" || return 1
  cat "$@" | cmp - "$work/got"
}
new_key()
{
  sysctl -qw net.ipv4.tcp_fastopen_key="$1"
}

for family in 4 6; do
  if [ $family = 4 ]; then stack=192.0.2.2 host=192.0.2.1; else stack=2001:db8::2 host=2001:db8::1; fi
  rm -f "$work/cookies"
  sysctl -qw net.ipv4.tcp_fastopen=3
  new_key 00112233-44556677-8899aabb-ccddeeff
  start "$work/server$family" "${peer[@]}" server 9200 "$work/large"
  server=$started
  wait_for grep -q ready "$work/server$family" || exit 1
  check "IPv$family: estab asks for a cookie" ask "$work/small" 'asked for, a cookie was given; 0 octets'
  check "IPv$family: the SYN carries a request" grown TCPFastOpenPassive ask "$work/small" '1000 octets with the SYN, taken'
  check "IPv$family: a SYN carries the first of more" grown TCPFastOpenPassive ask "$work/large" 'octets with the SYN, taken'
  new_key 11112222-33334444-55556666-77778888
  new_key 22223333-44445555-66667777-88889999
  check "IPv$family: a cookie that has had its time" ask "$work/small" 'with a cookie, a cookie was given; 1000 octets with the SYN$'
  check "IPv$family: the new one" grown TCPFastOpenPassive ask "$work/small" '1000 octets with the SYN, taken'
  sysctl -qw net.ipv4.tcp_fastopen=1
  check "IPv$family: the server takes no part any more" ask "$work/small" 'with a cookie; 1000 octets with the SYN$'
  rm -f "$work/cookies"
  check "IPv$family: the server takes no part" ask "$work/small" 'asked for; 0 octets'
  [ ! -e "$work/cookies" ] || fail "IPv$family: a cookie from nowhere"
  kill "$server"
  wait "$server" 2>/dev/null

  start "$work/echo" "$estab" listen --fast-open 16 --service echo 9201
  echo=$started
  wait_for grep -q ^Listening "$work/echo.err" || exit 1
  check "IPv$family: the kernel asks for a cookie" answer "$work/small"
  check "IPv$family: its SYN carries text" grown TCPFastOpenActive answer "$work/small"
  check "IPv$family: its SYN carries the first of more" grown TCPFastOpenActive answer "$work/large" "$work/small" "$work/large"
  stop "$echo"
  start "$work/echo" "$estab" listen --fast-open 16 --service echo 9201
  echo=$started
  wait_for grep -q ^Listening "$work/echo.err" || exit 1
  check "IPv$family: the kernel's cookie is of another server" answer "$work/small"
  check "IPv$family: it has a new one" grown TCPFastOpenActive answer "$work/small"
  stop "$echo"
done
finish
