#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# referee.py FOLDER PACKETDRILL [--write] - lets a stock packetdrill judge estab by the public scripts of FOLDER (see
# conformance.py) and counts how often it agrees with `estab script`. What the neutral rules forgive is brought into one
# form on both sides, in the expectations here and in the packets by libestab-packetdrill.so. PACKETDRILL is its
# binary, which this project neither has nor builds. ESTAB and REFEREE name the command and
# libestab-packetdrill.so. --write puts the figures into docs/conformance.md.
import json, os, re, shutil, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from conformance import HERE, ROOT, ESTAB, scripts

REFEREE = os.environ.get('REFEREE', os.path.join(ROOT, 'build/tools/estab/referee/libestab-packetdrill.so'))
ADDRESSES = {
    4: ['--local_ip=192.168.0.1', '--gateway_ip=192.168.0.254', '--netmask_ip=255.255.255.0', '--remote_ip=192.0.2.1'],
    6: ['--local_ip=fd3d:0a0b:17d6::1', '--gateway_ip=fd3d:0a0b:17d6::2', '--remote_ip=fd3d:fa7b:d17d::1']}
# A shell command asks the stack instead of the machine it runs on.
SHIM = '''#!/bin/sh
{ printf '%s' "${0##*/}"; for a; do printf '\\t%s' "$a"; done; echo; } >"$ESTAB_REFEREE/ask" &&
cat "$ESTAB_REFEREE/answer"
'''
# What the scripts of the Linux kernel end with: a file that puts back what they have set.
RESTORE = re.compile(r'/tmp/sysctl_restore_\$\{PPID\}\.sh')
SHIMS = ['sysctl', 'sockstat', 'tcpdrop', 'ip', 'ethtool', 'tc', 'nstat']


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, 'w').write(text)
    os.chmod(path, 0o755)


def make_world(top):
    """Folders around the place where a script runs, with the commands that scripts name by their paths."""
    for name in SHIMS:
        put(f'{top}/bin/{name}', SHIM)
    for folder in ('w/a/b', 'w/a/common', 'w/common', 'w/a'):
        put(f'{top}/{folder}/defaults.sh', '#!/bin/sh\nexit 0\n')
        put(f'{top}/{folder}/set_sysctls.py', SHIM)


# FreeBSD's names, of states and more; this packetdrill knows Linux's. 1008: see referee_options.c.
NAMES = {'TCPI_SYN_RECEIVED': 'TCP_SYN_RECV', 'TCPI_FIN_WAIT_': 'TCP_FIN_WAIT', 'TCPI_CLOSED': 'TCP_CLOSE',
         'TCPI_CLOSE_WAIT': 'TCP_CLOSE_WAIT', 'TCPI_ESTABLISHED': 'TCP_ESTABLISHED', 'TCPI_SYN_SENT': 'TCP_SYN_SENT',
         'TCPI_TIME_WAIT': 'TCP_TIME_WAIT', 'TCPI_LAST_ACK': 'TCP_LAST_ACK', 'TCPI_LISTEN': 'TCP_LISTEN',
         'TCPI_CLOSING': 'TCP_CLOSING', 'TCP_NOOPT': '1008', 'ttl_exceeded_in_transit': 'code_0',
         'frag_reass_exceeded': 'code_1'}


def versions(script, text):
    """As estab script decides it."""
    said = re.search(r'^--ip_version=ipv(\d)', text, re.M)
    if said:
        return [int(said.group(1))]
    return [4] if script.path.endswith('v4.pkt') else [6] if script.path.endswith('v6.pkt') else [4, 6]


def mtu_of(script, text, version):
    """As estab script decides it: 1460 octets fill a segment, but where FreeBSD's scripts are about one version."""
    if '--mtu=9000' in text:
        return 9000
    one_version = script.profile == 'freebsd' and re.search(r'^--ip_version', text, re.M)
    return 1520 if version == 6 and not one_version else 1500


# What this packetdrill cannot play, by what the script says.
NO_ADDRESS = 'have packets before any socket listens or connects, which it cannot address'
NO_COOKIE = 'name a cookie of Fast Open, which it takes in hex only'


def unplayable(text):
    """Why it cannot, or None."""
    for line in text.split('\n'):
        if re.search(r'\b(listen|connect|sendto|sendmsg)\(', line):
            break
        if re.match(r'^\s*[+\d.]+\s*<', line):
            return NO_ADDRESS
    return NO_COOKIE if re.search(r'\bFO\s+TFO_COOKIE\b', text) else None


def standard(text):
    """Branches of #ifdef STANDARD only: the stock packetdrill has no #ifdef."""
    out, taken = [], []
    for line in text.split('\n'):
        word = line.split()
        if word and word[0] == '#ifdef':
            taken.append(word[1] == 'STANDARD')
        elif word and word[0] == '#else':
            taken[-1] = not taken[-1]
        elif word and word[0] == '#endif':
            taken.pop()
        elif all(taken):
            out.append(line)
    return '\n'.join(out)


OUT = re.compile(r'^(\s*[+\d.~*]+\s*>\s*(?:\[[a-z0-9]+\]\s*)?)([SFRPUEWA.0-9-]+)(\s+[^<]*?)(?:<([^>]*)>)?(\s*//.*)?\s*$')


BYTES = {'mss': 4, 'wscale': 3, 'sackOK': 2, 'TS': 10, 'sack': 2, 'FO': 2, 'ECN': 11}


def neutral_options(text, counters):
    """In the form of referee_neutral.c, or None if there is something else among them."""
    found = {}
    for option in (o.strip() for o in text.split(',')):
        word = option.split()[0] if option else ''
        if word not in BYTES and word not in ('nop', 'eol'):
            return None
        found[word] = option
    if 'wscale' in found:
        found['wscale'] = 'wscale 7'
    if 'ECN' in found:
        counters.update(re.findall(r'(e0b|ceb|e1b)\s+(\d+)', found['ECN']))
        found['ECN'] = ' '.join(['ECN'] + [f'{name} {counters[name]}' for name in ('e0b', 'ceb', 'e1b')])
    size = sum(BYTES.get(word, 0) for word in found)
    size += 8 * found.get('sack', '').count(':') + len(''.join(found.get('FO', '').split()[1:])) // 2
    if size > 40:
        return None
    return ','.join([found[word] for word in BYTES if word in found] + ['nop'] * (-size % 4))


def neutral(line, counters):
    """An expected packet without the size of its window, PSH, window scale and order of options. counters: of Accurate
    ECN, as the packets before told them."""
    out = OUT.match(line)
    if not out or re.search(r'\bicmp\b', line):
        return line
    begin, flags, middle, options = out.group(1), out.group(2).replace('P', ''), out.group(3), out.group(4)
    if 'S' in flags:
        counters.update({'e0b': '1', 'ceb': '0', 'e1b': '1'})
    middle = re.sub(r'\bwin\s+[1-9]\d*', '', middle)
    if options is not None and options.strip() != '...':
        options = neutral_options(options, counters)
        if options is None:
            return line
    return f'{begin}{flags or "-"}{middle}' + (f' <{options}>' if options else '')


def neutral_text(text):
    counters = {'e0b': '1', 'ceb': '0', 'e1b': '1'}
    return '\n'.join(neutral(line, counters) for line in text.split('\n'))


def judge(top, packetdrill, script, version, number):
    given = open(script.path, errors='replace').read()
    text = standard(given)
    # Not options of this packetdrill's, or ones that are given below.
    text = re.sub(r'^--(ip_version|mtu|mss|send_omit_free).*\n', '', text, flags=re.M)
    for freebsd, linux in NAMES.items():
        text = text.replace(freebsd, linux)
    text = neutral_text(RESTORE.sub('true', text))
    world = f'{top}/{number}'
    os.makedirs(world)
    os.mkfifo(f'{world}/ask')
    os.mkfifo(f'{world}/answer')
    name = f'{world}/{os.path.basename(script.path)}'
    open(name, 'w').write(text)
    mtu = mtu_of(script, given, version)
    flags = f'profile={script.profile},ip={version},mtu={mtu},neutral,folder={world}'
    env = dict(os.environ, ESTAB_REFEREE=world, LD_PRELOAD=REFEREE, PATH=f'{top}/bin:' + os.environ['PATH'])
    command = [packetdrill, f'--so_filename={REFEREE}', f'--so_flags={flags}', f'--ip_version=ipv{version}',
               f'--mtu={mtu}'] + ADDRESSES[version] + [name]
    try:
        done = subprocess.run(command, cwd=f'{top}/w/a/b', env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=20)
        said = done.stdout.decode(errors='replace').strip().split('\n')[-1]
        result = 'pass' if done.returncode == 0 else 'fail', said.replace(world, '')
    except subprocess.TimeoutExpired:
        result = 'fail', 'no end'
    shutil.rmtree(world)
    return result


def own(listed):
    verdict = {}
    for profile in set(s.profile for s in listed):
        files = [s.path for s in listed if s.profile == profile]
        out = subprocess.run([ESTAB, 'script', '--json', '--profile', profile] + files,
                             stdout=subprocess.PIPE, text=True).stdout
        for row in map(json.loads, out.splitlines()):
            if 'script' in row:
                verdict[row['script'], int(row['ip_version'][3])] = row['verdict'], row['reason']
    return verdict


def main():
    listed, packetdrill = list(scripts(sys.argv[1])), os.path.abspath(sys.argv[2])
    ours = own(listed)
    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(os.cpu_count()) as pool:
        make_world(top)
        texts = {s: open(s.path, errors='replace').read() for s in listed}
        runs = [(s, v) for s in listed if not unplayable(texts[s]) for v in versions(s, texts[s])]
        left_out = {reason: 0 for reason in (NO_ADDRESS, NO_COOKIE)}
        for s in listed:
            if unplayable(texts[s]):
                left_out[unplayable(texts[s])] += len(versions(s, texts[s]))
        theirs = list(pool.map(lambda job: judge(top, packetdrill, *job[1], job[0]), enumerate(runs)))
    both = {}
    for (script, version), (verdict, reason) in zip(runs, theirs):
        mine, why = ours.get((script.path, version), ('error', 'not run'))
        key = 'agree' if (mine == 'pass') == (verdict == 'pass') else 'disagree'
        both[key, verdict] = both.get((key, verdict), 0) + 1
        if key == 'disagree':
            print(f'{script.name}: ipv{version}: packetdrill: {verdict}: {reason}; estab script: {mine}: {why}')
    agree = both.get(('agree', 'pass'), 0) + both.get(('agree', 'fail'), 0)
    more = '; '.join(f'{count} {reason}' for reason, count in left_out.items())
    line = (f'{len(runs)} runs (left out: {more}): {both.get(("agree", "pass"), 0)} pass and '
            f'{both.get(("agree", "fail"), 0)} do not by both, '
            f'{both.get(("disagree", "pass"), 0)} pass only by packetdrill, {both.get(("disagree", "fail"), 0)} only by '
            f'`estab script`: they agree in {100 * agree / max(1, len(runs)):.1f} %')
    print(line)
    if '--write' in sys.argv[3:]:
        path = os.path.join(ROOT, 'docs/conformance.md')
        page = open(path).read()
        head, rest = page.split('<!-- referee -->\n', 1)
        tail = rest.split('<!-- end of referee -->\n', 1)[1]
        open(path, 'w').write(head + '<!-- referee -->\n' + line + '.\n<!-- end of referee -->\n' + tail)
    return 0 if agree >= 0.98 * len(runs) else 1


if __name__ == "__main__":
    sys.exit(main())
