#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# clients.sh - real programs on the kernel's TCP against estab: curl, nc, wrk, iperf 2. IPv4 and IPv6.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
observe

mkdir "$work/www" "$work/www/below"
make_file "$work/www/file" $((16 << 20))
echo 'small' >"$work/www/small.txt"
echo 'secret' >"$work/secret"
ln -s ../secret "$work/www/out"
echo '<p>hello' >"$work/www/below/index.html"

status_is()
{
  local want=$1 got
  shift
  got=$(curl -g -sS -o "$work/body" -w '%{http_code}' "$@") || return 1
  [ "$got" = "$want" ] || { echo "$got, not $want"; return 1; }
}
body_is()
{
  local want=$1
  shift
  [ "$(curl -g -sS "$@")" = "$want" ]
}
fetched_whole()
{
  curl -g -sS -o "$work/got" "$1/file" && cmp "$work/got" "$work/www/file"
}
resumed()
{
  head -c 5000000 "$work/www/file" >"$work/got"
  curl -g -sS -C - -o "$work/got" "$1/file" && cmp "$work/got" "$work/www/file"
}
kept_alive()
{
  [ "$(curl -g -sS -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects}' \
    "$1/small.txt" "$1/small.txt" "$1/small.txt")" = 100 ]
}
parallel()
{
  local i urls=()
  for ((i = 0; i < 40; i++)); do urls+=("$1/file"); done
  for ((i = 0; i < 40; i++)); do urls+=(-o /dev/null); done
  curl -g -sS --parallel --parallel-max 40 -w '%{size_download}\n' "${urls[@]}" | sort | uniq -c | grep -q '40 16777216'
}
raw()
{
  printf '%b' "$2" | timeout 10 nc -N "$1" 80 >"$work/raw"
  grep -q "$3" "$work/raw" || { cat -A "$work/raw"; return 1; }
}
wrk_runs()
{
  wrk -t 1 -c "$2" -d 2s "$1/small.txt" >"$work/wrk" || return 1
  cat "$work/wrk"
  grep -q 'requests in' "$work/wrk" && ! grep -qE 'Socket errors|Non-2xx' "$work/wrk"
}
iperf_runs()
{
  local version=$1
  shift
  # shellcheck disable=SC2086 # an empty word is none
  timeout 30 iperf $version "$@" -t 2 -f m >"$work/iperf" 2>&1 || { cat "$work/iperf"; return 1; }
  cat "$work/iperf"
  grep -qE '[0-9.]+ Mbits/sec' "$work/iperf" && ! grep -qi 'failed\|refused\|reset' "$work/iperf"
}

start_estab "$work/serve" "$estab" serve -v "$work/www" || exit 1
server=$started
for family in 4 6; do
  if [ $family = 4 ]; then stack=192.0.2.2 url=http://192.0.2.2; else stack=2001:db8::2 url='http://[2001:db8::2]'; fi
  check "IPv$family: curl fetches 16 MiB" fetched_whole "$url"
  check "IPv$family: curl resumes (range)" resumed "$url"
  check "IPv$family: curl, three requests on one connection" kept_alive "$url"
  check "IPv$family: curl, 40 at once" parallel "$url"
  check "IPv$family: HEAD" status_is 200 -I "$url/small.txt"
  check "IPv$family: index.html" body_is '<p>hello' "$url/below/"
  check "IPv$family: a folder without its slash" status_is 301 "$url/below"
  check "IPv$family: and followed" body_is '<p>hello' -L "$url/below"
  check "IPv$family: a listing" status_is 200 "$url/"
  check "IPv$family: nothing there" status_is 404 "$url/none"
  check "IPv$family: .. leads nowhere" status_is 403 --path-as-is "$url/../secret"
  check "IPv$family: %2e%2e leads nowhere" status_is 403 --path-as-is "$url/below/%2e%2e/%2e%2e/secret"
  check "IPv$family: a link leads nowhere" status_is 403 "$url/out"
  check "IPv$family: POST is not taken" status_is 405 -d x "$url/small.txt"
  check "IPv$family: a range past the end" status_is 416 -r 100000- "$url/small.txt"
  check "IPv$family: nonsense" raw $stack 'nonsense\r\n\r\n' '^HTTP/1.1 400'
  check "IPv$family: no Host" raw $stack 'GET / HTTP/1.1\r\n\r\n' '^HTTP/1.1 400'
  check "IPv$family: HTTP/1.0" raw $stack 'GET /small.txt HTTP/1.0\r\n\r\n' '^small'
  check "IPv$family: a head too large" raw $stack "GET / HTTP/1.1\r\nX: $(head -c 20000 /dev/zero | tr '\0' x)\r\n\r\n" \
    '^HTTP/1.1 431'
  check "IPv$family: requests sent ahead" raw $stack \
    'GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /below/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' '<p>hello'
  check "IPv$family: wrk, 100 connections" wrk_runs "$url" 100
done
check 'the server ends in order' stop "$server"

start_estab "$work/discard" "$estab" listen --service discard -v 5001 || exit 1
check 'IPv4: iperf into discard' iperf_runs '' -c 192.0.2.2
check 'IPv4: iperf, 8 connections' iperf_runs '' -c 192.0.2.2 -P 8
check 'IPv6: iperf into discard' iperf_runs -V -c 2001:db8::2
check 'discard ends in order' stop "$started"
finish
