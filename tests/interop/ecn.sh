#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# ecn.sh - ECN with the kernel, both ways: who asks, who agrees; marks on the way are echoed and answered, and nothing is
# lost; the same with Accurate ECN, where the kernel has it. IPv4 and IPv6. nftables writes and counts the marks.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
observe
peer=("python3" "$here/peer.py")

make_file "$work/file" 1000000
make_file "$work/none" 0

# mark HOOK - every 50th packet that is ECT(0) is marked there.
mark()
{
  nft flush ruleset
  [ -n "$1" ] || return 0
  nft add table inet t && nft "add chain inet t c { type filter hook $1 priority 0; }" &&
    nft add rule inet t c ip ecn ect0 numgen inc mod 50 0 counter ip ecn set ce &&
    nft add rule inet t c ip6 ecn ect0 numgen inc mod 50 0 counter ip6 ecn set ce
}

# packets FILTER - how many of the capture are so.
packets()
{
  tshark -r "$work/ecn.pcap" -Y "$1" 2>/dev/null | wc -l
}
at_least()
{
  local n
  n=$(packets "$2")
  [ "$n" -ge "$1" ] || { echo "$n packets, not $1: $2"; return 1; }
}

# file_by_estab HOST HOW - estab sends the file, with --ecn HOW.
file_by_estab()
{
  local pid
  "${peer[@]}" half-server 9100 "$work/none" >"$work/sum" &
  pid=$!
  wait_for grep -q ready "$work/sum" || return 1
  timeout 30 "$estab" connect --ecn "$2" --info --plain --pcap "$work/ecn.pcap" "$1" 9100 \
    <"$work/file" >/dev/null 2>"$work/err" || { cat "$work/err"; return 1; }
  wait $pid || return 1
  [ "$(tail -n 1 "$work/sum")" = "$(sha256 "$work/file")" ]
}

# file_by_kernel STACK - the kernel sends it, estab was told nothing of ECN.
file_by_kernel()
{
  "$estab" listen -d -v --info --plain --pcap "$work/ecn.pcap" 9101 >"$work/got" 2>"$work/err" &
  local pid=$!
  wait_for grep -q ^Listening "$work/err" || return 1
  timeout 30 "${peer[@]}" half "$1" 9101 "$work/file" >"$work/sum" || return 1
  wait $pid || return 1
  cmp "$work/got" "$work/file"
}

# estab sends a file; the kernel's tcp_ecn is $2, and "yes" or "no" whether ECN is agreed on.
estab_sends()
{
  local how=$2 agreed=$3
  sysctl -qw net.ipv4.tcp_ecn="$how"
  file_by_estab "$1" ask || return 1
  at_least 1 'tcp.flags.syn==1 && tcp.flags.ack==0 && tcp.flags.ece==1 && tcp.flags.cwr==1' || return 1
  if [ "$agreed" = no ]; then
    ! grep -q 'ECN was agreed on' "$work/err"
    return
  fi
  grep -q 'ECN was agreed on' "$work/err" || { cat "$work/err"; return 1; }
  at_least 300 'tcp.dstport==9100 && tcp.len>0 && (ip.dsfield.ecn==2 || ipv6.tclass.ecn==2)' || return 1
  # What carries no text is not ECT.
  [ "$(packets 'tcp.dstport==9100 && tcp.len==0 && (ip.dsfield.ecn>0 || ipv6.tclass.ecn>0)')" -eq 0 ]
}

# The network marks what estab sends: the kernel echoes, estab reduces and says so, and sends nothing again.
estab_is_marked()
{
  mark prerouting || return 1
  estab_sends "$1" 1 yes || return 1
  at_least 1 'tcp.srcport==9100 && tcp.flags.ece==1 && tcp.flags.syn==0' || return 1
  at_least 1 'tcp.dstport==9100 && tcp.flags.cwr==1 && tcp.flags.syn==0' || return 1
  # On a busy machine a tail loss probe may repeat one.
  grep -Eq ', [0-3] of them again' "$work/err" || { cat "$work/err"; return 1; }
}

# The network marks what the kernel sends: estab echoes until the kernel says CWR.
kernel_is_marked()
{
  sysctl -qw net.ipv4.tcp_ecn=1
  mark output || return 1
  file_by_kernel "$1" || return 1
  grep -q 'ECN was agreed on' "$work/err" || { cat "$work/err"; return 1; }
  at_least 1 'ip.dsfield.ecn==3 || ipv6.tclass.ecn==3' || return 1
  at_least 1 'tcp.srcport==9101 && tcp.flags.ece==1 && tcp.flags.syn==0' || return 1
  at_least 1 'tcp.dstport==9101 && tcp.flags.cwr==1 && tcp.flags.syn==0' || return 1
  # CWR ends it: an ACK behind the first one echoes nothing.
  tshark -r "$work/ecn.pcap" -T fields -e tcp.dstport -e tcp.flags.cwr -e tcp.flags.ece 2>/dev/null |
    awk '$1 == 9101 && $2 == 1 {answered = 1} $1 != 9101 && answered && $3 == 0 {n++} END {exit !n}'
}

# How many were marked.
marks()
{
  nft list ruleset | sed -n 's/.*counter packets \([0-9]*\) .*/\1/p' | awk '{n += $1} END {print n + 0}'
}

# estab asks for Accurate ECN and sends a file; the kernel's tcp_ecn is $2, and $3 what becomes of it.
accurate_sends()
{
  sysctl -qw net.ipv4.tcp_ecn="$2" || return 1
  file_by_estab "$1" accurate || return 1
  at_least 1 'tcp.flags==0x1c2' || return 1 # the SYN
  if [ "$3" = none ]; then
    ! grep -q 'ECN was agreed on' "$work/err"
    return
  fi
  grep -q "^$3 ECN" "$work/err" || { cat "$work/err"; return 1; }
  at_least 300 'tcp.dstport==9100 && tcp.len>0 && (ip.dsfield.ecn==2 || ipv6.tclass.ecn==2)'
}

# The kernel tells of every mark on estab's text, in the ACE field and in its option.
accurate_is_marked()
{
  local told
  mark prerouting || return 1
  accurate_sends "$1" 3 accurate || return 1
  told=$(sed -n 's/^accurate ECN: .* of ours \([0-9]*\) were.*/\1/p' "$work/err")
  [ "$told" -ge 5 ] && [ "$told" -eq "$(marks)" ] ||
    { echo "$(marks) were marked, told of $told"; cat "$work/err"; return 1; }
  at_least 1 'tcp.srcport==9100 && (tcp.options contains ac || tcp.options contains ae)' || return 1
  grep -Eq ', [0-3] of them again' "$work/err" || { cat "$work/err"; return 1; }
}

# The kernel asks and sends: estab, which was told nothing, agrees and counts all marks on the kernel's text.
accurate_receives()
{
  local came
  sysctl -qw net.ipv4.tcp_ecn=3
  mark output || return 1
  file_by_kernel "$1" || return 1
  came=$(sed -n 's/^accurate ECN: \([0-9]*\) segments came marked.*/\1/p' "$work/err")
  [ "${came:-0}" -ge 1 ] || { echo "$(marks) were marked, $came came"; cat "$work/err"; return 1; }
  at_least 1 'tcp.srcport==9101 && tcp.flags.syn==0 && (tcp.options contains ac || tcp.options contains ae)'
}

for family in 4 6; do
  if [ $family = 4 ]; then stack=192.0.2.2 host=192.0.2.1; else stack=2001:db8::2 host=2001:db8::1; fi
  mark ''
  check "IPv$family: estab asks, the kernel agrees" estab_sends $host 2 yes
  check "IPv$family: estab asks, the kernel does not" estab_sends $host 0 no
  check "IPv$family: estab's text is marked" estab_is_marked $host
  check "IPv$family: the kernel's text is marked" kernel_is_marked $stack
  mark ''
  check "IPv$family: estab asks for Accurate ECN, the kernel has the classic one" accurate_sends $host 2 classic
  check "IPv$family: estab asks for Accurate ECN, the kernel has none" accurate_sends $host 0 none
  # Linux 6.18 has it, but does not let it be switched on.
  sysctl -qw net.ipv4.tcp_ecn=3 2>/dev/null || continue
  check "IPv$family: estab asks for Accurate ECN, the kernel agrees" accurate_sends $host 3 accurate
  check "IPv$family: estab's text is marked, and the kernel counts" accurate_is_marked $host
  check "IPv$family: the kernel's text is marked, and estab counts" accurate_receives $stack
done
finish
