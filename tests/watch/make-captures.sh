#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make-captures.sh - scans by the real tools, captured in namespaces and labelled by the command that was run.
#   make-captures.sh DIRECTORY [PATTERN]
# writes NAME.pcapng and labels.tsv: name, part (look|kept), kinds, command. PATTERN: makes some of them anew.
# Needs root, nmap, masscan, zmap, hping3, tcpdump, tshark (dumpcap), nftables, python3; of the tools of
# captures-others.sh, what is not installed is left out and said to be. About twelve minutes.
# More than half of the captures, `kept`, are for the table alone: nobody looks at them when a threshold is chosen.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(mkdir -p "${1:?a directory}" && cd "$1" && pwd)
pattern=${2:-*}
if [ -z "${ESTAB_CAPTURES_INSIDE:-}" ]; then
  export ESTAB_CAPTURES_INSIDE=1
  exec unshare -n -m -- bash "$0" "$out" "$pattern"
fi
for tool in nmap masscan zmap hping3 dumpcap nft python3; do
  command -v $tool >/dev/null || { echo "SKIPPED: $tool is not installed"; exit 77; }
done
mount -t tmpfs tmpfs /run
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT

# Scanner a, target t, zombie z on one bridge. The target answers for a whole net behind it; nobody for another one.
# A second one, with the same addresses and a letter behind each name, has the captures that take long.
T=10.77.0.1 NET=10.77.1 T6=fd77::1 NET6=fd77:1:: Z=10.77.0.3 GONE=10.77.2
world()
{
  local n a=a$1 t=t$1 z=z$1
  ip link add sw"$1" type bridge && ip link set sw"$1" up
  for n in "$a" "$t" "$z"; do
    ip netns add "$n"
    ip link add v"$n" type veth peer name eth0 netns "$n"
    ip link set v"$n" master sw"$1" up
    ip netns exec "$n" ip link set lo up
    ip netns exec "$n" ip link set eth0 up
    ip netns exec "$n" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0 2>/dev/null
  done
  ip netns exec "$a" ip addr add 10.77.0.2/24 dev eth0
  ip netns exec "$a" ip -6 addr add fd77::2/64 dev eth0 nodad
  ip netns exec "$a" ip route add $NET.0/24 via $T
  ip netns exec "$a" ip route add $GONE.0/24 via $T
  ip netns exec "$a" ip -6 route add $NET6/64 via $T6
  ip netns exec "$t" ip addr add $T/24 dev eth0
  ip netns exec "$t" ip -6 addr add $T6/64 dev eth0 nodad
  ip netns exec "$t" ip route add local $NET.0/24 dev lo
  ip netns exec "$t" ip -6 route add local $NET6/64 dev lo
  ip netns exec "$t" ip neigh add 10.77.0.9 lladdr 02:00:00:00:00:09 dev eth0
  ip netns exec "$t" ip route add default via 10.77.0.9
  ip netns exec "$t" ip -6 neigh add fd77::9 lladdr 02:00:00:00:00:09 dev eth0
  ip netns exec "$t" ip -6 route add default via fd77::9
  ip netns exec "$t" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.tcp_syncookies=0 net.ipv4.tcp_synack_retries=0 net.ipv4.conf.all.rp_filter=0
  ip netns exec "$t" nft -f - <<'NFT'
table inet f {
  chain i {
    type filter hook input priority 0;
    tcp dport 900-919 drop
    tcp dport 920-929 reject with icmpx type admin-prohibited
  }
}
NFT
  ip netns exec "$t" python3 "$here/services.py" &
  ip netns exec "$t" python3 "$here/talkers.py" /run/certificate /run/key &
  ip netns exec "$z" python3 "$here/zombie.py" eth0 $Z &
  sleep 1.5
}

# capture NAME PART KINDS COMMAND...: runs it in the scanner's namespace, at most so many seconds
filter=tcp\ or\ icmp\ or\ icmp6
interfaces=(-i vt)
limit=45
second=
capture()
{
  local name=$1 part=$2 kinds=$3
  shift 3
  # shellcheck disable=SC2254 # the pattern is meant as one
  case $name in $pattern) ;; *) return ;; esac
  dumpcap -q "${interfaces[@]}" -f "$filter" -w "$out/$name.pcapng" 2>/dev/null &
  local dump=$!
  sleep 0.6
  timeout $limit ip netns exec a$second "$@" >"$out/$name.log" 2>&1 </dev/null
  sleep 1.2
  kill -INT $dump 2>/dev/null
  wait $dump 2>/dev/null
  (
    flock 9
    sed -i "/^$name\t/d" "$out/labels.tsv"
    printf '%s\t%s\t%s\t%s\n' "$name" "$part" "$kinds" "$*" >>"$out/labels.tsv"
  ) 9>/run/labels
}

[ "$pattern" != '*' ] || : >"$out/labels.tsv"
touch "$out/labels.tsv"
openssl req -x509 -newkey rsa:2048 -nodes -keyout /run/key -out /run/certificate -days 9 -subj /CN=a 2>/dev/null
world ''
# shellcheck source=captures-others.sh
. "$here/captures-others.sh"
world 2
(others_apart) &
apart=$!
N='nmap -n -Pn'
# shellcheck disable=SC2086 # words
{
  capture syn look syn_scan $N -sS -p1-200 $T
  capture syn-top kept syn_scan $N -sS -T3 --top-ports 100 $T
  capture syn-filtered look syn_scan $N -sS -T4 -p895-935 $T
  capture syn-ten kept syn_scan $N -sS -p81-90 $T
  capture connect look connect_scan $N -sT -p1-200 $T
  capture connect-top kept connect_scan $N -sT --top-ports 100 $T
  capture connect-few kept connect_scan $N -sT -p20-34 $T
  capture connect-filtered look connect_scan $N -sT -T4 -p895-935 $T
  capture fin look fin_scan $N -sF -p1-60 $T
  capture fin-filtered kept fin_scan $N -sF -T4 -p910-925 $T
  capture null look null_scan $N -sN -p1-60 $T
  capture null-one kept null_scan $N -sN -p22 $T
  capture xmas look xmas_scan $N -sX -p1-60 $T
  capture xmas-net kept xmas_scan $N -sX -p80 $NET.0/27
  capture ack look ack_or_window_scan $N -sA -p1-60 $T
  capture ack-filtered kept ack_or_window_scan $N -sA -T4 -p900-925 $T
  capture window look ack_or_window_scan $N -sW -p1-60 $T
  capture window-net kept ack_or_window_scan $N -sW -p80 $NET.0/27
  capture maimon look maimon_scan $N -sM -p1-60 $T
  capture maimon-few kept maimon_scan $N -sM -p20-29 $T
  capture synack look synack_scan $N -sS --scanflags SYNACK -p1-60 $T
  capture synack-hping kept synack_scan hping3 -q -SA -i u20000 -c 60 -p ++1 $T
  capture synfin look synfin_scan $N -sS --scanflags SYNFIN -p1-60 $T
  capture synfin-hping kept synfin_scan hping3 -q -SF -i u20000 -c 20 -p ++70 $T
  capture synrst look bogus_flags $N -sS --scanflags SYNRST -T4 -p1-30 $T
  capture allflags kept bogus_flags $N -sS --scanflags 63 -T4 -p1-30 $T
  capture fragmented look syn_scan $N -sS -f -p1-100 $T
  capture fragmented-xmas kept xmas_scan $N -sX -f -p1-40 $T
  capture data look syn_scan $N -sS --data-length 24 -p1-100 $T
  capture decoy look syn_scan $N -sS -D 10.77.0.66,10.77.0.67,ME -p1-100 $T
  capture decoy-fin kept fin_scan $N -sF -D 10.77.0.66,10.77.0.67,10.77.0.68,ME -p1-60 $T
  capture os look 'os_probe syn_scan' $N -O -p20-40 $T
  capture os-net kept 'os_probe syn_scan' $N -O -p20-40 $NET.5
  capture version look version_probe $N -sV -p22,80 $T
  capture version-other kept version_probe $N -sV -p80,5000 $T
  capture sweep look syn_scan $N -sS -p22 $NET.0/25
  capture sweep-filtered kept syn_scan $N -sS -T4 --max-retries 1 -p905 $NET.0/26
  capture sweep-connect look connect_scan $N -sT -p81 $NET.0/25
  capture block kept syn_scan $N -sS -p20-30 $NET.0/28
  capture syn6 look syn_scan $N -6 -sS -p1-100 $T6
  capture connect6 kept connect_scan $N -6 -sT -p1-100 $T6
  capture fin6 kept fin_scan $N -6 -sF -p1-30 $T6
  capture null6 look null_scan $N -6 -sN -p1-30 $T6
  capture masscan look syn_scan masscan --adapter eth0 --adapter-ip 10.77.0.2 --router-mac "$(ip netns exec t cat /sys/class/net/eth0/address)" \
    -p80,443,8000 $NET.0/26 --rate 300 --wait 1
  capture masscan-ports kept syn_scan masscan --adapter eth0 --adapter-ip 10.77.0.2 --router-mac "$(ip netns exec t cat /sys/class/net/eth0/address)" \
    -p1-300 $T --rate 300 --wait 1
  capture zmap look syn_scan zmap -q -i eth0 -G "$(ip netns exec t cat /sys/class/net/eth0/address)" -S 10.77.0.2 -p 22 -r 200 -c 1 -b /dev/null -o /dev/null $NET.0/25
  capture zmap-closed kept syn_scan zmap -q -i eth0 -G "$(ip netns exec t cat /sys/class/net/eth0/address)" -S 10.77.0.2 -p 81 -r 200 -c 1 -b /dev/null -o /dev/null $NET.0/25
  capture hping-scan look syn_scan hping3 -S --scan 1-80 $T
  capture hping-fin kept fin_scan hping3 -q -F -i u20000 -c 40 -p ++70 $T
  capture hping-null kept null_scan hping3 -q -i u20000 -c 40 -p ++70 $T
  capture hping-xmas look xmas_scan hping3 -q -FPU -i u20000 -c 40 -p ++70 $T
  capture hping-ack kept ack_or_window_scan hping3 -q -A -i u20000 -c 40 -p ++70 $T
  capture land look land hping3 -q -S -c 2 -a $T -s 80 -k -p 80 $T
  capture flood look syn_flood timeout 5 nice -n -10 hping3 -q -S -i u50 -p 80 $T
  capture flood-closed kept syn_flood timeout 5 nice -n -10 hping3 -q -S -i u50 -p 81 $T
  capture flood-spoofed look syn_flood timeout 5 nice -n -10 hping3 -q -S --rand-source -i u50 -p 80 $T
  capture flood-spoofed-closed kept syn_flood timeout 5 nice -n -10 hping3 -q -S --rand-source -i u50 -p 81 $T
  capture flood-ack look ack_flood timeout 5 nice -n -10 hping3 -q -A -i u50 -p 80 $T
  capture flood-ack-spoofed kept ack_flood timeout 5 nice -n -10 hping3 -q -A --rand-source -i u50 -p 80 $T
  capture flood-rst look rst_flood timeout 5 nice -n -10 hping3 -q -R -i u50 -p 80 $T
  capture flood-fin kept fin_flood timeout 5 nice -n -10 hping3 -q -F -i u50 -p 80 $T
  capture flood-synack look synack_flood timeout 5 nice -n -10 hping3 -q -SA -i u50 -p 80 $T
  filter="tcp and src host $T"
  capture backscatter look backscatter hping3 -q -S --rand-source -i u20000 -c 200 -p 80 $T
  capture backscatter-closed kept backscatter hping3 -q -S --rand-source -i u20000 -c 200 -p 81 $T
  filter="tcp"
  interfaces=(-i va -i vt)
  capture idle look idle_scan $N -sI $Z:80 -p75-84 $T
  capture idle-other kept idle_scan $N -sI $Z:8080 -p15-30 $T
  interfaces=(-i vt)
  filter="tcp and src host 10.77.0.2"
  capture one-way look syn_scan $N -sS -p1-60 $T
  capture one-way-connect kept connect_scan $N -sT -p1-60 $T
  capture one-way-ack kept ack_or_window_scan $N -sA -p1-60 $T
  capture one-way-net kept syn_scan $N -sS -p22 $NET.0/26
  capture one-way-null kept null_scan $N -sN -p20-50 $T
  filter=tcp\ or\ icmp\ or\ icmp6
}
# shellcheck disable=SC2086 # words
more_kept()
{
  local mac
  mac=$(ip netns exec t cat /sys/class/net/eth0/address)
  capture syn-fast kept syn_scan $N -sS -T5 --min-rate 2000 -p1-4000 $T
  capture syn-from-53 kept syn_scan $N -sS -g 53 -p1-150 $T
  capture syn-mtu kept syn_scan $N -sS --mtu 16 -p20-80 $T
  capture syn-two-ports kept syn_scan $N -sS --randomize-hosts -p25,8443 $NET.0/27
  capture syn6-net kept syn_scan $N -6 -sS -p443,444 ${NET6}/123
  capture connect-net kept connect_scan $N -sT -p5001 $NET.64/26
  capture fin-top kept fin_scan $N -sF --top-ports 50 $T
  capture null-net kept null_scan $N -sN -p443 $NET.0/28
  capture xmas6 kept xmas_scan $N -6 -sX -p20-40 $T6
  capture ack-top kept ack_or_window_scan $N -sA --top-ports 50 $T
  capture ack6 kept ack_or_window_scan $N -6 -sA -p1-40 $T6
  capture window-top kept ack_or_window_scan $N -sW --top-ports 50 $T
  capture maimon-net kept maimon_scan $N -sM -p81 $NET.0/27
  capture synack-net kept synack_scan $N -sS --scanflags SYNACK -p443 $NET.0/27
  capture synfin-net kept synfin_scan $N -sS --scanflags SYNFIN -p80 $NET.0/28
  capture psh kept bogus_flags $N -sN --scanflags PSH -T4 -p1-20 $T
  capture urg kept bogus_flags $N -sN --scanflags URG -T4 -p1-20 $T
  capture decoy-random kept syn_scan $N -sS -D RND:5,ME -p1-60 $T
  capture os-alone kept 'os_probe connect_scan' $N -sT -O -p20-60 $T
  capture os-limit kept 'os_probe syn_scan' $N -sS -O --max-os-tries 1 -p79-100 $NET.9
  capture version-all kept version_probe $N -sV --version-all -p8000 $T
  capture masscan-one kept syn_scan masscan --adapter eth0 --adapter-ip 10.77.0.2 --router-mac "$mac" \
    -p2222 $NET.0/24 --rate 1000 --wait 1
  capture masscan-from kept syn_scan masscan --adapter eth0 --adapter-ip 10.77.0.2 --router-mac "$mac" \
    --source-port 61000 -p20-60 $NET.0/28 --rate 500 --wait 1
  capture zmap-web kept syn_scan zmap -q -i eth0 -G "$mac" -S 10.77.0.2 -p 80 -r 500 -c 1 -b /dev/null -o /dev/null $NET.0/24
  capture hping-syn kept syn_scan hping3 -q -S -i u50000 -c 60 -p ++100 $T
  capture hping-maimon kept maimon_scan hping3 -q -FA -i u20000 -c 40 -p ++70 $T
  capture land-other kept land hping3 -q -S -c 5 -a $T -s 25 -k -p 25 $T
  capture flood-ssh kept syn_flood timeout 6 nice -n -10 hping3 -q -S -i u100 -p 22 $T
  capture flood-one-tuple kept syn_flood timeout 6 nice -n -10 hping3 -q -S -k -s 5555 -i u100 -p 81 $T
  capture flood-rst-other kept rst_flood timeout 5 nice -n -10 hping3 -q -R -i u70 -p 81 $T
  capture flood-synack-spoofed kept synack_flood timeout 5 nice -n -10 hping3 -q -SA --rand-source -i u70 -p 443 $T
  capture flood-ack-one-tuple kept ack_flood timeout 5 nice -n -10 hping3 -q -A -k -s 5556 -i u100 -p 80 $T
  capture flood-fin-spoofed kept fin_flood timeout 5 nice -n -10 hping3 -q -F --rand-source -i u70 -p 25 $T
  capture shared-out kept syn_scan bash -c "for s in {20..31}; do hping3 -q -S -i u30000 -c 6 -p ++\$((s * 10)) -a 10.77.0.\$s $T; done"
  capture fetches kept '' python3 "$here/fetch.py" $T 80 300 data
  capture refused kept '' python3 "$here/fetch.py" $T 81 150 data
  capture checks kept '' python3 "$here/fetch.py" $T 8000 200 reset
  capture fetches6 kept '' python3 "$here/fetch.py" $T6 80 100 data
}
more_kept
others
wait $apart
