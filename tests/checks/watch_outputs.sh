#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# watch_outputs.sh - what estab watch writes, and where: no input is destroyed, no two outputs share a place, what
# cannot be written leaves no half of it, and nothing of an earlier run stays beside it.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=$(realpath "${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}")
"$estab" watch --help >/dev/null 2>&1 || { echo 'SKIPPED: built without extras'; exit 77; }
source=$PWD
export PYTHONPATH=$PWD/tests/support PYTHONDONTWRITEBYTECODE=1 # pcap.py
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
bad=0
fail() { echo "watch_outputs: $1"; bad=1; }
# refused STATUS WORDS...: this status, at most three lines, nothing on standard output.
refused()
{
  local want=$1 got=0
  shift
  "$estab" watch "$@" >out 2>err </dev/null || got=$?
  [ $got = "$want" ] || fail "$*: exit status $got, not $want"
  [ "$(wc -l <err)" -le 3 ] || fail "$*: more than three lines"
  [ ! -s out ] || fail "$*: something was written"
}
says() { grep -qF -- "$1" err || fail "not said: $1; but: $(cat err)"; }

for scene in close syn-scan; do "$estab" sim --scene $scene --pcap $scene.pcap >/dev/null; done

# An output that is also read: nothing is touched, whatever it is called.
cp close.pcap in.pcap
cp close.pcap in.png
ln -s in.pcap link.pcap
ln in.pcap hard.pcap
mkdir logs
ln in.pcap logs/weird.log
for words in '--html in.pcap in.pcap' '-w in.pcap in.pcap' '-w ./in.pcap syn-scan.pcap in.pcap' '-w link.pcap in.pcap' \
  '-w in.pcap link.pcap' '--json=in.pcap in.pcap' '--json=hard.pcap in.pcap' '--csv=in.pcap in.pcap' '--zeek logs in.pcap' \
  '--rotate 1h -w in.pcap in.pcap' '--picture 1 in.png in.png' '--ladder 1 --picture 1 in.png in.png'; do
  # shellcheck disable=SC2086
  refused 2 $words
  says 'it is to be read'
  cmp -s in.pcap close.pcap && cmp -s in.png close.pcap || fail "destroyed by $words"
  cp close.pcap in.png
  cat close.pcap >in.pcap
done
if "$estab" watch -w in.pcap - <in.pcap 2>/dev/null; then fail 'standard input is written over'; fi
cmp -s in.pcap close.pcap || fail 'standard input was destroyed'
cat close.pcap >in.pcap
if "$estab" watch --json in.pcap >>in.pcap 2>/dev/null; then fail 'standard output is read'; fi

# --html *.pcap: the first capture is the page's name, and no input. Only -w writes over an old capture.
rm -r logs hard.pcap link.pcap
gzip -kf close.pcap
cp close.pcap.gz in.png
for words in '--html in.pcap close.pcap' '--html in.png close.pcap' '--json=in.pcap close.pcap' '--csv=in.pcap close.pcap' \
  '--picture 1 in.png close.pcap'; do
  # shellcheck disable=SC2086
  refused 2 $words
  says 'holds a capture'
  cmp -s in.pcap close.pcap && cmp -s in.png close.pcap.gz || fail "destroyed by $words"
done
"$estab" watch -w in.pcap close.pcap >/dev/null
"$estab" watch --json in.pcap >again.json
"$estab" watch --json close.pcap | cmp - again.json || fail 'what -w wrote over an old capture'
"$estab" watch --json=again.json syn-scan.pcap || fail 'an old file of rows is not written over'

# Two outputs at one place.
for words in '--json --csv' '-w - --json' '--json=x --csv=x' '--json=x --csv=./x' '--json=x --html x' '--explain C0 --json' \
  '--html - --csv' '--json --csv=/dev/stdout' '-w /dev/stdout' '--zeek . --csv=notice.log'; do
  # shellcheck disable=SC2086
  refused 2 $words close.pcap
  says 'would both write to'
  [ ! -e x ] && [ ! -e conn.log ] || fail "written: $words"
done
"$estab" watch --json=/dev/null --csv=/dev/null close.pcap || fail 'two outputs to /dev/null'
"$estab" watch --json --csv=x close.pcap | cmp - <("$estab" watch --json close.pcap) || fail '--json beside --csv=FILE'

# Settings by file: what is listed can be read, comments may be long, lines indented; the first bad line is named.
"$estab" watch --set time_wait=500ms --set zero_window=1ns --set max_bytes=4097K --set syn_targets=9 --list-settings >list
"$estab" watch --set time_wait=1d --list-settings | grep -q '^time_wait  *= 86400s ' || fail 'a day'
for words in 'time_wait  *= 500ms ' 'zero_window  *= 1ns ' 'max_bytes  *= 4097K ' 'syn_targets  *= 9 '; do
  grep -q "^$words" list || fail "not listed: $words"
done
"$estab" watch --config list --list-settings | cmp - list || fail 'what is listed cannot be read'
{
  printf '# %0300d\n; %0197d max_bytes = 1\n\n  ; indented\n[thresholds]\r\n' 0 0
  printf '  syn_targets=11\n\tflood_rate : 12 ; it is\r\nslow_targets = 13'
} >good.ini
"$estab" watch --config good.ini --list-settings >list
for words in 'syn_targets  *= 11 ' 'flood_rate  *= 12 ' 'slow_targets  *= 13 '; do
  grep -q "^$words" list || fail "not set: $words"
done
printf 'syn_targets = 9\n\nnonsense\nx = 1\n' >nonsense.ini
printf 'syn_targets = 9\n  x = 1\nnonsense\n' >unknown.ini
printf '\n\nsyn_targets = many\n' >value.ini
printf 'syn_targets = %0300d\n' 9 >long.ini
printf 'syn_targets = 9\0 1\n' >zero.ini
printf 'syn_targets = 9\0\n' >last.ini
while read -r file line what; do
  refused 2 --config "$file" close.pcap
  says "$file, line $line: $what"
done <<'EOF'
nonsense.ini 3 is not NAME = VALUE
unknown.ini 2 there is no such setting
value.ini 3 is not a number
long.ini 1 is too long
zero.ini 1 is too long, or no text
last.ini 1 is too long, or no text
EOF
refused 1 --config . close.pcap
says 'Is a directory'
refused 1 --config nothing.ini close.pcap
refused 2 --set syn_targets=many close.pcap

# Zeek's folder has the logs of one run.
"$estab" watch --zeek once syn-scan.pcap
[ -s once/notice.log ] || fail 'no notice.log'
python3 - <<'EOF'
# A scan that grows: its alert is told again and again, its notice when it begins and when it ends.
from pcap import *
save('grows.pcap', (record(1700000000 * SECOND + i * 10000, tcp4(bytes([192, 0, 2, 1]), 40000, bytes([10, 0, 0, 1]), 1 + i, 2, 7,
                                                                 window=1024, number=i)) for i in range(700)))
EOF
[ "$("$estab" watch grows.pcap | grep -c 'no segment with a right checksum')" = 700 ] || fail 'wrong checksums alone'
"$estab" watch --no-checksum --zeek grows --json=grows.json grows.pcap
[ "$(grep -c '"type":"alert"' grows.json)" -gt 2 ] || fail 'the scan does not grow'
[ "$(grep -vc '^#' grows/notice.log)" = 2 ] || fail 'a notice for each telling'
echo old >once/weird.log
echo other >once/dns.log
"$estab" watch --zeek once close.pcap
[ -s once/conn.log ] && [ ! -e once/notice.log ] && [ ! -e once/weird.log ] || fail 'logs of an earlier run stay'
[ -e once/dns.log ] || fail 'what is not ours is gone'

# A flood that looked like a scan at first has a notice under each name.
python3 - <<'EOF'
from pcap import *
def sources(i): return struct.pack('>I', 0xac100000 + i * 40503 % 65536)
save('fins.pcap', (record(1700000000 * SECOND + i * 500, tcp4(sources(i), 40000 + i, bytes([10, 0, 0, 1]), 80, 1, i, window=1024,
                                                              number=i)) for i in range(8000)))
EOF
"$estab" watch --no-checksum --zeek fins fins.pcap
[ "$(grep -v '^#' fins/notice.log | cut -f 11 | uniq | tr '\n' ' ')" = 'Estab::Fin_Scan Estab::Fin_Flood ' ] ||
  fail 'a campaign of another name'

# A log without lines has the time of the packets.
python3 - <<'EOF'
from pcap import *
udp = ip4(bytes([192, 0, 2, 1]), bytes([10, 0, 0, 1]), struct.pack('>HHHH', 1, 2, 8, 0), protocol=17)
save('udp.pcap', [record(1700000000 * SECOND, udp)])
EOF
"$estab" watch --zeek none udp.pcap
grep -q '^#open.2023-11-14' none/conn.log || fail 'a conn.log of 1970'

# Pictures and pages that cannot be written: what the system says, and no half of them.
for file in nowhere/x.svg nowhere/x.png; do
  refused 1 --picture 1 $file close.pcap
  says "$file: No such file or directory"
done
(
  trap '' XFSZ
  ulimit -f 1
  for words in '--picture 1 full.svg' '--picture 1 full.png' '--html full.html'; do
    # shellcheck disable=SC2086
    "$estab" watch $words close.pcap >said 2>&1 && echo "taken: $words" >>full.err
    grep -q 'File too large' said || cat said >>full.err
  done
)
[ ! -s full.err ] || fail "a full disk: $(cat full.err)"
for file in full.svg full.png full.html; do [ ! -e $file ] || fail "half of $file stays"; done
ln -s /dev/full full.svg
refused 1 --picture 1 full.svg close.pcap
says 'No space left on device'
[ -e full.svg ] || fail 'what is no file was taken away'

# A priority tag (VLAN 0) hides no VLAN.
python3 - <<'EOF'
from pcap import *
syn = tcp4(bytes([10, 0, 0, 1]), 40000, bytes([10, 0, 0, 2]), 80, 2, 1)
for name, tags in (('vlan05', (0, 5)), ('vlan50', (5, 0)), ('vlan57', (5, 7)), ('vlan00', (0, 0))):
    frame = bytes(12) + b''.join(struct.pack('>HH', 0x8100, t) for t in tags) + struct.pack('>H', 0x800) + syn
    save(name + '.pcap', [record(SECOND, frame)], link=1)
EOF
while read -r name json note; do
  [ "$("$estab" watch --no-checksum --json "$name.pcap" | grep -o '"vlan":[^]]*]' | uniq)" = "$json" ] || fail "$name: JSON"
  [ "$("$estab" watch --no-checksum "$name.pcap" | grep -o 'VLAN [0-9]*')" = "$note" ] || fail "$name: the table"
done <<'EOF'
vlan05 "vlan":[5] VLAN 5
vlan50 "vlan":[5] VLAN 5
vlan57 "vlan":[5,7] VLAN 5
vlan00
EOF

# On a terminal: as wide as it is with and without colours, what has no room is named, NO_COLOR holds everywhere.
python3 - "$estab" <<'EOF' || bad=1
import fcntl, os, pty, re, struct, subprocess, sys, termios
bad = 0
term = 'xterm'
def terminal(columns, color, *words):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    env = dict(os.environ)
    env.pop('NO_COLOR', None)
    env['TERM'] = term
    if color is not None: env['NO_COLOR'] = color
    run = subprocess.Popen([sys.argv[1], 'watch', *words], stdout=theirs, stderr=subprocess.DEVNULL, env=env)
    os.close(theirs)
    out = b''
    while True:
        try: piece = os.read(ours, 65536)
        except OSError: break
        if not piece: break
        out += piece
    run.wait()
    os.close(ours)
    return out.decode()
def holds(what, truth, out):
    global bad
    if not truth:
        print('watch_outputs: not so: %s\n%s' % (what, out))
        bad = 1
for color in None, '', '1':
    for columns in 80, 120, 200:
        out = terminal(columns, color, 'close.pcap')
        what = 'NO_COLOR=%s, %d columns' % (color, columns)
        lines = re.sub('\033\\[[0-9;]*m', '', out).split('\r\n')
        holds(what + ': colours', ('\033[' in out) == (color != '1'), out)
        holds(what + ': the table fits', all(len(l) <= columns for l in lines[:2]), out)
        left = [l for l in lines if l.startswith('  too narrow for ')]
        want = {80: ['START', 'OPENED BY', 'ZEEK', 'HISTORY', 'the ends of lines'], 120: ['ZEEK', 'HISTORY']}.get(columns)
        holds(what + ': what is left out', ([l[17:].split(':')[0].split(', ') for l in left] == ([want] if want else [])), out)
ids = re.findall(' (C[0-9A-Za-z]{17})\r\n', terminal(200, None, 'syn-scan.pcap'))
holds('one alert', len(ids) == 1, ids)
for color in None, '1':
    out = terminal(100, color, '--explain', ids[0], 'syn-scan.pcap')
    holds('--explain, NO_COLOR=%s' % color, ('\033[' in out) == (color is None) and 'SYN scan' in out, out)
out = terminal(100, None, '-w', '-', 'close.pcap')
holds('packets are not written to a terminal', out == '', out)
ours, theirs = pty.openpty()
run = subprocess.run([sys.argv[1], 'watch', '-'], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=10)
holds('packets are not read from a terminal', run.returncode == 2 and b'is a terminal' in run.stderr, run)
term = 'dumb'
out = terminal(200, None, 'syn-scan.pcap')
holds('a terminal that obeys nothing gets no colours', '\033' not in out and 'SYN scan' in out, out)
sys.exit(bad)
EOF

mkfifo pipe
# Options that would do nothing are refused; an alert that is ignored is not unknown; every kind is in the manual.
while read -r words; do
  # shellcheck disable=SC2086
  refused 2 $words close.pcap
done <<'EOF'
--ladder 1 -w x.pcapng
--ladder 1 --rotate 1h
--ladder 1 --stats
--ladder 1 --ignore kind=land
--picture 1 x.svg -w x.pcapng
--picture 1 x.svg --stats
--rotate 1h
--rotate 1h --rotate 2h --csv=x
--rotate 1M --rotate 1h --rotate 1M --csv=x
--rotate 1h --json
--rotate 1h --html x.html
--rotate 1h -w -
--rotate 1h --explain C0
--rotate 1h --csv=pipe
--stats --json
--stats --csv=x
--stats --zeek x
--stats --html x.html
--stats --explain C0
--stats -w -
--snaplen 96
--buffer 1M
--no-promisc
--user nobody
EOF
timeout 5 "$estab" watch -i lo -i lo --json=/dev/null 2>err && fail '-i lo -i lo is taken'
says '-i lo: is given twice'
id=$("$estab" watch --json syn-scan.pcap | grep -o '"type":"alert","id":"[^"]*"' | head -1 | cut -d'"' -f8)
"$estab" watch --explain "$id" syn-scan.pcap | grep -q 'SYN scan' || fail '--explain'
refused 1 --explain "$id" --ignore kind=syn_scan syn-scan.pcap
says "$id is ignored"
refused 1 --explain C0 --ignore kind=syn_scan syn-scan.pcap
says 'no alert has the id C0'
for kind in $(sed -n 's/^KIND([A-Z_]*, "\([a-z_]*\)".*/\1/p' "$source/include/estab/watch_kinds.def"); do
  grep -q "\*$kind\*" "$source/docs/man/estab-watch.1.scd" || fail "the manual does not name $kind"
done
for row in '1 1.2.3.4:5-6.7.8.9:10' '1 99'; do
  refused "${row%% *}" --ladder "${row#* }" close.pcap
  says 'Numbers are in the table, uids in --json and in --csv'
done

# Only what is a file is finished under another name, or begun anew: a FIFO, a device, a link keeps its name and goes on.
# (Not tried with /dev/null: whoever breaks this, as root, would take it from the machine.)
"$estab" sim --scene zero-window --pcap long.pcap >/dev/null
"$estab" watch --json long.pcap >whole.json
"$estab" watch --csv long.pcap >whole.csv
mkfifo fifo
echo before >target
ln -s target link
cat fifo >from-fifo &
timeout 20 "$estab" watch --rotate 1s --json=fifo --csv=link -w turned.pcapng long.pcap
wait $!
[ -p fifo ] && [ -L link ] || fail '--rotate renames what is no file'
cmp -s from-fifo whole.json || fail '--rotate: a FIFO has not all rows'
cmp -s target whole.csv || fail '--rotate: what a link leads to has not all rows'
[ "$(find . -name 'turned-*' | wc -l)" -gt 3 ] || fail '--rotate beside what is no file'

# Standard output or error may be closed: no file gets their number, and what is meant for them.
"$estab" watch -w kept.want close.pcap >/dev/null
got=0
"$estab" watch -w kept.closed close.pcap nothing.pcap >&- 2>&- || got=$?
[ $got = 1 ] || fail "standard output is closed: exit status $got"
cmp -s kept.want kept.closed || fail 'what was meant for standard output is in another file'
"$estab" watch --json=rows.want close.pcap nothing.pcap 2>/dev/null && fail 'nothing.pcap is there'
"$estab" watch --json=rows.closed close.pcap nothing.pcap 2>&- && fail 'nothing.pcap is there'
cmp -s rows.want rows.closed || fail 'what was meant for standard error is in another file'

[ $bad = 0 ]
