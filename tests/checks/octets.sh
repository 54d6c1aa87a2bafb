#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# octets.sh - whatever octets the wire carries, what estab watch says of them is text: JSON that parses, CSV and Zeek's
# logs with all their columns, no control character on the terminal (ATTACKS O14).
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}
"$estab" watch --help >/dev/null 2>&1 || { echo 'SKIPPED: built without extras'; exit 77; }
estab=$(realpath "$estab")
export PYTHONPATH=$PWD/tests/support PYTHONDONTWRITEBYTECODE=1 # pcap.py
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# Connections in which every octet is contradicted by another one.
cat >make.py <<'EOF2'
from pcap import *

def packet(port, back, flags, seq, ack, text=b""):
    ends = (b"\xc0\x00\x02\x01", port), (b"\xc0\x00\x02\x02", 80)
    return tcp4(*ends[back], *ends[1 - back], flags, seq, ack, window=5000, text=text)

packets = []
for first in range(0, 256, 14):
    text = bytes(i & 255 for i in range(first, first + 14))
    port = 2000 + first
    packets += [packet(port, 0, 2, 99, 0), packet(port, 1, 18, 199, 100), packet(port, 0, 16, 100, 200),
                packet(port, 0, 24, 110, 200, text), packet(port, 0, 24, 110, 200, text[::-1]),
                packet(port, 0, 24, 110, 200, bytes(14)), packet(port, 0, 24, 100, 200, bytes(10))]
save("octets.pcap", (record((1 + i) * 20000, p) for i, p in enumerate(packets)))
EOF2
cat >judge.py <<'EOF2'
import csv, json

def text(name):
    read = open(name, "rb").read().decode("ascii")
    assert all(c in "\t\r\n" or " " <= c <= "~" for c in read), (name, [c for c in read if c < " "])
    return read

n = 0
for line in text("json").splitlines():
    o = json.loads(line)
    n += o["type"] == "ambiguity" and o["kind"] == "overlap"
assert n >= 19 * 2, n
rows = list(csv.reader(text("csv").splitlines()))
assert len(rows) == 20 and len({len(r) for r in rows}) == 1, len(rows)
for log in ("zeek/conn.log", "zeek/weird.log"):
    lines = text(log).splitlines()
    fields = next(l for l in lines if l.startswith("#fields")).count("\t")
    data = [l for l in lines if not l.startswith("#")]
    assert len(data) >= 19 and all(l.count("\t") == fields - 1 for l in data), log
text("table")
text("table2")
text("error")
EOF2
python3 make.py
"$estab" watch --no-checksum --json=json --csv=csv --zeek zeek octets.pcap >/dev/null
"$estab" watch --no-checksum octets.pcap >table
"$estab" watch $'no\033[31m such\nfile' 2>error >table2 && exit 1
python3 judge.py || { echo 'octets: FAILED'; exit 1; }
echo 'octets: 256 octets contradicted, all of them told as text'
