# shellcheck shell=bash disable=SC2034,SC2154,SC2086 # a part of make-captures.sh; words
# captures-others.sh - scans and attacks by tools that no threshold was chosen with, and what programs do that only looks
# like them; and what takes long, in a world of its own beside all others.

# with TOOL capture NAME ...: if it is installed
with()
{
  local tool=$1
  shift
  if [ -n "$tool" ] && command -v "$tool" >/dev/null; then
    "$@"
  else
    # shellcheck disable=SC2254 # the pattern is meant as one
    case $2 in $pattern) echo "SKIPPED: $2: ${tool:-scapy} is not installed" >&2 ;; esac
  fi
}

scapy=
for python in python3 /usr/bin/python3; do
  [ -n "$scapy" ] || ! $python -c 'import scapy' 2>/dev/null || scapy=$python
done

# forged "FORGER..." NAME PART KINDS COMMAND...: while somebody on the bridge sees what passes, and speaks up
forged()
{
  local forger=$1
  shift
  # shellcheck disable=SC2254 # the pattern is meant as one
  case $1 in $pattern) ;; *) return ;; esac
  timeout 20 $forger >"$out/$1.forger.log" 2>&1 &
  local it=$! tries=0
  until [ -s "$out/$1.forger.log" ] || [ $((tries += 1)) -gt 100 ]; do sleep 0.1; done # it says that it listens
  interfaces=(-i sw2)
  capture "$@"
  interfaces=(-i vt2)
  kill $it 2>/dev/null
  wait $it 2>/dev/null
}

others_forged()
{
  ip addr add 10.77.0.250/24 dev sw2
  ip -6 addr add fd77::250/64 dev sw2 nodad
  local page="curl -gs -m 4 -o /dev/null" forge="$here/forge.py"
  with tcpkill forged 'tcpkill -i sw2 -3 port 8091' killed look rst_injection $page http://$T:8091/
  with tcpkill forged 'tcpkill -i sw2 -9 port 8090' killed-9 look rst_injection $page --limit-rate 200k http://$T:8090/
  with tcpkill forged "tcpkill -i sw2 -4 host $T" killed-many look rst_injection \
    bash -c "for i in 1 2 3 4; do $page http://$T:8091/ & done; wait"
  with tcpkill forged 'tcpkill -i sw2 -5 port 7007' killed-echo kept rst_injection \
    bash -c "(for i in 1 2 3 4 5 6; do echo \$i; sleep 0.4; done) | nc -w 3 $T 7007"
  with "$scapy" forged "$scapy $forge march sw2 $T 8091 64" forged-march-pieces look rst_injection $page http://$T:8091/
  with "$scapy" forged "$scapy $forge rst sw2 $T 8088 63" forged-rst-near kept rst_injection $page http://$T:8088/
  with "$scapy" forged "$scapy $forge text sw2 $T 8088 255" forged-text-far kept overlap_injection $page http://$T:8088/
  with "$scapy" forged "$scapy $forge rst sw2 $T 8088 50" forged-rst look rst_injection $page http://$T:8088/
  with "$scapy" forged "$scapy $forge march sw2 $T 8088 64" forged-march look rst_injection $page http://$T:8088/
  with "$scapy" forged "$scapy $forge both sw2 $T 8091 41" forged-both look rst_injection $page http://$T:8091/
  with "$scapy" forged "$scapy $forge both sw2 $T 7007 200" forged-both-far kept rst_injection \
    bash -c "(echo hello; sleep 1; echo once more; sleep 1) | nc -w 3 $T 7007"
  with "$scapy" forged "$scapy $forge both sw2 $T6 8088 30" forged-both6 kept rst_injection $page "http://[$T6]:8088/"
  with "$scapy" forged "$scapy $forge beyond sw2 $T 8091 64" forged-beyond kept rst_injection $page http://$T:8091/
  with "$scapy" forged "$scapy $forge beyond sw2 $T 7007 64" forged-beyond-echo kept rst_injection \
    bash -c "(echo hello; sleep 1; head -c 30000 /dev/zero; sleep 1) | nc -w 3 $T 7007"
  with "$scapy" forged "$scapy $forge rst sw2 $T6 8088 250" forged-rst6 look rst_injection $page "http://[$T6]:8088/"
  with "$scapy" forged "$scapy $forge text sw2 $T 8088 50" forged-text look overlap_injection $page http://$T:8088/
  with "$scapy" forged "$scapy $forge text sw2 $T 7007 61" forged-text-echo look overlap_injection \
    bash -c "(echo hello; sleep 1; echo once more; sleep 1) | nc -w 3 $T 7007"
  with "$scapy" forged "$scapy $forge text sw2 $T6 8088 128" forged-text6 look overlap_injection $page "http://[$T6]:8088/"
}

# Tools that make their own segments.
others_crafted()
{
  local mac mz
  mac=$(ip netns exec t cat /sys/class/net/eth0/address)
  mz="mausezahn eth0 -q -A 10.77.0.2 -B $T -b $mac -d 10m -t tcp"
  with mausezahn capture mz-syn look syn_scan $mz dp=1-100,flags=syn
  with mausezahn capture mz-fin kept fin_scan $mz dp=60-100,flags=fin
  with mausezahn capture mz-null kept null_scan $mz dp=60-100,flags=0
  with mausezahn capture mz-xmas kept xmas_scan $mz 'dp=60-100,flags=fin|psh|urg'
  with mausezahn capture mz-rst kept '' $mz dp=60-100,flags=rst
  with mausezahn capture mz-flood look syn_flood timeout 10 nice -n -10 mausezahn eth0 -q -c 0 -A rand -B $T -b "$mac" \
    -d 100u -t tcp dp=80,flags=syn
  cat >/run/frames <<FRAMES
{ eth(da=$mac, sa=$(ip netns exec a cat /sys/class/net/eth0/address)), ipv4(saddr=10.77.0.2, daddr=$T, ttl=64, df),
  tcp(sp=drnd(1024,60000), dp=dinc(20, 79), syn, win=8192, seq=drnd()) }
FRAMES
  sed 's/sp=drnd(1024,60000)/sp=4444/; s/syn,/fin, ack, aseq=drnd(),/' /run/frames >/run/frames-fin
  sed 's/dp=dinc(20, 79)/dp=80/; s/saddr=10.77.0.2/saddr=drnd()/' /run/frames >/run/frames-flood
  with trafgen capture trafgen-syn look syn_scan trafgen -q -o eth0 -n 60 -P 1 -t 10ms --conf /run/frames
  with trafgen capture trafgen-maimon kept maimon_scan trafgen -q -o eth0 -n 60 -P 1 -t 10ms --conf /run/frames-fin
  with trafgen capture trafgen-flood look syn_flood nice -n -10 trafgen -q -o eth0 -n 30000 -P 1 -t 100us --conf /run/frames-flood
  with atk6-thcsyn6 capture thc-flood look syn_flood timeout 5 atk6-thcsyn6 -i 100 -r eth0 $T6 80
  with atk6-thcsyn6 capture thc-flood-synack kept synack_flood timeout 5 atk6-thcsyn6 -S -i 100 -R eth0 $T6 443
  with atk6-thcsyn6 capture thc-flood-ack kept ack_flood timeout 6 atk6-thcsyn6 -A -i 100 -R eth0 $T6 80
  capture nping-flood look syn_flood timeout 5 nice -n -10 nping -q -H --tcp --rate 20000 -c 0 -p 80 $T
}

# What programs do all day, and guessers of passwords: no scan, no flood.
others_innocent()
{
  seq 123400 123440 >/run/words
  with ab capture ab look '' ab -q -n 2000 -c 20 http://$T:80/
  with ab capture ab-refused kept '' ab -r -q -n 300 -c 10 http://$T:81/
  with siege capture siege kept '' siege -q -b -c 20 -t 3S http://$T:8088/
  with wrk capture wrk look '' wrk -t 2 -c 60 -d 2 http://$T:8000/
  with wrk capture wrk-refused kept '' wrk -t 1 -c 20 -d 2 http://$T:81/
  with httping capture httping-refused kept '' httping -c 20 -i 0.1 -g http://$T:81/
  with hydra capture hydra look '' hydra -I -t 8 -l root -P /run/words ftp://$T:2121
  with hydra capture hydra-refused kept '' hydra -I -t 8 -l root -P /run/words ftp://$T:2122
  with medusa capture medusa kept '' medusa -h $T -n 2121 -u root -P /run/words -M ftp -t 4
  with ncrack capture ncrack kept '' timeout 15 ncrack -T5 --user root -P /run/words ftp://$T:2121
  with whatweb capture whatweb kept '' timeout 20 whatweb --color=never -a 3 $T $NET.5 $NET.6
  with sslscan capture sslscan look '' timeout 20 sslscan --no-colour $T:8443
  with tcptraceroute capture tcptraceroute kept '' tcptraceroute -n -q 3 -m 8 $T 81
  with mtr capture mtr kept '' mtr -n -r -c 5 -T -P 443 $NET.8
  with knock capture knock look '' bash -c "knock $T 7000 8000 9000; sleep 1; curl -s http://$T/"
  capture same-port kept '' bash -c "for i in {1..20}; do nc -n -z -w 1 $T 80; done"
  capture pings kept '' nping -q --tcp-connect -c 20 --delay 50ms -p 81 $T
}

others()
{
  others_crafted
  others_innocent
}

# nmap and hping3 as make-captures.sh does not run them.
others_nmap()
{
  local N='nmap -n -Pn'
  capture nmap-hosts look syn_scan nmap -n -sn -T4 -PS22 $NET.96/27 $GONE.0/27
  capture nmap-hosts-ack kept ack_or_window_scan nmap -n -sn -T4 -PA80 $NET.64/27 $GONE.64/27
  capture nmap-hosts-gone kept 'syn_scan ack_or_window_scan' nmap -n -sn -T5 $GONE.0/27
  capture nmap-from-53 kept ack_or_window_scan $N -sA -g 53 -p1-60 $T
  capture nmap-from-443 kept maimon_scan $N -sM -g 443 -p1-60 $T
  capture nmap-near kept syn_scan $N -sS --ttl 3 -p1-60 $T
  capture nmap-options kept syn_scan $N -sS --ip-options R -p1-60 $T
  capture nmap-eight kept xmas_scan $N -sX --mtu 8 -p1-40 $T
  capture nmap-decoys look null_scan $N -sN -D RND:10 -p1-30 $T
  capture nmap-badsum look '' $N -sS --badsum -T4 --max-retries 1 -p1-60 $T
  capture nmap-badsum-xmas kept '' $N -sX --badsum -T4 --max-retries 1 -p1-40 $T
  capture nmap-udp kept syn_scan $N -sS -sU -T4 -p U:53,T:1-60 --max-retries 0 $T
  capture nmap-protocols kept '' $N -sO -T4 --max-retries 0 -p1-30 $T
  capture nmap-rst kept '' $N -sS --scanflags RST -T4 --max-retries 0 -p1-30 $T
  capture nmap-synurg kept syn_scan $N -sS --scanflags SYNURG -T4 -p1-60 $T
  capture nmap-urgpsh kept bogus_flags $N -sN --scanflags URGPSH -T4 -p1-30 $T
  capture nmap-route kept syn_scan $N -sS --traceroute -p70-90 $T
  capture nmap6-ack kept ack_or_window_scan $N -6 -sA -p60-100 $T6
  capture nmap6-window kept ack_or_window_scan $N -6 -sW -p60-100 $T6
  capture nmap6-maimon kept maimon_scan $N -6 -sM -p60-100 $T6
  capture nmap6-synack kept synack_scan $N -6 -sS --scanflags SYNACK -p60-100 $T6
  capture hping-fin-many look fin_scan hping3 -F --scan 1-60 $T
  capture hping-clock look syn_scan hping3 -q -S --tcp-timestamp -i u20000 -c 60 -p ++50 $T
  capture hping-clock-many look syn_scan hping3 -8 1-100 -S --tcp-timestamp $T
  capture hping-text kept syn_scan hping3 -q -S -d 40 -i u20000 -c 60 -p ++50 $T
  capture hping-pieces kept syn_scan hping3 -q -S -f -i u20000 -c 60 -p ++50 $T
  capture hping-hosts kept syn_scan hping3 -q -S -p 80 -i u10000 -c 150 --rand-dest 10.77.1.x -I eth0
}

others_connecting()
{
  with pnscan capture pnscan look connect_scan pnscan -n 20 $T 1:200
  with pnscan capture pnscan-net kept connect_scan pnscan -t 1000 -n 20 $NET.0/26 81:81
  capture nc look connect_scan nc -n -z -w 1 $T 1-200
  capture nc-random kept connect_scan nc -n -r -z -w 1 $T 1-120
  capture nc6 kept connect_scan nc -n -z -w 1 $T6 1-100
  capture shell look connect_scan bash -c "for p in {70..110}; do (exec 3<>/dev/tcp/$T/\$p) 2>/dev/null; done"
  capture shell-net kept connect_scan bash -c "for h in {0..60}; do (exec 3<>/dev/tcp/$NET.\$h/81) 2>/dev/null; done"
  capture together look connect_scan python3 "$here/connect.py" $T 1-300 100 1
  capture together-filtered kept connect_scan python3 "$here/connect.py" $T 895-935 1 0.3
  capture together6 kept connect_scan python3 "$here/connect.py" $T6 1-200 50 1
  capture together-net kept connect_scan python3 "$here/connect.py" "$(echo $NET.{1..100} | tr ' ' ,)" 81-81 100 1
  capture curls kept connect_scan bash -c "for p in {75..100}; do curl -s -m 1 -o /dev/null http://$T:\$p/; done"
  capture nping-connect kept connect_scan nping -q --tcp-connect --rate 50 -c 1 -p 1-100 $T
}

others_probing()
{
  capture nping-syn look syn_scan nping -q --tcp --rate 50 -c 1 -p 1-60 $T
  capture nping-ack kept ack_or_window_scan nping -q --tcp --flags ack --rate 50 -c 1 -p 70-110 $T
  capture nping-null kept null_scan nping -q --tcp --flags none --rate 50 -c 1 -p 70-110 $T
  capture nping-all kept bogus_flags nping -q --tcp --flags all --rate 50 -c 1 -p 70-90 $T
  capture nping-net kept syn_scan nping -q --tcp --rate 100 -c 1 -p 22 $NET.0/26
  capture nping6 kept syn_scan nping -6 -q --tcp --rate 50 -c 1 -p 1-60 $T6
  with "$scapy" capture scapy-syn look syn_scan "$scapy" "$here/probe.py" S $T 60-100
  with "$scapy" capture scapy-kernel look syn_scan "$scapy" "$here/probe.py" S $T 60-100 kernel
  with "$scapy" capture scapy-kernel-more look syn_scan "$scapy" "$here/probe.py" S $T 26-120 kernel
  with "$scapy" capture scapy-synack look synack_scan "$scapy" "$here/probe.py" SA $T 60-100
  with "$scapy" capture scapy-ack kept ack_or_window_scan "$scapy" "$here/probe.py" A $T 60-100
  with "$scapy" capture scapy-xmas kept xmas_scan "$scapy" "$here/probe.py" FPU $T 60-100
  with "$scapy" capture scapy-rst kept '' "$scapy" "$here/probe.py" R $T 60-100
  with scanssh capture scanssh look syn_scan timeout 20 scanssh -n 22,80,81 $NET.0/28
  with atk6-alive6 capture alive6 look syn_scan timeout 20 atk6-alive6 -s 22,80,81 eth0 ${NET6}0-ff
  with packit capture packit kept syn_scan \
    bash -c "for p in {60..71}; do packit -t tcp -s 10.77.0.2 -d $T -D \$p -F S -c 1 -h; done"
}

# nmap in no hurry.
others_slow()
{
  local N='nmap -n -Pn'
  capture delayed look syn_scan $N -sS --scan-delay 700ms -p1-20 $T
  capture delayed-connect kept connect_scan $N -sT --scan-delay 700ms -p1-20 $T
  capture syn-polite kept syn_scan $N -sS -T2 -p1-25 $T
  capture connect-polite kept connect_scan $N -sT -T2 -p1-25 $T
}

# Of the second world, where nothing needs the processor for long.
others_apart()
{
  second=2
  interfaces=(-i vt2)
  others_forged
  others_connecting
  others_probing
  others_nmap
  others_slow
  limit=100
  capture held look conn_exhaustion python3 "$here/hold.py" $T 5000 150 36
  capture held-longer kept conn_exhaustion python3 "$here/hold.py" $T 5000 130 40
  with slowhttptest capture slow-read look zero_window_hold \
    slowhttptest -c 40 -X -r 20 -w 10 -y 20 -n 5 -z 32 -p 3 -l 75 -u http://$T:8090/
  with slowhttptest capture slow-read-more look zero_window_hold slowhttptest -c 25 -X -r 50 -l 70 -u http://$T:8090/
  capture unread look zero_window_hold python3 "$here/hold.py" $T 8090 15 66 unread
  with slowhttptest capture slow-read-few kept zero_window_hold \
    slowhttptest -c 15 -X -r 5 -w 100 -y 300 -n 20 -z 16 -p 3 -l 72 -u http://$T:8090/
  with slowhttptest capture slow-headers look '' slowhttptest -c 100 -H -i 10 -r 50 -l 40 -p 3 -u http://$T/
}
