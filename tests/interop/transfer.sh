#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# transfer.sh - 64 MiB each way between the kernel and estab, estab as server and as client, IPv4 and IPv6, over each
# device, with and without super-segments; SHA-256 compared. Smaller ones are captured and judged by tshark. Over veth
# and TAP it is a tenth unless ESTAB_LONG is set.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
observe

bytes=$((64 << 20))
make_file "$work/file" $bytes
make_file "$work/tenth" $((bytes / 10))
make_file "$work/small" $((1 << 20))
want=$(sha256 "$work/file")
want_tenth=$(sha256 "$work/tenth")
want_small=$(sha256 "$work/small")

host_of()
{
  [ "$1" = 4 ] && echo 192.0.2.1 || echo 2001:db8::1
}
stack_of()
{
  [ "$1" = 4 ] && echo 192.0.2.2 || echo 2001:db8::2
}

# hashes WANT FILE... - all have this hash.
hashes()
{
  local want=$1 file
  shift
  for file; do
    [ "$(sha256 "$file")" = "$want" ] || { echo "$file: $(stat -c %s "$file") bytes, other ones"; return 1; }
  done
}

# Both ways at once on one connection: estab listens, the kernel connects.
estab_listens()
{
  local family=$1 file=$2 want=$3
  shift 3
  "$estab" listen "$@" -v 9000 <"$file" >"$work/at-estab" 2>"$work/err" &
  local pid=$!
  wait_for grep -q ^Listening "$work/err" && use_cubic || return 1
  timeout 60 nc -v -N "$(stack_of "$family")" 9000 <"$file" >"$work/at-kernel" || { cat "$work/err"; return 1; }
  wait $pid || { cat "$work/err"; return 1; }
  hashes "$want" "$work/at-estab" "$work/at-kernel"
}

# The kernel listens, estab connects. (Not nc -l: it gives up at the peer's FIN, with its own data unsent.)
estab_connects()
{
  local family=$1 file=$2 want=$3
  shift 3
  timeout 60 python3 "$here/peer.py" half-server 9001 "$file" >"$work/sum" &
  local pid=$!
  wait_for grep -q ready "$work/sum" || return 1
  timeout 60 "$estab" connect "$@" "$(host_of "$family")" 9001 <"$file" >"$work/at-estab" || return 1
  wait $pid || return 1
  hashes "$want" "$work/at-estab" || return 1
  [ "$(tail -n 1 "$work/sum")" = "$want" ] || { echo 'the kernel received other octets'; return 1; }
}

for device in tun veth tap; do
  file=$work/file sum=$want
  [ $device = tun ] || [ -n "${ESTAB_LONG:-}" ] || file=$work/tenth sum=$want_tenth
  for family in 4 6; do
    for plain in '' --plain; do
      what="$(($(stat -c %s "$file") >> 20)) MiB each way, IPv$family, $device${plain:+ $plain}"
      # shellcheck disable=SC2086 # an empty word is none
      check "$what, estab listens" estab_listens $family "$file" "$sum" --device $device $plain
      # shellcheck disable=SC2086
      check "$what, estab connects" estab_connects $family "$file" "$sum" --device $device $plain
    done
  done
done
if command -v tshark >/dev/null; then
  for device in tun veth; do
    for family in 4 6; do
      check "1 MiB captured, IPv$family, $device, estab listens" \
        estab_listens $family "$work/small" "$want_small" --device $device --pcap "$work/a.pcap" &&
        check '  the capture' capture_clean "$work/a.pcap"
      check "1 MiB captured, IPv$family, $device, estab connects" \
        estab_connects $family "$work/small" "$want_small" --device $device --pcap "$work/a.pcap" &&
        check '  the capture' capture_clean "$work/a.pcap"
    done
  done
else
  echo 'SKIPPED: no tshark'
  skipped=$((skipped + 1))
fi
finish
