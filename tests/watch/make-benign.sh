#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make-benign.sh - what real programs do beside live, dead, silent and restarted peers, captured in namespaces.
#   make-benign.sh DIRECTORY [PATTERN]
# writes NAME.pcapng and adds to labels.tsv, as make-captures.sh does: name, part (look|kept), no kinds, programs.
# PATTERN: makes some of them anew. Needs root, dumpcap, nftables, nginx, curl, python3; a scene whose other programs
# are missing is skipped, loudly. About five minutes: six scenes at a time, each in namespaces that end with it.
# A rule was changed because of those of `look`. `late`: the tap is opened so many seconds after the programs began.
set -u
out=$(mkdir -p "${1:?a directory}" && cd "$1" && pwd)
pattern=${2:-*}
one_way="tcp and src host 10.77.0.2"

# name, part, late, filter (- all, > the client's side, < the servers'), programs
table='
haproxy               kept  0  -  haproxy nginx curl
haproxy-dead          kept  0  -  haproxy
nginx-proxy           kept  0  -  nginx wrk curl
nginx-proxy-one-way   look  0  >  nginx wrk
varnish               kept  0  -  varnishd nginx curl
blackbox              kept  0  -  prometheus-blackbox-exporter nginx curl
monit                 kept  0  -  monit nginx
curl-dead             kept  0  -  curl
curl-ports            kept  0  -  curl nginx
curl-unreachable      kept  0  -  curl
kubelet               kept  0  -  curl socat
postfix               kept  0  -  postfix smtp-sink
postfix-once          look  0  -  postfix smtp-sink
aria2                 kept  0  -  aria2c nginx
transmission-late     look  24 -  transmission-daemon transmission-remote aria2c nginx
squid                 kept  0  -  squid nginx curl
squid-dead            look  0  -  squid nginx curl
chromium              kept  0  -  chromium nginx
happy-eyeballs        kept  0  -  curl nginx
scp                   kept  0  -  sshd scp ssh
ftp                   kept  0  -  vsftpd curl
ftp-active-refused    look  0  -  vsftpd curl
openvpn               kept  0  -  openvpn
mqtt                  kept  0  -  mosquitto mosquitto_sub
nat                   kept  0  -  curl nginx
aborts                kept  0  -  curl nginx
keepalive             kept  0  -  socat
load                  kept  0  -  ab wrk siege nginx
reboot                kept  0  -  socat hey nginx
loss                  kept  0  -  hey curl nginx
conntrack             kept  0  -  socat curl nginx
mptcp                 kept  0  -  mptcpize curl nginx
port-reuse            kept  0  -  curl nginx
port-wait             kept  0  -  nc nginx
port-wait-late        look  6  -  nc
git                   kept  0  -  git rsync
service-down-one-way  look  0  <  curl
'

# ---------------------------------------------------------------------------------------------
# Outside: which scenes, how many at a time, and the labels.

scene_field() { awk -v n="$1" -v f="$2" '$1 == n { if (f < 5) print $f; else { $1 = $2 = $3 = $4 = ""; sub(/^ +/, ""); print } }' <<<"$table"; }

make_all()
{
  local tool name missing made="" bad=0
  for tool in ip nft unshare dumpcap nginx curl python3; do
    command -v $tool >/dev/null || { echo "SKIPPED: $tool is not installed"; exit 77; }
  done
  while read -r name _; do
    [ -n "$name" ] || continue
    # shellcheck disable=SC2254 # the pattern is meant as one
    case $name in $pattern) ;; *) continue ;; esac
    missing=""
    for tool in $(scene_field "$name" 5); do command -v "$tool" >/dev/null || missing="$missing $tool"; done
    if [ -n "$missing" ]; then
      echo "SKIPPED: $name:$missing not installed"
      continue
    fi
    while [ "$(jobs -rp | wc -l)" -ge 6 ]; do wait -n; done
    rm -f "$out/$name.pcapng"
    ESTAB_BENIGN_SCENE=$name timeout -k 5 150 unshare -n -m -p -f --mount-proc --kill-child bash "$0" "$out" </dev/null &
    made="$made $name"
  done <<<"$table"
  wait
  touch "$out/labels.tsv"
  for name in $made; do
    sed -i "/^$name\t/d" "$out/labels.tsv"
    if [ -s "$out/$name.pcapng" ]; then
      printf '%s\t%s\t\t%s\n' "$name" "$(scene_field "$name" 2)" "$(scene_field "$name" 5)" >>"$out/labels.tsv"
    else
      echo "FAILED: $name has no capture"
      bad=1
    fi
  done
  exit $bad
}
[ -n "${ESTAB_BENIGN_SCENE:-}" ] || make_all

# ---------------------------------------------------------------------------------------------
# Inside: a client c and, behind t, every address there is. The last octet says what a host does: below 100 it
# answers, 100-149 it refuses, 150-199 it is silent, 200-219 there is no way there, 220-229 it is forbidden.

scene=$ESTAB_BENIGN_SCENE
T=10.77.0.1
c() { ip netns exec c "$@"; }
t() { ip netns exec t "$@"; }

server()
{
  t ip addr add $T/24 dev eth0
  t ip -6 addr add 2001:db8:77::1/64 dev eth0 nodad
  t ip route add local default dev lo table main
  t ip -6 route add local default dev lo table main
  t sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=10000 net.ipv6.icmp.ratelimit=0 net.ipv4.conf.all.rp_filter=0
  t nft -f - <<'NFT'
table inet f {
  chain i {
    type filter hook input priority 0;
    meta l4proto != tcp accept
    tcp flags & (syn|ack) != syn accept
    ip daddr & 0.0.0.255 >= 0.0.0.220 ip daddr & 0.0.0.255 < 0.0.0.230 reject with icmpx type admin-prohibited
    ip daddr & 0.0.0.255 >= 0.0.0.200 ip daddr & 0.0.0.255 < 0.0.0.220 reject with icmpx type host-unreachable
    ip daddr & 0.0.0.255 >= 0.0.0.150 ip daddr & 0.0.0.255 < 0.0.0.200 drop
    ip daddr & 0.0.0.255 >= 0.0.0.100 ip daddr & 0.0.0.255 < 0.0.0.150 reject with tcp reset
    ip6 daddr 2001:db8:99::/48 drop
    ip6 daddr 2001:db8:98::/48 reject with tcp reset
  }
}
NFT
}

world()
{
  ip link add name sw0 type bridge && ip link set sw0 up
  for n in c t; do
    ip netns add $n
    ip link add name v$n type veth peer name eth0 netns $n
    ip link set v$n master sw0 up
    ip netns exec $n ip link set lo up
    ip netns exec $n sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
  done
  t ip link set eth0 address 02:00:00:00:00:01
  for n in c t; do ip netns exec $n ip link set eth0 up; done
  c ip addr add 10.77.0.2/24 dev eth0
  c ip -6 addr add 2001:db8:77::2/64 dev eth0 nodad
  c ip route add default via $T
  c ip -6 route add default via 2001:db8:77::1
  server
}

# nginx on these ports of the servers; /big is 30 MB
web()
{
  local port listen=""
  mkdir -p "$W/www"
  [ -f "$W/www/big" ] || head -c 30000000 /dev/urandom >"$W/www/big"
  [ -f "$W/www/index.html" ] || echo hello >"$W/www/index.html"
  for port in "${@:-80}"; do listen="$listen listen $port; listen [::]:$port;"; done
  cat >"$W/nginx.conf" <<END
user root; worker_processes 1; pid $W/nginx.pid; error_log $W/nginx.err; daemon on;
events { worker_connections 4000; }
http {
  access_log off; keepalive_timeout 10; types { text/html html; } client_body_temp_path $W/b; proxy_temp_path $W/p;
  fastcgi_temp_path $W/f; uwsgi_temp_path $W/u; scgi_temp_path $W/s;
  server { $listen root $W/www; }
}
END
  # shellcheck disable=SC2086 # words
  t ${web_under:-} nginx -c "$W/nginx.conf"
  sleep 0.5
}

get() { c curl -s -o /dev/null "$@"; }
for_s() # SECONDS COMMAND: again and again
{
  local end=$((SECONDS + $1))
  shift
  while [ $SECONDS -lt $end ]; do "$@"; done
}
clients() { for i in $(seq "$1" "$2"); do c ip addr add "10.77.0.$i/24" dev eth0; done; }
drop_port() { t nft insert rule inet f i tcp dport "$1" drop; }
undrop_port() { t nft delete rule inet f i handle "$(t nft -a list chain inet f i | awk -v p="$1" '$0 ~ p && /drop/ { print $NF }')"; }

# addresses COUNT LIVE: http://A.B.C.D/ all over the net, LIVE of 100 answer, the rest fails in one of three ways
addresses()
{
  python3 - "$@" <<'END'
import random
import sys
r = random.Random(3)
for _ in range(int(sys.argv[1])):
    last = r.choice([range(2, 99)] * int(sys.argv[2]) + [range(100, 150), range(150, 200), range(200, 219)] * ((100 - int(sys.argv[2])) // 3))
    print(f"http://{r.randrange(20, 90)}.{r.randrange(256)}.{r.randrange(256)}.{r.choice(last)}/")
END
}

# ---------------------------------------------------------------------------------------------
# The scenes. 10.80.0.N are hosts of a net of one's own.

balancer() # MODE CHECK SECONDS HOST:PORT...
{
  local mode=$1 check=$2 seconds=$3 n=0
  shift 3
  {
    printf 'defaults\n mode %s\n timeout connect 2s\n timeout client 30s\n timeout server 30s\n timeout check 1s\n' "$mode"
    printf 'listen l\n bind 127.0.0.1:8888\n option redispatch\n%s\n' "$check"
    for host in "$@"; do echo " server s$((n += 1)) $host check inter 2s"; done
  } >"$W/haproxy.cfg"
  c timeout "$seconds" haproxy -f "$W/haproxy.cfg" &
}
scene_haproxy()
{
  web 8080
  balancer http ' option httpchk GET /' 40 10.80.0.{1..6}:8080 10.80.0.{101..106}:8080 10.80.0.{151..156}:8080 10.80.0.20{1,2}:8080
  sleep 2
  for_s 35 c sh -c 'curl -s -o /dev/null http://127.0.0.1:8888/; sleep .2'
}
scene_haproxy-dead()
{
  balancer tcp '' 40 10.80.0.{101..112}:8080 10.80.0.{151..162}:8080 10.80.0.120:80{01..14}
  wait $!
}
nginx_proxy() # SECONDS THREADS HOST:PORT...
{
  local seconds=$1 threads=$2 host servers=""
  shift 2
  for host in "$@"; do servers="$servers server $host;"; done
  cat >"$W/proxy.conf" <<END
user root; worker_processes 1; pid $W/proxy.pid; error_log $W/proxy.err crit; daemon on;
events { worker_connections 2000; }
http {
  access_log off; proxy_connect_timeout 2s; client_body_temp_path $W/b2; proxy_temp_path $W/p2;
  fastcgi_temp_path $W/f2; uwsgi_temp_path $W/u2; scgi_temp_path $W/s2;
  upstream u { $servers }
  server { listen 127.0.0.1:8888; location / { proxy_pass http://u; } }
}
END
  c nginx -c "$W/proxy.conf"
  c wrk -t1 -c"$threads" -d"$seconds" http://127.0.0.1:8888/
}
scene_nginx-proxy()
{
  web 8080
  nginx_proxy 12 1 10.80.0.{1..12}:8080 10.80.0.{101,102,103,151}:8080
}
scene_nginx-proxy-one-way() # so busy that its ports come back after some seconds
{
  web 8080
  c sysctl -qw net.ipv4.ip_local_port_range="40000 43999"
  nginx_proxy 9 8 10.80.0.1:8080
}
scene_varnish()
{
  local i hosts="1 2 3 101 102 103 151 152 201"
  web 8080
  {
    echo 'vcl 4.1; import directors;'
    for i in $hosts; do
      echo "backend b$i { .host = \"10.80.0.$i\"; .port = \"8080\"; .connect_timeout = 1s; .probe = { .url = \"/\"; .interval = 2s; .timeout = 1s; } }"
    done
    echo 'sub vcl_init { new d = directors.round_robin();'
    for i in $hosts; do echo "d.add_backend(b$i);"; done
    echo '} sub vcl_recv { set req.backend_hint = d.backend(); return (pass); }'
  } >"$W/v.vcl"
  c varnishd -F -n "$W/varnish" -a 127.0.0.1:6081 -f "$W/v.vcl" &
  sleep 3
  for_s 25 c sh -c 'curl -s -m 3 -o /dev/null http://127.0.0.1:6081/; sleep .2'
}
scene_blackbox()
{
  local i round
  web 9100
  printf 'modules:\n  tcp:\n    prober: tcp\n    timeout: 5s\n  http:\n    prober: http\n    timeout: 5s\n' >"$W/blackbox.yml"
  c prometheus-blackbox-exporter --config.file="$W/blackbox.yml" --web.listen-address=127.0.0.1:9115 &
  sleep 1
  for round in 1 2 3; do
    for i in 1 2 {101..105} {151..160} 201 202; do
      get "http://127.0.0.1:9115/probe?module=$([ $((i % 2)) = 0 ] && echo tcp || echo http)&target=10.80.0.$i:9100" &
      sleep 0.3
    done
    sleep 9
  done
}
scene_monit()
{
  local i
  web 80
  {
    printf 'set daemon 6\nset pidfile %s/monit.pid\nset statefile %s/monit.state\nset idfile %s/monit.id\n' "$W" "$W" "$W"
    for i in 1 2 3 {101..112} 151 152; do
      printf 'check host h%s with address 10.80.0.%s\n if failed port 80 protocol http with timeout 3 seconds then alert\n' "$i" "$i"
    done
  } >"$W/monitrc"
  chmod 700 "$W/monitrc"
  c timeout 40 monit -I -c "$W/monitrc"
}
rounds() # NUMBER SECONDS URL...: all of them in turn, that long between the rounds
{
  local round url number=$1 seconds=$2
  shift 2
  for ((round = 0; round < number; round++)); do
    for url in "$@"; do
      get -m 5 "$url"
      sleep 0.1
    done
    sleep "$seconds"
  done
}
scene_curl-dead() { rounds 4 11 http://10.80.0.{101..114}:9100/metrics; }
scene_curl-ports()
{
  web 9100
  rounds 4 11 http://10.80.0.1:{9100..9114}/metrics
}
scene_curl-unreachable() { rounds 3 11 http://10.80.0.{201..214}:9100/ http://10.80.0.{220..229}:9100/; }
pod() # ADDRESS AFTER SECONDS
{
  sleep "$2"
  t timeout "$3" socat "TCP-LISTEN:8080,bind=$1,fork,reuseaddr,ip-transparent" SYSTEM:"read x; echo HTTP/1.0 200 OK; echo; echo ok"
}
scene_kubelet() # probes of pods that come and go
{
  local i
  for i in {1..24}; do pod "10.90.$i.2" $((i % 6 * 4)) $((12 + i % 5 * 4)) & done
  rounds 5 6 http://10.90.{1..24}.2:8080/healthz
}
mail() # RETRY-SECONDS SECONDS N...: a message for each host N, in nets all over
{
  local retry=$1 seconds=$2 i
  shift 2
  t smtp-sink -u nobody 0.0.0.0:25 100 &
  cp -r /etc/postfix "$W/postfix"
  mkdir -p "$W/spool" "$W/data"
  chown postfix "$W/data"
  cat >"$W/postfix/main.cf" <<END
compatibility_level = 3.6
queue_directory = $W/spool
data_directory = $W/data
myhostname = out.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtp_host_lookup = native
maillog_file = $W/mail.log
maillog_file_prefixes = $W
queue_run_delay = ${retry}s
minimal_backoff_time = ${retry}s
maximal_backoff_time = ${retry}s
transport_maps = texthash:$W/postfix/transport
smtp_tls_security_level = none
alternate_config_directories = $W/postfix
END
  for i in "$@"; do echo "d$i.example smtp:[$((i + 20)).$((i * 3 % 256)).113.$i]:25"; done >"$W/postfix/transport"
  sed -i '/^smtp *inet/d' "$W/postfix/master.cf"
  c postfix -c "$W/postfix" start
  sleep 2
  for i in "$@"; do echo hello | c sendmail -C "$W/postfix" -f "me@out.example" "u@d$i.example"; done
  sleep "$seconds"
  c postfix -c "$W/postfix" stop
}
scene_postfix() { mail 15 50 1 2 3 {101..112} {151..156} 201 202 203; }
scene_postfix-once() { mail 300 8 1 2 3 {101..112}; }
swarm() # PORTS...: 90 peers, one in eight lives, at these ports; others at any, unless there is one port for all
{
  web 80
  python3 - "$W" "$@" <<'END'
import hashlib
import random
import struct
import sys

w, ports = sys.argv[1], [int(p) for p in sys.argv[2:]]
data = open(w + "/www/big", "rb").read(8 << 20)
open(w + "/x.bin", "wb").write(data)


def code(x):
    if isinstance(x, int):
        return b"i%de" % x
    if isinstance(x, bytes):
        return b"%d:%s" % (len(x), x)
    if isinstance(x, str):
        return code(x.encode())
    return b"d" + b"".join(code(k) + code(x[k]) for k in sorted(x)) + b"e"


pieces = b"".join(hashlib.sha1(data[i : i + (1 << 18)]).digest() for i in range(0, len(data), 1 << 18))
info = {"length": len(data), "name": "x.bin", "piece length": 1 << 18, "pieces": pieces}
open(w + "/x.torrent", "wb").write(code({"announce": "http://10.80.0.1/announce", "info": info}))
r, peers = random.Random(5), b""
for i in range(90):
    kind = r.choice([range(2, 99)] * 12 + [range(100, 150)] * 38 + [range(150, 200)] * 35 + [range(200, 220)] * 15)
    known = kind[0] == 2 or len(ports) == 1 or r.random() < 0.2
    address = bytes([r.randrange(20, 100), r.randrange(256), r.randrange(256), r.choice(kind)])
    peers += address + struct.pack(">H", ports[i % len(ports)] if known else r.randrange(1025, 65000))
open(w + "/www/announce", "wb").write(code({"interval": 60, "peers": peers}))
END
  mkdir -p "$W/seed" "$W/get" "$W/settings"
  cp "$W/x.bin" "$W/seed/"
  local port
  for port in "$@"; do
    t aria2c -q --seed-ratio=0.0 -V -d "$W/seed" --listen-port="$port" --enable-dht=false --max-overall-upload-limit=40K "$W/x.torrent" &
  done
  sleep 3
}
scene_aria2()
{
  swarm 6881 51413 40001
  c timeout 50 aria2c -q --seed-time=1 -d "$W/get" --enable-dht=false --listen-port=7000 --max-overall-download-limit=100K "$W/x.torrent"
}
scene_transmission-late() # one port for all, and the tap finds attempts that wait since half a minute
{
  swarm 51413
  echo '{"utp-enabled":false,"dht-enabled":false,"lpd-enabled":false,"port-forwarding-enabled":false,"peer-port":51413,"rpc-port":9091}' \
    >"$W/settings/settings.json"
  c transmission-daemon -f -g "$W/settings" -w "$W/get" &
  sleep 2
  c transmission-remote 9091 -a "$W/x.torrent"
  sleep 50
}
proxy()
{
  web 80
  mkdir -p "$W/squid"
  chown proxy "$W/squid"
  printf 'http_port 127.0.0.1:3128\nhttp_access allow all\ncache deny all\npid_filename %s/pid\ncache_log %s/log\naccess_log none\ncache_mem 8 MB\nconnect_timeout 8 seconds\n' \
    "$W/squid" "$W/squid" >"$W/squid.conf"
  c squid -f "$W/squid.conf" -N -d0 &
  sleep 2
}
scene_squid()
{
  proxy
  addresses 400 88 | c timeout 60 xargs -P 15 -n 1 curl -s -m 20 -o /dev/null -x http://127.0.0.1:3128
}
scene_squid-dead() # three pages whose advertisers refuse
{
  local i
  proxy
  for i in 1 2 3 {101..125}; do get -m 8 -x http://127.0.0.1:3128 "http://$((i + 30)).$i.9.$i/"; done
}
names() # NUMBER: dualN.example, of which IPv6 is refused or leads nowhere
{
  local i
  cp /etc/hosts "$W/hosts"
  for ((i = 1; i <= $1; i++)); do
    echo "60.$((i * 7)).5.$i dual$i.example" >>"$W/hosts"
    echo "2001:db8:$([ $((i % 2)) = 0 ] && echo 98 || echo 99)::$i dual$i.example" >>"$W/hosts"
  done
  mount --bind "$W/hosts" /etc/hosts
}
scene_chromium()
{
  local i round page="<html><body>"
  names 12
  for i in {1..12}; do page="$page<img src=http://dual$i.example/$i.png><link rel=preconnect href=http://dual$i.example:80>"; done
  for i in {101..124} {151..156}; do
    echo "61.$i.5.$i ads$i.example" >>"$W/hosts"
    page="$page<img src=http://ads$i.example/x.png>"
  done
  mkdir -p "$W/www" "$W/user"
  echo "$page</body></html>" >"$W/www/index.html"
  web 80
  for round in 1 2; do
    HOME=$W/user c timeout 30 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$W/user/p$round" \
      --virtual-time-budget=15000 --dump-dom http://dual1.example/
  done
}
scene_happy-eyeballs()
{
  local i
  web 80
  names 16
  for i in {1..16} {1..16}; do get -m 5 "http://dual$i.example/"; done
}
scene_scp()
{
  local i
  mkdir -p "$W/ssh" /run/sshd
  ssh-keygen -q -t ed25519 -N '' -f "$W/ssh/host"
  ssh-keygen -q -t ed25519 -N '' -f "$W/ssh/id"
  cp "$W/ssh/id.pub" "$W/ssh/auth"
  chmod 600 "$W/ssh/auth"
  head -c 300000 /dev/urandom >"$W/file"
  t /usr/sbin/sshd -o HostKey="$W/ssh/host" -o AuthorizedKeysFile="$W/ssh/auth" -o StrictModes=no -o PidFile="$W/sshd.pid" -o UsePAM=no
  local options=(-q -i "$W/ssh/id" -o ConnectTimeout=2 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null)
  for i in {1..12}; do
    c scp "${options[@]}" "$W/file" "root@10.80.0.$i:$W/got$i"
    c ssh "${options[@]}" "root@10.80.0.$((i % 3 + 101))" true
  done
}
files_server()
{
  mkdir -p "$W/ftp" /run/vsftpd/empty
  echo hi >"$W/ftp/f"
  chmod 555 "$W/ftp"
  printf '%s\n' listen=YES background=NO anonymous_enable=YES "anon_root=$W/ftp" no_anon_password=YES pasv_min_port=40000 \
    pasv_max_port=40200 connect_from_port_20=YES secure_chroot_dir=/run/vsftpd/empty seccomp_sandbox=NO connect_timeout=8 >"$W/vsftpd.conf"
  t vsftpd "$W/vsftpd.conf" &
  sleep 1
}
scene_ftp() # passive and active; a quarter of the passive ports is refused
{
  local i
  files_server
  t nft insert rule inet f i tcp dport 40000-40050 reject with tcp reset
  for i in {1..40}; do
    get -m 4 ftp://$T/f
    get -m 4 -P - ftp://$T/f
  done
}
scene_ftp-active-refused()
{
  local i
  files_server
  c nft add table inet g
  c nft 'add chain inet g i { type filter hook input priority 0; }'
  c nft add rule inet g i tcp sport 20 tcp flags syn reject with tcp reset
  for i in {1..30}; do get -m 3 -P - ftp://$T/f; done
}
scene_openvpn() # fifty clients lose their server: silent, then refusing, then back
{
  local i server client pid
  cd "$W" || return
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out c.pem -days 3 -subj /CN=vpn
  clients 10 59
  server=(openvpn --mode server --tls-server --proto tcp-server --port 1194 --dev tun --topology subnet --ifconfig 10.9.0.1 255.255.255.0
    --ifconfig-pool 10.9.0.10 10.9.0.240 --ca c.pem --cert c.pem --key k.pem --dh none --duplicate-cn --keepalive 2 8 --verb 0)
  client=(openvpn --client --proto tcp-client --remote "$T" 1194 --lport 0 --dev null --ca c.pem --cert c.pem --key k.pem
    --connect-retry 1 2 --connect-timeout 4 --keepalive 2 8 --verb 0 --ifconfig-noexec)
  ip netns exec t "${server[@]}" &
  pid=$!
  sleep 2
  for i in {10..59}; do c timeout 70 "${client[@]}" --local "10.77.0.$i" & done
  sleep 12
  drop_port 1194
  sleep 13
  kill -9 $pid
  undrop_port 1194
  sleep 7
  t "${server[@]}" &
  sleep 15
}
scene_mqtt() # ninety, likewise
{
  local i server
  printf 'listener 1883 0.0.0.0\nallow_anonymous true\n' >"$W/m.conf"
  clients 10 99
  ip netns exec t mosquitto -c "$W/m.conf" &
  server=$!
  sleep 1
  for i in {10..99}; do c timeout 60 mosquitto_sub -h $T -A "10.77.0.$i" -t "a/$i" -k 5 & done
  sleep 8
  drop_port 1883
  sleep 13
  kill -9 $server
  undrop_port 1883
  sleep 9
  t mosquitto -c "$W/m.conf" &
  sleep 12
}
scene_nat() # fifty clients behind one address
{
  web 80
  ip netns add d
  ip link add name eth1 netns c type veth peer name eth0 netns d
  c ip addr add 192.168.5.1/24 dev eth1
  c ip link set eth1 up
  c sysctl -qw net.ipv4.ip_forward=1
  c nft add table ip n
  c nft 'add chain ip n p { type nat hook postrouting priority 100; }'
  c nft add rule ip n p oifname eth0 masquerade fully-random
  ip netns exec d ip link set lo up
  ip netns exec d ip link set eth0 up
  for i in {10..60}; do ip netns exec d ip addr add "192.168.5.$i/24" dev eth0; done
  ip netns exec d ip route add default via 192.168.5.1
  addresses 800 94 | awk '{ print "--interface 192.168.5." 10 + NR % 50, $1 }' |
    ip netns exec d timeout 60 xargs -P 20 -L 1 curl -s -m 6 -o /dev/null
}
scene_aborts()
{
  local i
  web 80
  for i in {1..40}; do
    get -m 0.15 "http://10.80.0.$i/big" &
    get --limit-rate 50K -m 1 "http://10.80.1.$i/big" &
    sleep 0.1
  done
  sleep 2
}
scene_keepalive() # a hundred idle connections, some of whose peers leave without a word
{
  local i
  t socat TCP-LISTEN:5000,fork,reuseaddr,backlog=200 EXEC:'sleep 100' &
  sleep 0.5
  for i in {1..100}; do c socat -u "TCP:10.80.$((i % 15)).$((i % 7 + 1)):5000,keepalive,keepidle=3,keepintvl=2,keepcnt=4" - & done
  sleep 18
  t nft insert rule inet f i ip daddr 10.80.1.0/24 drop
  t nft insert rule inet f i ip daddr 10.80.2.0/24 reject with tcp reset
  sleep 14
}
scene_load() # a server that is restarted, and killed, under load
{
  web 80
  c ab -q -n 1500 -c 50 http://10.80.0.1/ &
  c wrk -t1 -c40 -d7 http://10.80.0.2/ &
  c siege -q -c 20 -t 7S http://10.80.0.3/ &
  sleep 2
  t nginx -c "$W/nginx.conf" -s stop
  sleep 1.5
  t nginx -c "$W/nginx.conf"
  sleep 1
  kill -9 "$(cat "$W/nginx.pid")" $(pgrep -P "$(cat "$W/nginx.pid")")
  sleep 1
  t nginx -c "$W/nginx.conf"
  sleep 2
}
scene_reboot() # of the host, while its clients keep sending
{
  local i
  web 80
  t socat TCP-LISTEN:5000,fork,reuseaddr,backlog=200 PIPE &
  for i in {1..60}; do c sh -c "while sleep .3; do echo tick; done | timeout 40 socat - TCP:10.80.0.$i:5000,connect-timeout=3" & done
  c timeout 40 hey -c 10 -q 5 -z 30s http://10.80.0.9/ &
  sleep 8
  for i in $(ip netns pids t); do kill -9 "$i"; done
  ip netns del t
  ip link del vt
  sleep 5
  ip netns add t
  ip link add name vt type veth peer name eth0 netns t
  t ip link set lo up
  t ip link set eth0 address 02:00:00:00:00:01
  ip link set vt master sw0 up
  t ip link set eth0 up
  server
  sleep 3
  t nginx -c "$W/nginx.conf"
  sleep 16
}
scene_loss() # a twentieth each way
{
  local n i
  web 80
  for n in c t; do
    ip netns exec $n nft add table inet l
    ip netns exec $n nft 'add chain inet l i { type filter hook prerouting priority -300; }'
    ip netns exec $n nft 'add rule inet l i numgen random mod 100 < 5 drop'
  done
  for i in {1..20}; do get -m 10 "http://10.80.0.$i/big" & done
  c hey -c 20 -z 12s -disable-keepalive http://10.80.1.1/
  sleep 2
}
scene_conntrack() # a firewall that forgets, and refuses what comes late
{
  local i
  web 80
  t nft add table inet k
  t nft 'add chain inet k i { type filter hook input priority -10; }'
  t nft add rule inet k i ct state invalid reject with tcp reset
  t nft 'add rule inet k i ct state new tcp flags & (syn|ack) != syn reject with tcp reset'
  t sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_established=4 net.netfilter.nf_conntrack_tcp_loose=0 net.netfilter.nf_conntrack_tcp_timeout_fin_wait=2
  t socat TCP-LISTEN:5000,fork,reuseaddr,backlog=200 PIPE &
  sleep 0.5
  for i in {1..40}; do c sh -c "(echo a; sleep 8; echo b; sleep 3) | timeout 20 socat - TCP:10.80.0.$i:5000" & done
  for i in {1..20}; do get --limit-rate 2M -m 8 "http://10.80.1.$i/big" & done
  sleep 20
}
scene_mptcp() # subflows to addresses of which some are dead
{
  local i
  for i in 3 4; do
    c ip addr add 10.77.0.$i/24 dev eth0
    c ip mptcp endpoint add 10.77.0.$i dev eth0 subflow
  done
  c ip mptcp limits set subflow 8 add_addr_accepted 8
  t ip mptcp limits set subflow 8 add_addr_accepted 8
  for i in 5 6 105 106 107 155 156 205; do
    t ip addr add 10.81.0.$i/32 dev lo
    t ip mptcp endpoint add 10.81.0.$i dev lo signal
  done
  web_under='mptcpize run' web 80
  for i in {1..12}; do c mptcpize run curl -s --limit-rate 3M -m 2 -o /dev/null "http://10.80.0.$i/big"; done
}
scene_port-reuse()
{
  local i
  web 80
  c sysctl -qw net.ipv4.tcp_tw_reuse=1 net.ipv4.ip_local_port_range="40000 40012"
  for i in {1..120}; do get -m 2 "http://10.80.0.$((i % 2 + 1))/"; done
  for i in {1..40}; do get -m 2 http://10.80.0.101/; done
}
wait_for_ports() { for i in {8101..8120}; do c timeout "$1" sh -c "until nc -z -w1 10.80.0.1 $i; do sleep 1; done" & done; }
scene_port-wait() # as containers wait for each other: twenty services, up after six seconds
{
  wait_for_ports 60
  sleep 6
  web {8101..8120}
  sleep 3
}
scene_port-wait-late() # they do not come up, and the tap sees the last rounds
{
  wait_for_ports 12
  sleep 13
}
scene_git()
{
  local i
  git init -q "$W/r"
  head -c 100000 /dev/urandom >"$W/r/a"
  git -C "$W/r" add a
  git -C "$W/r" -c user.name=a -c user.email=a@b commit -qm a
  printf '[m]\npath=%s/r\nuse chroot=no\n' "$W" >"$W/rsyncd.conf"
  t git daemon --export-all --base-path="$W" --reuseaddr &
  t rsync --daemon --no-detach --config="$W/rsyncd.conf" &
  sleep 1
  for i in {1..25}; do
    c timeout 5 git clone -q "git://10.80.0.$i/r" "$W/clone$i"
    c timeout 5 rsync -a "rsync://10.80.1.$i/m" "$W/copy$i"
    c timeout 3 git ls-remote "git://10.80.0.$((100 + i % 4))/r"
  done
}
again() { for i in {10..49}; do get -m 1 --interface "10.77.0.$i" http://10.80.0.101:8883/ & done; sleep 1; }
scene_service-down-one-way()
{
  clients 10 49
  for_s 15 again
}

# ---------------------------------------------------------------------------------------------

mount --make-rprivate /
mount -t tmpfs tmpfs /run
W=$(mktemp -d "${TMPDIR:-/tmp}/benign.XXXXXX")
chmod 755 "$W"
trap 'rm -rf "$W"' EXIT # processes end with the namespace
world
interface=vt filter='tcp or icmp or icmp6'
[ "$scene" != reboot ] || interface=vc
case $(scene_field "$scene" 4) in
  '>') filter=$one_way ;;
  '<') filter='tcp and not src net 10.77.0.0/24' ;;
esac
play() { "scene_$scene"; } >"$out/$scene.log" 2>&1 </dev/null
tap() { exec dumpcap -q -s 200 -i $interface -f "$filter" -w "$out/$scene.pcapng"; } 2>/dev/null
late=$(scene_field "$scene" 3)
if [ "$late" = 0 ]; then
  tap & tap=$!
  sleep 0.6
  play
else
  play & scene_pid=$!
  sleep "$late"
  tap & tap=$!
  wait $scene_pid
fi
sleep 1.2
kill -INT $tap
wait $tap
