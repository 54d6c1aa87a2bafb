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
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
fail() { echo "page: $1"; exit 1; }

# The document after the page's script ran; what the console said is in console.txt.
dom()
{
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --window-size=1600,1000 --user-data-dir="$scratch/profile" \
    --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --dump-dom "file://$scratch/$1" 2>stderr.txt >dom.html
  grep 'CONSOLE' stderr.txt >console.txt || true
}
cat >read.py <<'EOF'
import html.parser, sys
class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.ids, self.names, self.steps, self.kinds, self.at, self.script = [], {}, {}, [], [], None, False
        self.root, self.depth = {}, 0
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        c = (a.get('class') or '').split()
        self.names[tag] = self.names.get(tag, 0) + 1
        if tag == 'html': self.root = a
        if tag == 'script': self.script = True
        if 'id' in a: self.at = self.ids.setdefault(a['id'], [])
        if 'row' in c: self.at = []; self.rows.append(self.at)
        if 'step' in c: self.at = []; self.steps.append(self.at)
        if 'alert' in c: self.kinds.append(a.get('data-kind'))
    def handle_endtag(self, tag):
        if tag == 'script': self.script = False
    def handle_data(self, text):
        if not self.script and self.at is not None and text.strip(): self.at.append(text.strip())
r = Reader()
r.feed(open('dom.html', encoding='utf-8').read())
rows, steps, kinds, root, ids = [' '.join(x) for x in r.rows], [' '.join(x) for x in r.steps], r.kinds, r.root, r.ids
for word in sys.argv[1:]:
    if not eval(word):
        sys.exit('%s is not so: rows %s, steps %s, alerts %s, count %s' % (word, rows[:3], steps[:3], kinds, ids.get('count')))
EOF
holds() { python3 read.py "$@" || fail "$page"; [ ! -s console.txt ] || { cat console.txt; fail "$page: the console says something"; }; }

for scene in close syn-scan; do "$estab" sim --scene $scene --pcap $scene.pcap >/dev/null; done
"$estab" sim --loss 3% --reorder 3% --bytes 300K --back 100K --pcap lossy.pcap >/dev/null
"$estab" watch --html one.html syn-scan.pcap
"$estab" watch --html lossy.html lossy.pcap
"$estab" watch --html close.html close.pcap
uid=$("$estab" watch --csv lossy.pcap | sed -n 2p | cut -d, -f2)

page=one.html
dom one.html
holds 'len(rows) == 10' 'kinds == ["syn_scan"]' '"192.0.2.2:21" in rows[0]' '"refused" in rows[0]' 'not steps'
dom 'one.html#f=port:80'
holds 'len(rows) == 1' '"reset by orig" in rows[0]' '"1 of 10 connections" in " ".join(ids["count"])'
dom 'one.html#f=-refused'
holds 'len(rows) == 1'
dom 'one.html#s=-responder&m=dark'
holds '"192.0.2.2:443" in rows[0]' '"192.0.2.2:21" in rows[9]' 'root["data-theme"] == "dark"'
page=lossy.html
dom "lossy.html#c=$uid"
holds '40 < len(steps) < 80' '"SYN-SENT" in steps[1] and "SYN 0:0(0)" in steps[1]' 'any("⋮" in s for s in steps)' \
  'any("again" in s for s in steps)' '"TIME-WAIT" in steps[-1]' 'not kinds'
page=close.html
dom "close.html#c=$("$estab" watch --csv close.pcap | sed -n 2p | cut -d, -f2)"
holds 'not any("⋮" in s for s in steps)' 'sum("FIN|ACK" in s for s in steps) == 2'

# Nothing outside is named; what is not the page's own neither runs nor loads.
! grep -oE "(src|href)=['\"]?[a-z]+:|@import|url\(|fetch\(|XMLHttpRequest|import\(" one.html || fail 'something is fetched'
sed 's|</body>|<script>document.title="ran"</script><img src="x.png" onerror="document.title=1"></body>|' one.html >bent.html
dom bent.html
[ "$(grep -ciE 'refused|violates|blocked' console.txt)" -ge 2 ] || fail 'a foreign script or image was not refused'
grep -q '<title>estab watch: ' dom.html || fail 'a foreign script ran'

# A name that is HTML, of a file and of one that cannot be read.
mkdir '<'
bad='</script><img src=x onerror=document.title=1><b id="count">'
cp syn-scan.pcap "$bad.pcap"
head -c 50 syn-scan.pcap >"$bad.cut"
"$estab" watch --html bad.html "$bad.pcap" "$bad.cut" 2>/dev/null && fail 'a cut file is no error'
page=bad.html
dom bad.html
holds 'len(rows) == 10' '"img" not in r.names' '"b" not in r.names or r.names["b"] == 2' \
  '"</script><img" in " ".join(ids["files"])' '"offset" in " ".join(ids["foot"])'

# 100,000 connections.
python3 - <<'EOF'
import struct
out = bytearray(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
def packet(us, src, sport, dst, dport, seq, ack, flags):
    p = struct.pack('>BBHHHBBH4s4sHHIIBBHHH', 0x45, 0, 40, 0, 0x4000, 64, 6, 0, src, dst, sport, dport, seq, ack, 0x50, flags, 9000, 0, 0)
    out.extend(struct.pack('<IIII', 1700000000 + us // 1000000, us % 1000000, 40, 40) + p)
for i in range(100000):
    c, s = struct.pack('>I', 0x0a000001 + i // 50), struct.pack('>I', 0xc0000201 + i % 7)
    port = 20000 + i % 40000
    packet(i * 500, c, port, s, 443, 1000, 0, 2)
    packet(i * 500 + 100, s, 443, c, port, 5000, 1001, 18)
    packet(i * 500 + 200, c, port, s, 443, 1001, 5001, 16)
    packet(i * 500 + 300, c, port, s, 443, 1001, 5001, 20)
open('large.pcap', 'wb').write(out)
EOF
"$estab" watch --no-checksum --html large.html large.pcap
page=large.html
dom 'large.html#f=10.0.7.207&s=-start'
holds '0 < len(rows) < 120' '"50 of 100,000 connections" in " ".join(ids["count"])' 'all("10.0.7.207:" in x for x in rows)' \
  'int(root["data-ready-ms"]) < 10000'
dom large.html
holds '10 < len(rows) < 120' '"100,000 connections" in " ".join(ids["count"])'
python3 -c 'import re, os; print("%d octets, shown after %s ms" % (os.path.getsize("large.html"), re.search("data-ready-ms=.([0-9]+)", open("dom.html").read()).group(1)))'
