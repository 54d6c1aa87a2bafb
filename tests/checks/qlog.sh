#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# qlog.sh - a log of --qlog says what the stack itself says of its connections (estab_conn_info), every record fits the
# schema, equal runs give equal logs, and what is damaged is told with its line.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}
"$estab" qlog --help >/dev/null 2>&1 || { echo 'SKIPPED: built without extras'; exit 77; }
case $estab in /*) ;; *) estab=$PWD/$estab ;; esac
sims=$PWD/tests/sim
schema=$PWD/docs/qlog.schema.json
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() { echo "qlog: $1"; exit 1; }

cat >mixed.sim <<'END'
host a cc=cubic
host b
router r
link a r rate=1G delay=1ms
link r b rate=20M delay=20ms queue=40K loss=1% reorder=1%
flow a b bytes=1M repeat=3
END
sed -e '/reorder/s/$/ aqm=codel ecn/' -e 's/repeat=3/repeat=1/' -e 's/cc=cubic/ecn/' mixed.sim >timeouts.sim
cat >>timeouts.sim <<'END'
at 300ms link r b down
at 2s link r b up
END
for file in mixed.sim timeouts.sim "$sims"/small-mtu.sim; do
  name=$(basename "$file" .sim)
  "$estab" sim --json --qlog "$name.qlog" "$file" >"$name.sim.json"
  "$estab" qlog --json "$name.qlog" >"$name.log.json"
  [ "$("$estab" qlog "$name.qlog" | wc -l)" -gt 8 ] || fail "$name: hardly anything is told"
done
"$estab" sim --json --qlog again.qlog mixed.sim >/dev/null
cmp mixed.qlog again.qlog || fail 'two equal runs differ'
"$estab" sim --loss 5% --back 200K --ipv6 --qlog two.qlog --qlog-host server >/dev/null
"$estab" qlog two.qlog >two.txt
grep -q 'why it was not faster: ' two.txt || fail 'no reason'
grep -q '^ *[0-9.]* SYN-RECEIVED' two.txt || fail 'the server did not receive a SYN'
"$estab" qlog --events two.qlog >two.txt
grep -q ' again (' two.txt || fail 'no retransmission among the events'
"$estab" sim --qlog-host r --qlog none.qlog mixed.sim 2>/dev/null && fail 'a router has no log'
if "$estab" demo --qlog demo.qlog >/dev/null 2>&1; then
  [ "$("$estab" qlog --json demo.qlog | wc -l)" = 3 ] || fail 'the demo has three connections'
else
  rm -f demo.qlog
fi

cat >check.py <<'END'
import glob, json, jsonschema, random, subprocess, sys
estab, schema = sys.argv[1:]
v = jsonschema.Draft202012Validator(json.load(open(schema)))
one = {s['properties'].get('name', {}).get('const', ''): jsonschema.Draft202012Validator(s | {'$defs': v.schema['$defs']})
       for s in v.schema['$defs'].values()}
names = set()
for path in glob.glob('*.qlog'):
    seen = {}
    for i, line in enumerate(open(path)):
        assert line[0] == '\x1e', path
        o = json.loads(line[1:])
        seen[o.get('name')] = seen.get(o.get('name'), 0) + 1
        if seen[o.get('name')] > 150: continue
        names.add(o.get('name'))
        for e in one[o.get('name', '')].iter_errors(o):
            sys.exit('%s:%d: %s' % (path, i + 1, e.message))
missing = set(one) - {''} - names - {'connectivity:neighbour_updated', 'connectivity:mtu_updated'}
assert not missing, missing

# What the log adds up to is what estab_conn_info said when the handle was given back: the ACKs of later segments apart,
# and of a limit the millisecond to which it is rounded when a busy connection becomes an idle one.
for path in glob.glob('*.sim.json'):
    flows = [json.loads(l) for l in open(path)][:-1]
    logs = [json.loads(l) for l in open(path.replace('.sim.', '.log.'))]
    flows = [f for f in flows if f['from'] == flows[0]['from']]
    assert len(logs) == sum(f['transfers'] for f in flows), path
    told = lambda key: sum(f['sender'][key] for f in flows)
    read = lambda key: sum(l[key] for l in logs)
    for key in 'bytes_sent', 'retransmissions', 'spurious_retransmissions':
        assert told(key) == read(key), (path, key, told(key), read(key))
    assert told('retransmissions') > 0
    late = read('segments_sent') - told('segments_sent')
    assert 0 <= late <= 2 * len(logs), (path, late)
    assert any(f['sender']['reordering_seen'] for f in flows) == any(l['reordering_seen'] for l in logs), path
    for key in 'application', 'peer_window', 'send_buffer', 'pacing', 'cwnd':
        a = told('limited_%s_s' % key)
        b = read('limited_%s_s' % key.replace('cwnd', 'congestion_window'))
        assert abs(a - b) <= 0.001 * len(logs) + 1e-6, (path, key, a, b)

# Damage: never worse than a complaint with its line.
whole = open('mixed.qlog', 'rb').read()[:200000]
whole = whole[:whole.rindex(b'\n') + 1]
def read(data):
    p = subprocess.run([estab, 'qlog', '-'], input=data, capture_output=True)
    assert p.returncode in (0, 1), (p.returncode, p.stderr)
    assert p.returncode == 0 or b'estab qlog: -:' in p.stderr, p.stderr
    return p.returncode, p.stderr.decode()
lines = whole.count(b'\n')
assert read(whole)[0] == 0
assert read(whole.replace(b'\x1e', b''))[0] == 0, 'lines alone'
assert read(whole[:-20]) == (1, read(whole[:-20])[1]) and '-:%d: is not JSON' % lines in read(whole[:-20])[1]
assert '-:0: is empty' in read(b'')[1]
assert '-:1: is no header' in read(b'{"a":1}\n')[1]
assert '-:1: is not a JSON object' in read(b'[1]\n')[1]
head = whole[:whole.index(b'\n') + 1]
assert '-:2: has no time' in read(head + b'{"name":"x","data":{}}\n')[1]
assert '-:2: time: is not a number' in read(head + b'{"time":"x","name":"x","data":{}}\n')[1]
assert '-:3: congestion_window: is not a number' in read(
    head + b'\n{"time":1,"name":"recovery:metrics_updated","group_id":"a b","data":{"congestion_window":[]}}\n')[1]
r = random.Random(1)
for seed in range(60):
    damaged = bytearray(whole[:20000])
    for _ in range(r.randint(1, 6)):
        damaged[r.randrange(len(damaged))] = r.randrange(256)
    read(bytes(damaged))
print('%d kinds of events' % len(names))
END
python3 check.py "$estab" "$schema"
