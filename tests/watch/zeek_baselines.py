#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""zeek_baselines.py ESTAB ZEEK - rows beside those that Zeek's own tests expect.

ZEEK is a checkout of Zeek's sources. Each of its tests that reads a capture and has a conn.log among what it expects
is read by ESTAB, too, and every TCP row compared, column by column. Prints the rows that differ and, last, how many
are equal. What differs for a reason that is none of TCP's (the test changes Zeek's settings, loads no list of ports,
drops packets, or wraps them in what is not decoded here; copies of packets count once here) is in REASONS.
"""
import collections
import functools
import glob
import json
import os
import re
import subprocess
import sys

COLUMNS = ['conn_state', 'history', 'duration', 'orig_bytes', 'resp_bytes', 'missed_bytes',
           'orig_pkts', 'orig_ip_bytes', 'resp_pkts', 'resp_ip_bytes']
REASONS = {
    'core.checksums_ignore_nets': 'a setting of the test: checksums of some networks are ignored',
    'core.cisco-fabric-path': 'every packet is there twice',
    'core.conn-size-flip': 'every packet is there twice',
    'core.expire-all-timers': 'a setting of the test: no timers',
    'core.pbb': 'provider backbone bridging is not decoded',
    'core.pcap.dynamic-filter': 'the test filters packets',
    'core.pppoe-over-qinq': 'packets that are there twice',
    'core.tcp.large-file-reassembly': 'a setting of the test: no bound on text that nobody acknowledges',
    'core.tunnels.ayiya': 'AYIYA is not decoded',
    'core.tunnels.gre-aruba-amsdu': "a vendor's frames in GRE are not decoded",
    'core.tunnels.gre-over-udp': 'GRE in UDP is not decoded',
    'core.tunnels.gtp.different_dl_and_ul': "x: an analyzer of Zeek's gave up",
    'core.udp-broadcast-no-flip': "the row is not TCP's",
    'core.vntag-in-vlan': 'VN-Tag is not decoded',
    'scripts.base.frameworks.analyzer.request-analyzer': 'the test writes no counts of packets',
    'scripts.base.frameworks.logging.field-extension': 'the test loads no list of likely servers',
    'scripts.base.frameworks.netcontrol.packetfilter': 'the test drops packets',
    'scripts.base.frameworks.notice.file-info-multiple-conns': "the log is of files, not connections",
    'scripts.base.protocols.ftp.ftp-max-command-length': "x: an analyzer of Zeek's gave up",
    'scripts.base.protocols.ftp.gridftp': 'the test drops packets',
    'scripts.base.protocols.http.m57-long-download-windowsupdate': 'packets that are there twice',
}


def test_of(root, name):
    """The text of the test to which a folder of what is expected belongs."""
    path = os.path.join(root, 'testing/btest', name.replace('.', '/'))
    for base in (path, re.sub(r'-\d+$', '', path)):
        for end in ('.zeek', '.test', '.sh'):
            if os.path.exists(base + end):
                with open(base + end, errors='replace') as f:
                    return f.read()
    return ''


def expected(path, test):
    """TCP rows as dictionaries: the names of columns are in the log, or zeek-cut's words in the test."""
    with open(path, errors='replace') as f:
        lines = f.read().splitlines()
    fields = next((l.split('\t')[1:] for l in lines if l.startswith('#fields')), None)
    if not fields and len(lines) > 1 and 'id.orig_h' in lines[1]:
        fields = lines[1].split('\t')
    if not fields:
        cuts = re.findall(r'zeek-cut +(?:-\S+ +)*([a-z_. ]+?)(?: *[<>|]|$| [a-z_]+\.log)', test, re.M)
        fields = next((c.split() for c in reversed(cuts) if 'history' in c), [])
    if 'id.orig_h' not in fields or not set(fields) & set(COLUMNS):
        return []
    rows = [dict(zip(fields, l.split('\t'))) for l in lines
            if not l.startswith('#') and len(l.split('\t')) == len(fields)]
    return [r for r in rows if r.get('proto', 'tcp') == 'tcp' and r['id.orig_h'] != 'id.orig_h']


@functools.lru_cache(None)
def rows_of(estab, capture, options):
    out = subprocess.run([estab, 'watch', '--json', *options, capture], capture_output=True,
                         text=True, timeout=120, check=False).stdout
    records = [json.loads(line) for line in out.splitlines()]
    return list({r['uid']: r for r in records if r['type'] == 'conn'}.values())


def differs(want, row):
    """Columns of both that are not the same."""
    different = {}
    for c in COLUMNS:
        if c not in want or want[c].startswith('XXX'):
            continue
        got = row.get(c)
        if c == 'duration' and got is not None and want[c] != '-':
            same = abs(float(want[c]) - got) < 2e-6
        else:
            same = want[c] == ('-' if got is None else str(got))
        if not same:
            different[c] = (want[c], got)
    return different


def compare(wants, rows):
    """Each wanted row beside the one of its ends that is most like it: those equal, and what differs."""
    equal, bad, left = 0, [], list(rows)
    for want in wants:
        ends = [c for c in ('id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p') if want.get(c, '')]
        mine = [r for r in left if all(str(r[c]) == want[c] for c in ends)]
        if not mine:
            bad.append((want, 'no row'))
            continue
        best = min(mine, key=lambda r: len(differs(want, r)))
        left.remove(best)
        different = differs(want, best)
        if different:
            bad.append((want, different))
        else:
            equal += 1
    return equal, bad


def main(estab, root):
    total = collections.Counter()
    for path in sorted(glob.glob(os.path.join(root, 'testing/btest/Baseline/*/*conn*'))):
        name = os.path.basename(os.path.dirname(path))
        test = test_of(root, name)
        wants = expected(path, test)
        keys = ((), ('--key-vlan',)) if 'vlan_fivetuple' in name else ((),)
        answers, missing = [], False
        for command in (l for l in test.splitlines() if 'TEST-EXEC' in l and 'TRACES' in l):
            blind = re.search(r' -[a-zA-Z]*C', command) or 'ignore_checksums' in test
            for trace in re.findall(r'\$\{?TRACES\}?/([^\s%">;|]+)', command):
                capture = os.path.join(root, 'testing/btest/Traces', trace)
                missing |= not os.path.exists(capture)
                if wants and os.path.exists(capture):
                    more = ('--no-checksum',) if blind else ()
                    answers += [compare(wants, rows_of(estab, capture, key + more)) for key in keys]
        equal, bad = max(answers, key=lambda a: a[0], default=(0, []))
        if not answers or (missing and not equal):
            continue
        reason = next((text for start, text in REASONS.items() if name.startswith(start)), None)
        total.update(logs=1, equal=equal, **{'explained' if reason else 'different': len(bad)})
        for want, what in [] if reason else bad:
            print(f'{name}/{os.path.basename(path)}: {want.get("id.orig_h")} -> {want.get("id.resp_h")}: {what}')
        if bad and reason:
            print(f'{name}: {len(bad)} rows: {reason}')
    print(f'{total["logs"]} logs of Zeek, {total["equal"]} rows equal, {total["explained"]} explained, '
          f'{total["different"]} different')
    return 1 if total['different'] or not total['equal'] else 0


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
