#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# plpmtud.sh - an ICMP black hole before the kernel: packets above a size vanish without a word (nftables), both
# interfaces carry 9000. estab finds the size, in less than 5 s, and the kernel has every octet. IPv4 and IPv6.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
nft list ruleset >/dev/null 2>&1 || skip_all 'nftables is not to be had here'
peer=("python3" "$here/peer.py")

make_file "$work/none" 0
make_file "$work/file" 8000000

ip tuntap add tun9 mode tun && ip link set tun9 mtu 9000 up &&
  ip address add 192.0.2.1/24 dev tun9 && ip address add 2001:db8::1/64 dev tun9 nodad ||
  skip_all 'no TUN interface can be made here'

# above BYTES - larger packets from estab vanish.
above()
{
  nft flush ruleset
  [ "$1" -lt 9000 ] || return 0
  nft add table inet t && nft 'add chain inet t c { type filter hook prerouting priority 0; }' &&
    nft add rule inet t c iifname tun9 meta length gt "$1" drop
}

# 64 KB each 20 ms: as long as a search may take.
slowly()
{
  python3 -c '
import sys, time
with open(sys.argv[1], "rb") as f:
    while piece := f.read(65536):
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        time.sleep(0.02)' "$1"
}

# finds HOST BYTES - what estab says in the end.
finds()
{
  local pid
  above "$2" || return 1
  "${peer[@]}" half-server 9100 "$work/none" >"$work/sum" &
  pid=$!
  wait_for grep -q ready "$work/sum" || return 1
  slowly "$work/file" | timeout 40 "$estab" connect --info --plain --device tun:tun9 --mtu 9000 --delay 10ms \
    --address 192.0.2.2/24 --address 2001:db8::2/64 "$1" 9100 >/dev/null 2>"$work/err" || { cat "$work/err"; return 1; }
  wait $pid || return 1
  [ "$(tail -n 1 "$work/sum")" = "$(sha256 "$work/file")" ] || return 1
  grep -q "packets of at most $2 octets;" "$work/err" || { cat "$work/err"; return 1; }
}

for bytes in 1280 1492 4470 9000; do
  check "IPv4: packets of $bytes octets" finds 192.0.2.1 $bytes
done
check 'IPv6: packets of 1400 octets' finds 2001:db8::1 1400
finish
