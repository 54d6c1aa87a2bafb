#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# watch.sh - estab watch as people use it: every line of --json fits the schema, packed and merged files are read alike,
# damage is told with its place, Zeek's folder and CSV have the same rows, Community IDs are the known ones.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}
"$estab" watch --help >/dev/null 2>&1 || { echo 'SKIPPED: built without extras'; exit 77; }
schema=$PWD/docs/watch.schema.json
export PYTHONPATH=$PWD/tests/support PYTHONDONTWRITEBYTECODE=1 # pcap.py
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() { echo "watch: $1"; exit 1; }

for scene in close refused simultaneous-open late-data rst zero-window retransmission; do
  "$estab" sim --scene $scene --pcap $scene.pcap >/dev/null
done
"$estab" sim --loss 3% --reorder 3% --bytes 300K --back 100K --pcap lossy.pcap >/dev/null
"$estab" sim --ipv6 --bytes 50K --pcap six.pcap >/dev/null

cat >check.py <<'EOF'
import json, sys, jsonschema
v = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
n = {}
for name in sys.argv[2:]:
    for line in open(name):
        o = json.loads(line)
        n[o['type']] = n.get(o['type'], 0) + 1
        for e in v.iter_errors(o):
            sys.exit('%s: %s: %s' % (name, o['type'], [c.message for c in e.context if c.validator != 'const'][:3] or e.message))
assert n.get('conn', 0) > 0 and n.get('stats', 0) == len(sys.argv) - 2, n
EOF
for file in *.pcap; do
  "$estab" watch --json "$file" >"$file.json"
  "$estab" watch --json "$file" | cmp - "$file.json" || fail "$file: two runs differ"
done
python3 check.py "$schema" ./*.json || fail 'the schema is broken'

# Rows of the JSON, Zeek's folder and the CSV.
"$estab" watch --zeek zeek --csv=rows.csv --json=rows.json lossy.pcap
finals=$(grep -c '"final":true.*"opened_by"' rows.json)
[ "$(grep -vc '^#' zeek/conn.log)" = "$finals" ] || fail 'conn.log has other rows'
[ "$(tail -n +2 rows.csv | wc -l)" = "$finals" ] || fail 'the CSV has other rows'
fields=$(grep '^#fields' zeek/conn.log | tr '\t' '\n' | wc -l)
[ "$(grep -v '^#' zeek/conn.log | head -1 | tr '\t' '\n' | wc -l)" = $((fields - 1)) ] || fail 'conn.log: fields'
tail -1 zeek/conn.log | grep -q '^#close' || fail 'conn.log is not closed'

# As Zeek's own logs: every line has the fields of the heading, which are those of Zeek 6.
"$estab" sim --scene syn-scan --pcap scan.pcap >/dev/null
"$estab" watch --zeek logs close.pcap close.pcap scan.pcap
python3 - <<'EOF' || fail "Zeek's logs"
last = {'conn': 'tunnel_parents', 'notice': 'remote_location.longitude', 'weird': 'source'}
for name, field in last.items():
    lines = open('logs/%s.log' % name).read().split('\n')
    heads = {l.split('\t')[0]: l.split('\t')[1:] for l in lines if l.startswith('#')}
    rows = [l.split('\t') for l in lines if l and l[0] != '#']
    assert heads['#path'] == [name] and heads['#fields'][-1] == field, heads
    assert rows and all(len(r) == len(heads['#fields']) == len(heads['#types']) and '' not in r for r in rows), name
    if name == 'conn':
        ends = {r[1]: r[2:6] for r in rows}
    if name == 'weird':  # of whom they are
        assert all(r[2:6] == ends[r[1]] for r in rows), rows
EOF

# Packed, from standard input, and several files as one capture.
gzip -k close.pcap
command -v zstd >/dev/null && zstd -q -k close.pcap
"$estab" watch --json close.pcap.gz | cmp - close.pcap.json || fail 'gzip'
[ ! -e close.pcap.zst ] || "$estab" watch --json close.pcap.zst | cmp - close.pcap.json || fail 'zstd'
"$estab" watch --json - <close.pcap | cmp - close.pcap.json || fail 'standard input'
"$estab" watch --json close.pcap rst.pcap >two.json
[ "$(grep -c '"type":"stats"' two.json)" = 1 ] || fail 'two files are one capture'
"$estab" watch --json --merge rst.pcap close.pcap >/dev/null
"$estab" watch --json --filter 'udp' close.pcap | grep -q '"packets":0' || fail 'the filter'

# Packets kept: they say the same. By packet time, files turn at whole intervals; nothing is lost.
"$estab" watch --json=lossy.again -w kept.pcapng lossy.pcap
cmp lossy.again lossy.pcap.json || fail '-w changes the rows'
"$estab" watch --json kept.pcapng | cmp - lossy.pcap.json || fail 'what -w kept says something else'
"$estab" watch --json=/dev/null --filter 'src port 80' -w kept.pcapng lossy.pcap
"$estab" watch --json=/dev/null -w whole.pcapng lossy.pcap
[ "$(stat -c %s kept.pcapng)" -lt "$(stat -c %s whole.pcapng)" ] || fail '-w takes no notice of --filter'
"$estab" watch --json=/dev/null -w - lossy.pcap | cmp - whole.pcapng || fail '-w -'
"$estab" watch --rotate 1s --rotate 64K --json=turned.json -w turned.pcapng zero-window.pcap lossy.pcap 2>/dev/null
"$estab" watch --json zero-window.pcap lossy.pcap >turned.all
grep -v '"stats"' turned.all >turned.want
mapfile -t turned < <(ls -v turned-*.json)
cat "${turned[@]}" | grep -v '"stats"' | cmp - turned.want || fail '--rotate loses rows'
mapfile -t turned < <(ls -v turned-*.pcapng)
[ "${#turned[@]}" -ge 8 ] || fail '--rotate turns no file'
"$estab" watch --json "${turned[@]}" | grep -v '"stats"' | cmp - turned.want || fail '--rotate loses packets'

# Damage: everything before it, then where it is.
size=$(stat -c %s close.pcap)
head -c $((size - 5)) close.pcap >cut.pcap
if "$estab" watch --json cut.pcap >cut.json 2>cut.err; then fail 'a cut file is no error'; fi
grep -q '"type":"error","file":"cut.pcap","offset":' cut.json || fail 'no error object'
grep -q '"type":"conn"' cut.json || fail 'what was before the damage is lost'
[ "$(wc -l <cut.err)" -le 3 ] || fail 'more than three lines'
for bad in /dev/null nothing.pcap "$schema"; do
  if "$estab" watch "$bad" >/dev/null 2>err; then fail "$bad is no capture"; fi
  grep -qF -- "$bad" err || fail "$bad is not named"
done

# Packing in several pieces, of sizes that leave something over, cut, and damaged.
for skip in 0 1 77 262062; do
  { cat close.pcap; for _ in 1 2 3 4 5 6 7 8; do tail -c +25 lossy.pcap; done; } | head -c $((1048576 - skip)) >large.pcap
  want=0
  "$estab" watch --json large.pcap >large.json 2>/dev/null || want=$?
  [ $want -le 1 ] && [ $want = "$(grep -c '"type":"error"' large.json)" ] || fail "large.pcap, $skip: exit status $want"
  { head -c 300000 large.pcap | gzip -c; tail -c +300001 large.pcap | gzip -c; } >large.gz
  zstd -q -f --no-check large.pcap -o large.zst
  for packed in large.gz large.zst; do
    status=0
    "$estab" watch --json $packed >packed.json 2>/dev/null || status=$?
    sed "s/$packed/large.pcap/" packed.json | cmp - large.json || fail "$packed"
    [ $status = $want ] || fail "$packed: exit status $status, not $want"
  done
done
for packed in large.gz large.zst; do
  head -c $(($(stat -c %s $packed) / 2)) $packed >half.packed
  if "$estab" watch --json half.packed >half.json 2>/dev/null; then fail "half of $packed is no error"; fi
  grep -q '"type":"conn"' half.json || fail "half of $packed: what was before is lost"
  grep -q '"type":"error","file":"half.packed","offset":[1-9]' half.json || fail "half of $packed: no place"
done

# Two sensors, two names.
uids() { "$estab" watch --json "$@" close.pcap | grep -o '"uid":"[^"]*"' | sort -u; }
[ "$(uids)" = "$(uids --sensor '')" ] && [ "$(uids --sensor a)" = "$(uids --sensor a)" ] && [ "$(uids --sensor a)" != "$(uids)" ] ||
  fail '--sensor'

# Words that make no sense.
for words in "--sensor $(printf '%064d' 1)" '--policy x' '--rows x' '--set x=1' '--set syn_targets=-1' '--local 1.2.3/4' '--ignore x=1' '--ignore port=' \
  '--filter ((' '--rotate 5x' '-i lo' '--user nobody' ''; do
  # shellcheck disable=SC2086
  if "$estab" watch $words close.pcap >/dev/null 2>err && [ -n "$words" ]; then fail "taken: $words"; fi
  [ "$(wc -l <err)" -le 3 ] || fail "more than three lines: $words"
done

# Community ID version 1 of a published pair of endpoints.
python3 - <<'EOF'
from pcap import *
save('community.pcap', [record(SECOND, tcp4(bytes([128, 232, 110, 120]), 34855, bytes([66, 35, 250, 204]), 80, 2, 1))])
EOF
"$estab" watch --no-checksum --json community.pcap | grep -qF '"community_id":"1:LQU9qZlK+B5F3KDmev6m5PMibrg="' ||
  fail 'the Community ID is another'

# One connection: found by its number, its uid and its ends in either order, from a file and from standard input.
uid=$(grep -o '"uid":"[^"]*"' lossy.pcap.json | head -1 | cut -d'"' -f4)
"$estab" watch --ladder 1 lossy.pcap >ladder.txt
grep -q 'SYN-SENT.*SYN 0:0(0)' ladder.txt || fail '--ladder draws no SYN'
for conn in "$uid" "$(awk 'NR == 2 { print $1 }' ladder.txt)-$(awk 'NR == 2 { print $2 }' ladder.txt)" \
  "$(awk 'NR == 2 { print $2 }' ladder.txt)-$(awk 'NR == 2 { print $1 }' ladder.txt)"; do
  "$estab" watch --ladder "$conn" lossy.pcap | cmp - ladder.txt || fail "--ladder $conn"
done
six=$("$estab" watch --csv six.pcap | sed -n 2p | awk -F, '{ print "[" $3 "]:" $4 "-[" $5 "]:" $6 }')
"$estab" watch --ladder "$six" six.pcap | grep 'SYN-SENT' >/dev/null || fail "--ladder $six"
"$estab" watch --ladder 1 - <lossy.pcap | cmp - ladder.txt || fail '--ladder of standard input'
[ "$(wc -l <ladder.txt)" -lt 120 ] || fail '--ladder does not fold'
for conn in 2 x C0 1.2.3.4:5-6.7.8.9:10 1.2.3.4:5- -; do
  if "$estab" watch --ladder "$conn" lossy.pcap >/dev/null 2>err; then fail "--ladder $conn is taken"; fi
  [ "$(wc -l <err)" -le 3 ] || fail "more than three lines: --ladder $conn"
done

# At the memory ceiling, too, where it depends on all that is remembered which rows come first.
python3 - <<'EOF'
from pcap import *
def packet(us, *words):
    return record(1000000000 * SECOND + us, tcp4(*words, window=9000, options=b'\2\4\5\xb4\4\2\1\1'))
def half_open():
    host = bytes([10, 0, 0, 2])
    for i in range(60000):
        peer = bytes([10, 2, i // 250 % 250, i % 250 + 1])
        yield packet(i * 30, peer, 1024 + i // 250, host, 80, 2, i)
        if i % 3 == 0: yield packet(i * 30, host, 80, peer, 1024 + i // 250, 18, 9, i + 1)
save('half-open.pcap', half_open())
EOF
"$estab" watch --no-checksum --set max_bytes=4M half-open.pcap >half-open.txt
for row in 1 20000 50000; do
  want=$(awk -v row=$row '$1 == row { print $3, $4 }' half-open.txt)
  [ "$("$estab" watch --no-checksum --set max_bytes=4M --ladder $row half-open.pcap | awk 'NR == 2 { print $1, $2 }')" = "$want" ] ||
    fail "--ladder $row at the memory ceiling draws another connection"
done

# Pictures.
"$estab" watch --picture 1 graph.png lossy.pcap
if "$estab" watch --picture C00000000000000000 graph.svg lossy.pcap 2>err; then fail 'an unknown uid is found'; fi
"$estab" watch --ladder 1 --picture 1 graph.svg lossy.pcap | cmp - ladder.txt || fail '--ladder beside --picture'
"$estab" watch --filter 'tcp[tcpflags] & tcp-syn == 0' --picture 1 middle.svg lossy.pcap
"$estab" watch --picture 1 close.svg close.pcap
"$estab" watch --ladder 1 close.pcap >close.txt
python3 - <<'EOF' || fail 'the pictures'
import re, struct, xml.dom.minidom
png = open('graph.png', 'rb').read()
width, height = struct.unpack('>II', png[16:24])
assert png[:8] == b'\x89PNG\r\n\x1a\n' and width == 1000 and height > 1200, (width, height)
# The arrows of the ladder, each from one line of life to the other, as the text has them.
for name in 'graph', 'close':
    text = open({'graph': 'ladder.txt', 'close': 'close.txt'}[name]).read()
    arrows = re.findall(r'd="M (200|885) [0-9.]+ L (200|885) [0-9.]+', open(name + '.svg').read())
    ways = [line.count('▶') - line.count('◀') for line in text.splitlines() if re.match(' *[0-9]+[.][0-9]{6} ', line)]
    assert [1 if a == '200' else -1 for a, b in arrows if a != b] == ways and ways, (name, arrows, ways)
def drawn(name, color):
    paths = xml.dom.minidom.parse(name).getElementsByTagName('path')
    return any('stroke:rgb(' + color in p.getAttribute('style') or 'rgb(' + color in p.getAttribute('stroke') for p in paths)
assert drawn('graph.svg', '80%') and drawn('middle.svg', '80%'), 'nothing is red'
assert drawn('graph.svg', '75%') and not drawn('middle.svg', '75%'), 'a window is drawn whose scale nobody knows, or none'
EOF
for words in '--picture 1 lossy.pcap' '--picture 1 graph.txt lossy.pcap' '--picture 1 graph.png' '--picture 1 --json graph.png lossy.pcap' \
  '--ladder 1 --html x.html lossy.pcap'; do
  # shellcheck disable=SC2086
  if "$estab" watch $words >/dev/null 2>err; then fail "taken: $words"; fi
done
