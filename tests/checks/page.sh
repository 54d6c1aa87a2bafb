#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# page.sh - the page of estab watch --html in a real browser: rows, filter, order, ladders, alerts; 100,000 connections
# open quickly and are not all in the document; names that are HTML stay text; nothing is fetched, no other script runs.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=$(realpath "${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}")
"$estab" watch --help >/dev/null 2>&1 || { echo 'SKIPPED: built without extras'; exit 77; }
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo 'SKIPPED: no chromium'; exit 77; }
source=$PWD
export PYTHONPATH=$PWD/tests/support PYTHONDONTWRITEBYTECODE=1 # pcap.py
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() { echo "page: $1"; exit 1; }

for scene in close syn-scan fast-retransmit; do "$estab" sim --scene $scene --pcap $scene.pcap >/dev/null; done
"$estab" sim --loss 3% --reorder 3% --bytes 300K --back 100K --pcap lossy.pcap >/dev/null
"$estab" watch --html one.html syn-scan.pcap
"$estab" watch --html lossy.html lossy.pcap
"$estab" watch --html close.html close.pcap
"$estab" watch --html again.html fast-retransmit.pcap

# A ladder in the page has each segment once, or in its fold, whatever their number.
for bytes in 0 10K 25K 30K 40K 50K 60K 80K 200K; do
  "$estab" sim --loss 2% --reorder 2% --bytes $bytes --pcap sized.pcap >/dev/null
  "$estab" watch --html sized.html sized.pcap
  python3 - <<'EOF' || fail "the ladder of $bytes"
import json
text = open('sized.html', encoding='utf-8').read()
data = json.loads(text.split('id="data">')[1].split('</script>')[0])
c, = data['conns']
shown = [s for s in c[20] if len(s) == 12]
folds = [s for s in c[20] if len(s) == 4]
assert len(folds) == (1 if c[15] + c[16] > 60 else 0), folds
for side in (0, 1):
    n = sum(s[1] == side for s in shown) + sum(f[2 * side] for f in folds)
    assert n == c[15 + side], (side, n, c[15 + side])
assert [s[11] for s in shown] == sorted({s[11] for s in shown}) and shown[0][11] == 1 and shown[-1][11] == data['packets']
assert [s[0] for s in shown] == sorted(s[0] for s in shown)
EOF
done

# Nothing outside is named; what is not the page's own neither runs nor loads.
! grep -oE "(src|href)=['\"]?[a-z]+:|@import|url\(|fetch\(|XMLHttpRequest|import\(" one.html || fail 'something is fetched'
sed 's|</body>|<script>document.title="ran"</script><img src="x.png" onerror="document.title=1"></body>|' one.html >bent.html

# A name that is HTML, of a file and of one that cannot be read.
mkdir '<'
bad='</script><img src=x onerror=document.title=1><b id="count">'
cp syn-scan.pcap "$bad.pcap"
head -c 50 syn-scan.pcap >"$bad.cut"
if "$estab" watch --html bad.html "$bad.pcap" "$bad.cut" 2>/dev/null; then fail 'a cut file is no error'; fi

# 100,000 connections.
python3 - <<'EOF'
from pcap import *
def packet(us, *words):
    return record(1700000000 * SECOND + us, tcp4(*words, window=9000))
def opened(us, c, port, s):
    yield packet(us, c, port, s, 443, 2, 1000)
    yield packet(us + 100, s, 443, c, port, 18, 5000, 1001)
    yield packet(us + 200, c, port, s, 443, 16, 1001, 5001)
def large():
    for i in range(100000):
        c, s = struct.pack('>I', 0x0a000001 + i // 50), struct.pack('>I', 0xc0000201 + i % 7)
        port = 20000 + i % 40000
        yield from opened(i * 500, c, port, s)
        yield packet(i * 500 + 300, c, port, s, 443, 20, 1001, 5001)
def held(): # open by one client
    c, s = bytes([10, 0, 0, 1]), bytes([192, 0, 2, 1])
    for i in range(130):
        yield from opened(i * 10000, c, 20000 + i, s)
    yield packet(400 * SECOND, c, 9, s, 9, 16, 1, 1) # minutes later
save('large.pcap', large())
save('held.pcap', held())
EOF
"$estab" watch --no-checksum --html large.html large.pcap
"$estab" watch --no-checksum --html held.html held.pcap

# More places with two readings than the page lists, and two files that end within a packet.
python3 - <<'EOF'
from pcap import *
data = open('large.pcap', 'rb').read()
out, at = header(), 24
for i in range(4 * 1100):
    p = bytearray(data[at + 16:at + 56])
    if i % 4 != 2: # each third packet's checksum stays wrong
        struct.pack_into('>H', p, 36, ~total(p[12:20] + struct.pack('>HH', 6, 20) + p[20:]) & 0xffff)
    out += record(1700000000 * SECOND + i // 400 * SECOND + i % 400 * 2000, p)
    at += 56
open('doubts.pcap', 'wb').write(out[:-7])
EOF
if "$estab" watch --html doubts.html doubts.pcap "$bad.cut" 2>/dev/null; then fail 'a cut file is no error'; fi
python3 "$source/tests/page/look.py" "$browser" . ${PICTURES:+"$PICTURES"}
