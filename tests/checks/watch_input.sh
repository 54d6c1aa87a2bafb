#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# watch_input.sh - estab watch and where its packets come from: Ctrl-C and SIGHUP while a pipe is silent, rows that do not
# wait for its end, damage told file by file, filters that mean nothing, packings, the bar of progress.
set -eu
cd "${ESTAB_SOURCE:-$(dirname "$0")/../..}"
estab=$(realpath "${ESTAB:-${ESTAB_BUILD:-build}/tools/estab/estab}")
"$estab" watch --help >/dev/null 2>&1 || { echo 'SKIPPED: built without extras'; exit 77; }
export PYTHONPATH=$PWD/tests/support PYTHONDONTWRITEBYTECODE=1 # pcap.py
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cat >input.py <<'EOF'
import gzip, json, os, pcap, pty, re, signal, struct, subprocess, sys, time
from pcap import header

ESTAB, failed = sys.argv[1], 0


def check(name, answer, *told):
    global failed
    if not answer:
        failed += 1
        print('watch_input:', name, *told)


def packet(sport, flags, seq, ack, src=1, text=b'', dport=80):
    ends = (bytes([10, 0, 0, 1]), sport), (bytes([10, 0, 0, 2]), dport)
    return pcap.tcp4(*ends[src - 1], *ends[2 - src], flags, seq, ack, text=text)


def conn(sport, t):
    """Times and packets of a connection that is over."""
    yield t, packet(sport, 2, 100, 0)
    yield t + .1, packet(sport, 18, 500, 101, 2)
    yield t + .2, packet(sport, 16, 101, 501)
    yield t + .3, packet(sport, 17, 101, 501)
    yield t + .4, packet(sport, 17, 501, 102, 2)
    yield t + .5, packet(sport, 16, 102, 502)


def record(t, p):
    return pcap.record(round(t * pcap.SECOND), p)


def conns(count, t=1e9, port=3000):
    return b''.join(record(*p) for i in range(count) for p in conn(port + i, t + 100 * i))


def ethernet(p):
    return bytes(12) + b'\x08\x00' + p


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


def pcapng(*interfaces):
    """A packet of each link type."""
    out = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
    for i, (link, p) in enumerate(interfaces):
        out += block(1, struct.pack('<HHI', link, 0, 0))
        out += block(6, struct.pack('<IIIII', i, 0, 1000000, len(p), len(p)) + p)
    return out


def save(name, data):
    with open(name, 'wb') as f:
        f.write(data)
    return name


def watch(*args, stdin=None):
    return subprocess.run([ESTAB, 'watch', '--no-checksum', *args], stdin=stdin, capture_output=True)


def rows(text):
    return [json.loads(line) for line in text.decode().splitlines()]


def finals(text):
    return sum(r['type'] == 'conn' and r['final'] for r in rows(text))


def begin(*args):
    return subprocess.Popen([ESTAB, 'watch', '--no-checksum', *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def give(run, data):
    run.stdin.write(data)
    run.stdin.flush()


def wait_for(what, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return True
        time.sleep(.05)
    return False


def taken(run):
    """It sleeps in its read: what was given has been read."""
    def asleep():
        return open('/proc/%d/stat' % run.pid).read().rsplit(')')[1].split()[0] == 'S'
    return wait_for(lambda: asleep() and (time.sleep(.1) or asleep()))


def ends(run):
    """Its exit status, standard input staying open; -1: it goes on."""
    try:
        run.wait(20)
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()
        return -1
    return run.returncode


# Signals. What came so far is told, and cut within a packet is no damage.
for number in signal.SIGINT, signal.SIGTERM:
    for given, want in (header() + conns(3), 3), (header() + conns(3)[:-30], 3), (b'', 0), (b'\xd4\xc3', 0):
        run = begin('--json', '-')
        give(run, given)
        taken(run)
        run.send_signal(number)
        status = ends(run)
        out, err = run.stdout.read(), run.stderr.read()
        check('%s while a pipe is silent, %d octets' % (number.name, len(given)),
              status == 0 and finals(out) == want and err == b'', status, out[-300:], err)
os.mkfifo('fifo')
run = begin('--json', 'fifo')
taken(run)
run.send_signal(signal.SIGINT)
check('SIGINT while a FIFO has no writer', ends(run) == 0 and run.stderr.read() == b'')
save('plain.pcap', header() + conns(2))
run = begin('--json', '--merge', 'plain.pcap', 'fifo')
taken(run)
run.send_signal(signal.SIGINT)
check('SIGINT while a FIFO has no writer, merged', ends(run) == 0 and run.stderr.read() == b'')
run = begin('--json', 'fifo')
with open('fifo', 'wb') as f:
    f.write(header() + conns(2)[:70])
    f.flush()
    time.sleep(.3)
    f.write(conns(2)[70:])
out = run.communicate()[0]
check('a FIFO, in two pieces', run.returncode == 0 and finals(out) == 2)

run = begin('--json=turned', '-w', 'turned.pcapng', '-')
give(run, header() + conns(3))
taken(run)
os.rename('turned', 'turned.1')
run.send_signal(signal.SIGHUP)
check('SIGHUP while a pipe is silent', wait_for(lambda: os.path.exists('turned')))
give(run, conns(2, 2e9))
run.stdin.close()
run.wait()
check('SIGHUP loses nothing', finals(open('turned.1', 'rb').read() + open('turned', 'rb').read()) == 5)

# Rows do not wait for the end of the pipe, nor do packets that are kept.
for args in ['--json'], ['--csv'], ['-w', '-'], []:
    run = begin(*args, '-')
    os.set_blocking(run.stdout.fileno(), False)
    give(run, header() + conns(5))
    check('rows wait for the end of the pipe: %s' % args, wait_for(lambda: run.stdout.read(1 << 20)))
    run.stdin.close()
    run.wait()
run = begin('--json', '-')
run.stdout.close()
give(run, header() + conns(5))
check('it goes on when nobody reads its rows', ends(run) == 1)
check('nobody is told that nobody reads', run.stderr.read() == b'')
for args in ['--ladder', '1'], ['--csv'], ['-w', '-'], [], ['--json']:
    save('few.pcap', header() + conns(50))
    ours, theirs = os.pipe()
    os.close(ours)
    run = subprocess.run([ESTAB, 'watch', '--no-checksum', *args, 'few.pcap'], stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    check('nobody is told that nobody reads: %s' % args, run.returncode == 1 and run.stderr == b'', run)
with open('/dev/full', 'w') as full:
    run = subprocess.run([ESTAB, 'watch', '--json', 'few.pcap'], stdout=full, stderr=subprocess.PIPE)
check('standard output has no name', run.returncode == 1 and run.stderr.startswith(b'estab watch: standard output: No space'),
      run.stderr)

# Filters.
save('raw.pcap', header() + conns(1))
run = watch('--json', '--filter', 'ether host 02:00:00:00:00:01', 'raw.pcap')
check('a filter that means nothing', run.returncode == 1 and run.stderr.count(b'\n') == 1 and
      b'link type 101: ' in run.stderr, run)
save('user.pcap', header(147) + conns(1))
run = watch('--json', '--filter', 'tcp', 'user.pcap')
check('a filter of an unknown link type', run.returncode == 1 and b'link type 147: ' in run.stderr, run)
told = [r for r in rows(run.stdout) if r['type'] == 'error']
check('a filter of an unknown link type, in JSON', [(r['file'], r['packet']) for r in told] == [('user.pcap', 1)] and
      'link type 147' in told[0]['what'], told)
p = packet(3000, 2, 100, 0)
save('two.pcapng', pcapng((101, p), (1, ethernet(p)), (101, p)))
run = watch('--json', '--filter', 'ip or vlan', 'two.pcapng')
check('a filter that one link type of two has not', run.returncode == 1 and run.stderr.count(b'\n') == 1 and
      rows(run.stdout)[-1]['packets'] == 1, run)
# More interfaces than a number of 16 bits tells apart, in two sections; the last one has no filter.
head = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
face = lambda link: block(1, struct.pack('<HHI', link, 0, 0))
last = block(6, struct.pack('<IIIII', 59999, 0, 1000000, len(p), len(p)) + p)
save('sections.pcapng', head + 60000 * face(101) + last + head + 59999 * face(101) + face(147) + last)
run = watch('--merge', '--json', '--filter', 'tcp', 'raw.pcap', 'sections.pcapng')
check('a filter of an interface of many, by time', run.returncode == 1 and b'link type 147: ' in run.stderr and
      [r['file'] for r in rows(run.stdout) if r['type'] == 'error'] == ['sections.pcapng'], run.returncode, run.stderr)
for link in 12, 14, 101: # raw IP, under its three numbers
    save('raw.pcap', header(link) + conns(1))
    run = watch('--json', '--filter', 'tcp', 'raw.pcap')
    check('a filter of raw IP', run.returncode == 0 and finals(run.stdout) == 1, link, run)
save('many.pcapng', pcapng(*[(300 + i, p) for i in range(40)], (101, p)))
run = watch('--json', '--filter', 'tcp', 'many.pcapng')
check('more link types than are kept', run.returncode == 1 and 0 < run.stderr.count(b'\n') < 20, run)
run = watch('--ladder', '1', '--filter', 'vlan', 'raw.pcap')
check('a filter that means nothing, --ladder', run.returncode == 1 and b'link type 101: ' in run.stderr, run)

# START, and packets by number, count behind the filter.
save('three.pcap', header() + conns(3))
save('cut.pcap', header() + conns(3)[:-10])
run = watch('--filter', 'port 3002', '-w', 'kept.pcapng', 'three.pcap')
check('-w', run.returncode == 0, run)
run = watch('--filter', 'port 3002', 'three.pcap')
check('START counts from what the filter left out', run.stdout == watch('kept.pcapng').stdout and
      re.search(rb'^ *1 +0\.000000 ', run.stdout, re.M), run.stdout)
run = watch('--json', '--filter', 'port 3002', 'cut.pcap')
check('the number of the packet that is damaged', [r['packet'] for r in rows(run.stdout) if r['type'] == 'error'] == [6],
      run)
save('zero.pcap', header() + record(0, packet(9, 17, 1, 1)) + b''.join(record(*p) for p in conn(3000, 7)))
check('START from time 0', re.search(rb' 7\.000000 10\.0\.0\.1:3000', watch('zero.pcap').stdout))

save('one.pcap', header() + record(7, packet(4000, 0, 1, 0)))
save('not-ip.pcap', header(1) + record(7, bytes(12) + b'\x08\x06' + bytes(28)))
check('one frame', b'\n  1 frame without IP\n' in watch('not-ip.pcap').stdout, watch('not-ip.pcap').stdout)
check('one segment', b'\n  1 segment from 0.000000 to ' in watch('one.pcap').stdout, watch('one.pcap').stdout)


def unfinished(p):
    """Its checksum is the pseudo-header's sum: the device was to go on from there."""
    return p[:36] + struct.pack('>H', pcap.total(p[12:20] + struct.pack('>HH', 6, len(p) - 20))) + p[38:]


save('offload.pcap', header() + b''.join(record(t, unfinished(p)) for t, p in conn(3000, 7)))
run = subprocess.run([ESTAB, 'watch', 'offload.pcap'], capture_output=True)
check('a row of which Zeek counts nothing says why', b'checksums that Zeek does not take' in run.stdout and
      b'--no-checksum' in run.stdout and b'--no-checksum' in run.stderr, run)
check('and none that it counts', b'Zeek does not take' not in watch('offload.pcap').stdout)

# Damage is told file by file.
run = watch('three.pcap', 'nowhere.pcap')
check('a file that is not there', run.returncode == 1 and run.stderr == b'estab watch: nowhere.pcap: No such file or directory\n', run)
run = watch('three.pcap', 'cut.pcap')
check('packets are counted by file', b'\n17 packets up to offset 976 were read.\n' in run.stderr, run)
run = watch('--csv', 'rows.csv', 'three.pcap')
check('the name of an output that stands apart', run.returncode == 1 and b'--csv=FILE' in run.stderr, run.stderr)
save('cut.gz', gzip.compress(open('cut.pcap', 'rb').read()))
check('the offset of what was unpacked', b'17 packets up to offset 976 of what was unpacked' in watch('cut.gz').stderr)
save('begun.pcap', header() + conns(1)[:-20][:60])
check('one packet', b'\n1 packet up to offset 80 was read.' in watch('begun.pcap').stderr, watch('begun.pcap').stderr)
check('merged', b'\n17 packets up to' in watch('--merge', 'three.pcap', 'cut.pcap').stderr)
many = ['close-%d.pcap' % i for i in range(100)]
for i, name in enumerate(many):
    save(name, header() + conns(1, 1e9 + i, 3000 + i))
run = subprocess.run(['bash', '-c', 'ulimit -S -n 40; exec "$@"', '-', ESTAB, 'watch', '--no-checksum', '--json', '--merge', *many],
                     capture_output=True)
check('more files than may be open at first', run.returncode == 0 and finals(run.stdout) == 100, run.stderr[:300])
check('an empty name', watch('').stderr.startswith(b"estab watch: '': No such"), watch('').stderr)
check('an empty name of an output', watch('--json=', 'three.pcap').stderr.startswith(b"estab watch: '': No such"))
for name, shown in (b'a\nb', b'a\\x0ab'), (b'a\xc2\x9bb', b'a\\xc2\\x9bb'), (b'a\x9bb', b'a\\x9bb'), (b'\xc3\xa4', b'\xc3\xa4'):
    check('a name on its way to a terminal', watch(name).stderr == b'estab watch: %s: No such file or directory\n' % shown,
          watch(name).stderr)

# One connection: both runs stop where the table's run does. The row's number is the table's also where the capture
# went on behind its last packet, from files and from pipes.
def lasting(*packets, until, lost=0):
    """A file as -w leaves it: raw IP, what was lost behind the packets, and how long the capture went on."""
    def at(t):
        return struct.pack('<II', int(t * 1e6) >> 32, int(t * 1e6) & 0xffffffff)
    out = block(0x0a0d0d0a, struct.pack('<IHHqHH8sI', 0x1a2b3c4d, 1, 0, -1, 4, 5, b'estab', 0))
    out += block(1, struct.pack('<HHI', 101, 0, 0))
    for t, p in packets:
        out += block(6, struct.pack('<I', 0) + at(t) + struct.pack('<II', len(p), len(p)) + p)
    for n, t in (0, until - 9), (lost, until - 8):
        out += block(5, struct.pack('<I', 0) + at(t) + struct.pack('<HHQI', 7, 8, n, 0))
    return out + block(5, struct.pack('<I', 0) + at(until) + struct.pack('<HH', 3, 8) + at(until) + struct.pack('<I', 0))


save('lasting.pcapng', lasting(*list(conn(3000, 1000))[:3], *conn(3001, 1001), until=1900))
first = re.search(rb'^1 +\S+ +(\S+)', watch('lasting.pcapng').stdout, re.M).group(1)
check('the row that ends first is the first', first == b'10.0.0.1:3001', first)
for words in (['lasting.pcapng'], ['-']):
    run = watch('--ladder', '1', *words, stdin=open('lasting.pcapng'))
    check('--ladder 1 is row 1', run.stdout.split()[2] == first, words, run.stdout)
save('lost.pcapng', lasting(*list(conn(3000, 1000))[:3], until=1020, lost=5))
check('what was lost at the end', b'capture lost packets' in watch('lost.pcapng').stdout, watch('lost.pcapng').stdout)
for words in (['lost.pcapng'], ['-']):
    run = watch('--ladder', '1', *words, stdin=open('lost.pcapng'))
    check('what was lost at the end, --ladder', b'capture lost packets' in run.stdout, words, run.stdout)
run = begin('--ladder', '1', '-')
give(run, header() + conns(1) + conns(1, 2e9)[:-30])
taken(run)
run.send_signal(signal.SIGINT)
check('SIGINT draws what has come', ends(run) == 0 and b'ACK of the FIN' in run.stdout.read() and run.stderr.read() == b'')
cut = watch('--ladder', '1', 'cut.pcap')
check('damage, --ladder', cut.returncode == 1 and cut.stdout and cut.stderr == watch('--json', 'cut.pcap').stderr, cut)

# Packings.
data = open('three.pcap', 'rb').read()
want = watch('--json', 'three.pcap').stdout
save('padded.gz', gzip.compress(data) + bytes(600000))
check('gzip padded by zeros', watch('--json', 'padded.gz').stdout == want and watch('padded.gz').returncode == 0)
save('padded2.gz', gzip.compress(data[:300]) + bytes(7) + gzip.compress(data[300:]))
check('gzip padded by zeros, two members', watch('--json', 'padded2.gz').stdout == want)
save('padded3.gz', gzip.compress(data) + bytes(7) + b'garbage')
check('gzip padded by something else', watch('padded3.gz').returncode == 1)
subprocess.run(['zstd', '-q', 'three.pcap'], check=True)
packed = open('three.pcap.zst', 'rb').read()
save('skippable.zst', b'\x5e\x2a\x4d\x18' + struct.pack('<I', 5) + b'hello' + packed)
check('zstd that begins with what is to be skipped', watch('--json', 'skippable.zst').stdout == want)
for magic, by in (b'\xfd7zX', 'xz'), (b'BZh9', 'bzip2'), (b'\x04"M\x18', 'lz4'):
    save('other.packed', magic + bytes(100))
    run = watch('other.packed')
    check('packed by ' + by, run.returncode == 1 and b'other.packed: packed by %s' % by.encode() in run.stderr, run.stderr)
save('window.zst', b'\x28\xb5\x2f\xfd\x00' + bytes([20 << 3]) + b'\x01\x00\x00')
run = watch('window.zst')
check('a zstd window that is too large', run.returncode == 1 and b'128 MiB' in run.stderr, run)

# Bits above the link type are of no account (FCS), at once and from what is kept.
save('high.pcap', header(0x01230000 | 101) + data[24:])
check('bits above the link type', watch('--json', 'high.pcap').stdout == want)

# The bar of progress: nothing comes behind it on its line.
save('long.pcap', header() + b''.join(record(1e9 + i / 100, packet(1024 + i % 60000, 2, 100, 0, dport=1 + i // 60000))
                                      for i in range(200000)))
shown = []
os.environ['TERM'] = 'xterm'


def see(fd):
    shown.append(os.read(fd, 65536))
    return shown[-1]


out = os.dup(1)
os.dup2(os.open('/dev/null', os.O_WRONLY), 1)
status = pty.spawn([ESTAB, 'watch', '--no-checksum', 'long.pcap'], see, lambda fd: b'')
os.dup2(out, 1)
shown = b''.join(shown)
bars = shown.count(b' packets\r\x1b[K')
check('there is no bar', status == 0 and bars > 0, status, shown[:200])
check('rows behind the bar', re.search(rb'[\n]\[#* *\][^\r]*\n', shown) is None and shown.count(b' left, ') <= bars,
      shown[:2000])
sys.exit(failed > 0)
EOF
python3 input.py "$estab" </dev/null
