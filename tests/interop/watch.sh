#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# watch.sh - estab watch -i: what a live run says, the packets that it kept say again; files that are turned lose no
# row; privileges go; losses are told.
# shellcheck source=tests/interop/lib.bash
source "$(dirname "$0")/lib.bash"
in_namespace "$@"
"$estab" watch --help >/dev/null 2>&1 || skip_all 'built without extras'

# Runs where everybody may read it, for nobody too.
cp "$estab" "$work/estab" && chmod 755 "$work/estab"
estab=$work/estab

# Another host at the other end of a cable.
unshare -n sleep 600 &
host=$!
there() { nsenter -t $host -n "$@"; }
wait_for eval '[ "$(readlink /proc/$host/ns/net)" != "$(readlink /proc/self/ns/net)" ]'
ip link add v0 type veth peer name v1 netns $host || skip_all 'no veth pair can be made here'
ip addr add 192.0.2.1/24 dev v0
ip addr add 2001:db8::1/64 dev v0 nodad
ip link set v0 up
there ip link set lo up
there ip addr add 192.0.2.2/24 dev v1
there ip addr add 2001:db8::2/64 dev v1 nodad
there ip link set v1 up

cat >"$work/traffic.py" <<'EOF'
"""serve: an HTTP-like service. get HOST N BYTES, scan HOST FROM TO, flood HOST N, tagged INTERFACE: a SYN in VLAN 7"""
import socket, struct, sys, threading
def serve():
    s = socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True, backlog=500)
    def one(c):
        try:
            while (n := int(c.recv(16) or b"0")):
                c.sendall(b"x" * n)
        except OSError:
            pass
        c.close()
    while True:
        threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()
what = sys.argv[1]
if what == "serve":
    serve()
elif what == "get":
    for _ in range(int(sys.argv[3])):
        c = socket.create_connection((sys.argv[2], 8080))
        want = int(sys.argv[4])
        c.sendall(b"%-16d" % want)
        while want:
            want -= len(c.recv(min(want, 65536)))
        c.close()
elif what == "scan":
    for port in range(int(sys.argv[3]), int(sys.argv[4])):
        try:
            socket.create_connection((sys.argv[2], port), 0.2).close()
        except OSError:
            pass
elif what == "flood":
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(int(sys.argv[3])):
        u.sendto(b"y" * 1000, (sys.argv[2], 9))
elif what == "tagged":
    def checksum(b):
        n = sum(struct.unpack(">%dH" % (len(b) // 2), b))
        n = (n >> 16) + (n & 0xffff)
        return ~((n >> 16) + n) & 0xffff
    ends = bytes([192, 0, 2, 2, 192, 0, 2, 200])
    tcp = struct.pack(">HHIIBBHHH", 7777, 80, 1, 0, 0x50, 2, 1000, 0, 0)
    tcp = tcp[:16] + struct.pack(">H", checksum(ends + struct.pack(">HH", 6, 20) + tcp)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 40, 9, 0, 64, 6, 0) + ends
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((sys.argv[2], 0))
    raw.send(b"\xff" * 6 + b"\2\0\0\0\0\7" + struct.pack(">HHH", 0x8100, 7, 0x800) + ip + tcp)
EOF
traffic() { python3 "$work/traffic.py" "$@"; }
start "$work/serve" nsenter -t $host -n python3 "$work/traffic.py" serve # not by way of there(): it is ended by its pid
wait_for there bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080' || exit 1
traffic get 192.0.2.2 1 10 && traffic get 2001:db8::2 1 10 ||
  skip_all 'the two namespaces do not reach each other'

# watching ARGUMENT... - runs in the background until `ended`; $watcher is its process.
watching()
{
  rm -f "$work/watch.err"
  start "$work/watch" "$estab" watch "$@"
  watcher=$started
  wait_for grep -q '^Listening on' "$work/watch.err" || { cat "$work/watch.err"; return 1; }
}
ended()
{
  local status
  stop "$watcher"
  status=$?
  [ $status -eq 0 ] || { echo "exit $status"; cat "$work/watch.err"; return 1; }
}
reading=() # how the files are to be read
# same LIVE FILE... - but for the counters, the JSON of the files is LIVE, byte by byte, and holds something.
same()
{
  local live=$1
  shift
  "$estab" watch "${reading[@]}" --json="$work/again.json" "$@" 2>/dev/null || { echo "reading again: $?"; return 1; }
  grep -v '"type":"stats"' "$live" >"$work/a"
  grep -v '"type":"stats"' "$work/again.json" >"$work/b"
  [ -s "$work/a" ] || { echo 'no row'; return 1; }
  diff "$work/a" "$work/b" | cut -c1-600 | head -6
  cmp "$work/a" "$work/b"
}
has() { grep -qE -- "$1" "$2" || { echo "no $1 in $2:"; cut -c1-300 "$2" | head -20; return 1; }; }
count() { grep -cE -- "$1" "$2"; }
fresh() { rm -rf "$work/o" && mkdir -m 777 "$work/o"; }

all_kinds()
{
  fresh
  watching "$@" --json="$work/o/live.json" -w "$work/o/kept.pcapng" || return 1
  traffic get 192.0.2.2 10 300000
  traffic get 2001:db8::2 5 70000
  there python3 "$work/traffic.py" tagged v1
  traffic scan 192.0.2.2 9000 9030
  traffic get 127.0.0.1 2 5 2>/dev/null
  ended || return 1
  same "$work/o/live.json" "$work/o/kept.pcapng"
}
one_interface()
{
  all_kinds -i v0 || return 1
  has '"id.orig_p":7777.*"vlan":\[?7' "$work/o/live.json" && has '"kind":"connect_scan".*"status":"ended"' "$work/o/live.json" &&
    has '"offloaded":[1-9]' "$work/o/live.json" && has '"bad_checksum":0,"fragment' "$work/o/live.json"
}
check 'one interface: rows and alerts again from the file; VLAN tags, offloads' one_interface
no_checksum()
{
  reading=(--no-checksum)
  all_kinds -i v0 --no-checksum && has '"conn_state":"SF".*"orig_bytes":16,"resp_bytes":300000' "$work/o/live.json"
  local status=$?
  reading=()
  return $status
}
check '--no-checksum' no_checksum
several()
{
  all_kinds -i lo -i v0 && has '"id.resp_h":"192.0.2.2"' "$work/o/live.json"
}
check 'two interfaces, merged by time' several
check 'any' all_kinds -i any
json_fits()
{
  python3 - "$source_root/docs/watch.schema.json" "$work/o/live.json" <<'EOF'
import json, sys
try:
    import jsonschema
except ImportError:
    sys.exit(0)
v = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
for line in open(sys.argv[2]):
    v.validate(json.loads(line))
EOF
}
check 'the JSON fits the schema' json_fits

filtered()
{
  all_kinds -i v0 --filter 'ip6 and port 8080' || return 1
  has '"id.resp_h":"2001:db8::2"' "$work/o/live.json" && ! grep -q '192\.0\.2' "$work/o/live.json"
}
check '--filter' filtered
check '--snaplen' all_kinds -i v0 --snaplen 100

# What is told of both ends is what their kernels say of them, asked by sock_diag.
kernels_agree()
{
  local one other
  fresh
  watching -i v0 --no-checksum --rows life --json="$work/o/live.json" || return 1
  start "$work/one" python3 "$here/observed.py" record "$work/one.json"
  one=$started
  start "$work/other" nsenter -t $host -n python3 "$here/observed.py" record "$work/other.json"
  other=$started
  wait_for grep -q ready "$work/one" && wait_for grep -q ready "$work/other" || return 1
  traffic get 192.0.2.2 10 300000
  traffic get 2001:db8::2 10 70000
  sleep 0.3
  kill "$one" "$other" && wait "$one" && wait "$other" && ended || { cat "$work/one.err" "$work/other.err"; return 1; }
  python3 "$here/observed.py" compare "$work/one.json" /dev/null "$work/o/live.json" &&
    python3 "$here/observed.py" compare "$work/other.json" /dev/null "$work/o/live.json"
}
check 'the kernels of both ends tell the same' kernels_agree && sed 's/^/        /' "$work/said"

# Time passes without packets: an attempt without an answer is told while the run goes on.
by_time()
{
  fresh
  watching -i v0 --no-checksum --json="$work/o/live.json" || return 1
  timeout 1 bash -c 'exec 3<>/dev/tcp/192.0.2.77/80'
  traffic get 192.0.2.2 1 5
  wait_for grep -q '"id.resp_p":8080' "$work/o/live.json" || return 1
  ended
}
check 'rows come by time alone' by_time

# rows_of FILE... - the final rows' uids.
rows_of() { cat "$@" | sed -n 's/.*"type":"conn".*"uid":"\([^"]*\)".*"final":true.*/\1/p' | sort; }
rotated()
{
  local i f rows kept
  fresh
  watching -i v0 --rotate "$1" --rows life --json="$work/o/rows.json" --csv="$work/o/rows.csv" --zeek "$work/o/logs" \
    -w "$work/o/kept.pcapng" || return 1
  for i in 1 2 3 4 5 6; do
    traffic get 192.0.2.2 20 3000
    traffic scan 192.0.2.2 "${i}000" "${i}005"
    sleep 0.5
  done
  ended || return 1
  ls -l "$work/o" "$work/o/logs"
  for f in rows.json rows.csv kept.pcapng logs/conn.log; do
    [ ! -e "$work/o/$f" ] || { echo "$f was not finished"; return 1; }
  done
  [ "$(ls "$work"/o/kept-*Z*.pcapng | wc -l)" -ge "$2" ] || { echo 'not rotated'; return 1; }
  [ "$(ls "$work"/o/rows-*Z*.json | wc -l)" -ge 2 ] || { echo 'not rotated'; return 1; }
  # Names sort by time, and by number where several began in one second.
  mapfile -t rows < <(ls -v "$work"/o/rows-*.json)
  mapfile -t kept < <(ls -v "$work"/o/kept-*.pcapng)
  cat "${rows[@]}" >"$work/all.json"
  reading=(--rows life)
  same "$work/all.json" "${kept[@]}" || return 1
  reading=()
  for f in "$work"/o/kept-*.pcapng; do
    "$estab" watch --json "$f" >/dev/null 2>&1 || { echo "$f is not whole"; return 1; }
  done
  for f in "$work"/o/logs/conn-*.log; do
    tail -1 "$f" | grep -q '^#close' || { echo "$f is not whole"; return 1; }
  done
  rows_of "$work/all.json" >"$work/a"
  cat "$work"/o/logs/conn-*.log | grep -v '^#' | cut -f2 | sort | cmp - "$work/a" || { echo 'Zeek rows'; return 1; }
  cat "$work"/o/rows-*.csv | grep -v ^ts, | cut -d, -f2 | sort | cmp - "$work/a" || { echo 'CSV rows'; return 1; }
  for f in "$work"/o/rows-*.csv; do
    head -1 "$f" | grep -q ^ts, || { echo "$f has no heading"; return 1; }
  done
}
check '--rotate by time loses nothing' rotated 1s 3
check '--rotate by size loses nothing' rotated 32K 3

# The table tells an alert when it is first named, and when it has ended; rows without a second heading.
table()
{
  watching -i v0 --no-checksum || return 1 # our own segments count, so that a row comes 5 s after the close
  traffic scan 192.0.2.2 9000 9060
  wait_for grep -q '^connect scan  vertical' "$work/watch" || return 1
  traffic get 192.0.2.2 1 5
  wait_for grep -q '192\.0\.2\.2:8080' "$work/watch" || return 1
  ended || return 1
  [ "$(count '^ *#? *START' "$work/watch")" -eq 1 ] && has '1 alert' "$work/watch" &&
    [ "$(count '^connect scan  vertical' "$work/watch")" -eq 2 ]
}
check 'the table, as it happens' table

# conn.log has a row when Zeek would: not at TIME-WAIT's end; what comes then changes nothing in it.
zeek_early()
{
  fresh
  reading=(--set time_wait=9s --no-checksum) # else Zeek does not take what this host sends
  watching -i v0 "${reading[@]}" --zeek "$work/o/logs" --csv="$work/o/rows.csv" -w "$work/o/kept.pcapng" || return 1
  traffic get 192.0.2.2 3 5
  traffic scan 192.0.2.2 9000 9003
  wait_for grep -q 8080 "$work/o/logs/conn.log" || return 1
  ! grep -q 8080 "$work/o/rows.csv" || { echo 'the CSV has it already'; return 1; }
  wait_for grep -q 8080 "$work/o/rows.csv" || return 1
  ended || return 1
  "$estab" watch "${reading[@]}" --zeek "$work/o/again" "$work/o/kept.pcapng" 2>/dev/null
  reading=()
  grep -v '^#' "$work/o/logs/conn.log" | sort >"$work/a"
  grep -v '^#' "$work/o/again/conn.log" | sort | cmp - "$work/a" && [ "$(wc -l <"$work/a")" -ge 6 ]
}
check "Zeek's log is as early as Zeek's" zeek_early

reopened()
{
  fresh
  watching -i v0 --json="$work/o/rows.json" --csv="$work/o/rows.csv" --zeek "$work/o/logs" -w "$work/o/kept.pcapng" ||
    return 1
  traffic get 192.0.2.2 10 3000
  for f in rows.json kept.pcapng; do mv "$work/o/$f" "$work/o/old-$f"; done
  kill -HUP "$watcher"
  wait_for test -e "$work/o/kept.pcapng" || return 1
  traffic get 192.0.2.2 10 3000
  kill -HUP "$watcher" # nobody has moved them: they go on
  traffic get 192.0.2.2 10 3000
  ended || return 1
  cat "$work/o/old-rows.json" "$work/o/rows.json" >"$work/all.json"
  same "$work/all.json" "$work/o/old-kept.pcapng" "$work/o/kept.pcapng" || return 1
  rows_of "$work/all.json" >"$work/a"
  [ "$(wc -l <"$work/a")" -ge 30 ] || { echo 'too few rows'; return 1; }
  grep -v ^ts, "$work/o/rows.csv" | cut -d, -f2 | sort | cmp - "$work/a" || { echo 'CSV rows'; return 1; }
  [ "$(count ^ts, "$work/o/rows.csv")" -eq 1 ]
}
check 'SIGHUP opens files again and loses nothing' reopened
hangup()
{
  fresh
  watching -i v0 || return 1
  kill -HUP "$watcher"
  wait "$watcher"
}
check 'SIGHUP without files ends the run' hangup

# status PROCESS - uids, gids, capabilities.
status() { grep -E '^(Uid|Gid|Groups|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' "/proc/$1/status"; }
without_privileges()
{
  status "$watcher" >"$work/status"
  cat "$work/status"
  has $'^Uid:\t65534\t65534\t65534\t65534' "$work/status" && has $'^Gid:\t65534\t65534\t65534\t65534' "$work/status" &&
    [ "$(count $'^Cap[A-Za-z]*:\t0000000000000000$' "$work/status")" -eq 4 ] && has $'^NoNewPrivs:\t1' "$work/status"
}
user()
{
  local rows kept
  fresh
  watching -i v0 --user nobody --rotate 1s --json="$work/o/rows.json" -w "$work/o/kept.pcapng" || return 1
  without_privileges || return 1
  traffic get 192.0.2.2 10 3000
  sleep 1.2
  traffic get 192.0.2.2 10 3000
  ended || return 1
  [ "$(stat -c %u "$work"/o/* | sort -u)" = 65534 ] || { ls -l "$work/o"; return 1; }
  # Names sort by time, and by number where several began in one second.
  mapfile -t rows < <(ls -v "$work"/o/rows-*.json)
  mapfile -t kept < <(ls -v "$work"/o/kept-*.pcapng)
  cat "${rows[@]}" >"$work/all.json"
  same "$work/all.json" "${kept[@]}" && has '"capture_losses":0' "$work/all.json"
}
one_capability()
{
  fresh
  rm -f "$work/watch.err"
  start "$work/watch" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,+net_raw \
    --ambient-caps=-all,+net_raw --bounding-set=-all,+net_raw \
    "$estab" watch -i v0 --json="$work/o/live.json" -w "$work/o/kept.pcapng"
  watcher=$started
  wait_for grep -q '^Listening on' "$work/watch.err" || { cat "$work/watch.err"; return 1; }
  without_privileges || return 1
  traffic get 192.0.2.2 10 3000
  ended && same "$work/o/live.json" "$work/o/kept.pcapng"
}
# refused WHAT REMEDY COMMAND... - within three lines that say so, exit 1.
refused()
{
  local what=$1 remedy=$2 status=0
  shift 2
  timeout 10 "$@" >"$work/out" 2>"$work/err" || status=$?
  cat "$work/err"
  [ $status -eq 1 ] && [ "$(wc -l <"$work/err")" -le 3 ] && [ ! -s "$work/out" ] && has "$what" "$work/err" &&
    has "$remedy" "$work/err"
}
if [ "$(id -u)" -eq 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
  check '--user' user
  check 'CAP_NET_RAW alone suffices' one_capability
  check 'not permitted' refused '^estab watch: -i v0: not permitted' 'setcap cap_net_raw' \
    setpriv --reuid 65534 --regid 65534 --clear-groups "$estab" watch -i v0
else
  echo 'SKIPPED: --user, CAP_NET_RAW alone: this is not really root'
  skipped=$((skipped + 1))
fi
check 'no such interface' refused '^estab watch: -i nowhere: ' 'To do: name one of: .*v0' "$estab" watch -i nowhere
check 'no such user' refused '^estab watch: --user nobody-here: ' 'a user that exists' \
  "$estab" watch -i v0 --user nobody-here
check 'a file that cannot be written' refused '/nowhere/x' '' "$estab" watch -i v0 --json=/nowhere/x
ip link add down0 type dummy 2>/dev/null &&
  check 'an interface that is down' refused '^estab watch: -i down0: the interface is down' 'ip link set down0 up' \
    "$estab" watch -i down0

# The watcher stands still while more comes than its buffer holds.
losses()
{
  fresh
  watching -i v0 --buffer 256K --json="$work/o/live.json" -w "$work/o/kept.pcapng" || return 1
  traffic get 192.0.2.2 3 100
  sleep 0.5
  { traffic get 192.0.2.2 1 100; sleep 3; } & # FIN before the flood
  exec 4<>/dev/tcp/192.0.2.2/8080 # open throughout
  sleep 0.3
  kill -STOP "$watcher"
  traffic flood 192.0.2.2 3000
  kill -CONT "$watcher"
  sleep 0.5
  exec 4>&-
  traffic get 192.0.2.2 2 100
  ended || return 1
  has '"kernel_drops":[1-9]' "$work/o/live.json" || return 1
  has '"final":true.*"capture_loss":true' "$work/o/live.json" && has '"capture_loss":false' "$work/o/live.json" &&
    same "$work/o/live.json" "$work/o/kept.pcapng"
}
check 'losses are told, and mark the rows that overlap, again from the file' losses

gone()
{
  fresh
  ip link add g0 type veth peer name g1 && ip link set g0 up && ip link set g1 up
  watching -i g0 --json="$work/o/live.json" || return 1
  ip link del g0
  wait "$watcher"
  [ $? -eq 1 ] && cat "$work/watch.err" && has '^estab watch: -i g0: ' "$work/watch.err" &&
    has '"type":"stats","final":true' "$work/o/live.json" && has '"type":"error","file":"g0"' "$work/o/live.json"
}
check 'an interface that goes away ends the run, with what was captured' gone

if [ -n "${ESTAB_LONG:-}" ]; then
  each_minute()
  {
    fresh
    watching -i v0 --json="$work/o/live.json" || return 1
    sleep 62
    ended && [ "$(count '"type":"stats","final":false.*"lag_s"' "$work/o/live.json")" -eq 1 ]
  }
  check 'counters each minute' each_minute
fi
kill $host 2>/dev/null
finish
