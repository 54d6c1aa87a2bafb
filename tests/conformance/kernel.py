#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# kernel.py FOLDER PACKETDRILL [--write] - plays the public scripts of FOLDER (see conformance.py) against this machine's
# kernel: the stock packetdrill judges, by the same neutral form as referee.py has for estab. Each run has a network
# namespace of its own and real time. What another system's scripts ask of their system is answered: sockstat and
# tcpdrop by ss, sysctls that are not Linux's by success. PACKETDRILL lies in its own source tree, whose defaults.sh sets
# what the scripts of its repository take for granted. KERNEL names libkernel-packetdrill.so. --write puts the figures
# into docs/conformance.md. Needs root.
import os, re, shutil, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from conformance import ROOT, figures, pairs, scripts
from referee import ADDRESSES, NAMES, NO_ADDRESS, mtu_of, neutral_text, put, standard, unplayable, versions

KERNEL = os.environ.get('KERNEL', os.path.join(ROOT, 'build/tools/estab/referee/libkernel-packetdrill.so'))
# Topics whose scripts ask for another system's doors, or for what this kernel lets nobody switch on.
YOUNG = ('fastopen', 'fast-open', 'accecn')
AT_ONCE = 3            # runs wait for most of their time
TOLERANCE_US = 50000   # at least: time is real, and an ACK that waits 40 ms is a choice that no script is about
PATIENCE_S = 60
SHIMS = {
    'sysctl': '#!/bin/sh\ncase "$*" in *net.inet.*|*net.inet6.*|*kern.*) exit 0 ;; esac\nexec /usr/sbin/sysctl "$@"\n',
    'tcpdrop': '#!/bin/sh\nss -K state time-wait >/dev/null 2>&1\nexit 0\n',
    'sockstat': '#!/bin/sh\ncase "$*" in *-6*) of=-6 ;; *) of=-4 ;; esac\nss -Htan $of | sed "s/^/packetdril /; '
                's/TIME-WAIT/TIME_WAIT/; s/SYN-RECV/SYN_RCVD/; s/ESTAB /ESTABLISHED /; s/FIN-WAIT-/FIN_WAIT_/; '
                's/CLOSE-WAIT/CLOSE_WAIT/; s/LAST-ACK/LAST_ACK/; s/SYN-SENT/SYN_SENT/"\n',
}
SETUP = '''set -e
ip link set lo up
ip tuntap add dev pd0 mode tun
echo 0 >/proc/sys/net/ipv6/conf/pd0/router_solicitations
sysctl -qw net.ipv4.tcp_congestion_control=reno
ip link set pd0 mtu {mtu} up
{addresses}
exec "$@"
'''
ROUTES = {4: 'ip addr add 192.168.0.1/24 dev pd0\nip route add default dev pd0',
          6: 'ip addr add fd3d:0a0b:17d6::1/64 dev pd0 nodad\nip -6 route add default dev pd0'}


def make_world(top, packetdrill):
    """Folders around the place where a script runs, with what scripts name by their paths."""
    for name, text in SHIMS.items():
        put(f'{top}/bin/{name}', text)
    common = os.path.abspath(os.path.join(os.path.dirname(packetdrill), '../tcp/common'))
    for folder in ('w/a/b', 'w/a/common', 'w/common', 'w/a'):
        put(f'{top}/{folder}/defaults.sh', f'#!/bin/sh\n{common}/defaults.sh >/dev/null 2>&1\nexit 0\n')
        put(f'{top}/{folder}/set_sysctls.py',
            '#!/bin/sh\nfor a; do echo "${a#*=}" >"${a%%=*}"; done 2>/dev/null\nexit 0\n')


def judge(top, packetdrill, script, version, number, delays):
    given = open(script.path, errors='replace').read()
    text = re.sub(r'^--(ip_version|mtu|mss|send_omit_free).*\n', '', standard(given), flags=re.M)
    said = re.search(r'^--tolerance_usecs=(\d+)', text, re.M)
    text = re.sub(r'^--tolerance_usecs.*\n', '', text, flags=re.M)
    text = re.sub(r'^.*getsockopt\([^)]*SO_(RCV|SND)BUF.*\n', '', text, flags=re.M)  # each system's own
    for freebsd, linux in NAMES.items():
        text = text.replace(freebsd, linux)
    name = f'{top}/{number}-{os.path.basename(script.path)}'
    open(name, 'w').write(neutral_text(text))
    mtu = mtu_of(script, given, version)
    env = dict(os.environ, PATH=f'{top}/bin:' + os.environ['PATH'])
    command = ['unshare', '-n', 'sh', '-c', SETUP.format(mtu=mtu, addresses=ROUTES[version]), 'sh', packetdrill,
               f'--so_filename={KERNEL}', f'--ip_version=ipv{version}', f'--mtu={mtu}',
               f'--tolerance_usecs={max(TOLERANCE_US, int(said.group(1)) if said else 0)}'] + ADDRESSES[version] + [name]
    if delays:
        command.insert(-1, '--so_flags=delays')
    try:
        done = subprocess.run(command, cwd=f'{top}/w/a/b', env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PATIENCE_S)
        lines = done.stdout.decode(errors='replace').strip().split('\n')
        said = next((line for line in lines if 'error' in line), lines[-1])
        return 'pass' if done.returncode == 0 else 'fail', said.replace(top, '')
    except subprocess.TimeoutExpired:
        return 'fail', 'no end'


def best(top, packetdrill, script, version, number):
    """Linux acknowledges at once at first and later waits; FreeBSD's scripts are content with the one or the other."""
    said = judge(top, packetdrill, script, version, number, False)
    if said[0] == 'pass' or script.profile != 'freebsd':
        return said
    again = judge(top, packetdrill, script, version, number, True)
    return again if again[0] == 'pass' else said


def main():
    listed, packetdrill = list(scripts(sys.argv[1])), os.path.abspath(sys.argv[2])
    only = [a for a in sys.argv[3:] if a != '--write']
    texts = {s: open(s.path, errors='replace').read() for s in listed}
    needs = dict(pairs('needs.tsv'))
    runs = [(s, v) for s in listed if s.name not in needs and not s.topic.startswith(YOUNG)
            and unplayable(texts[s]) != NO_ADDRESS and all(o in s.name for o in only)
            for v in versions(s, texts[s])]
    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(AT_ONCE) as pool:
        make_world(top, packetdrill)
        said = list(pool.map(lambda job: best(top, packetdrill, *job[1], job[0]), enumerate(runs)))
        for nth, run in enumerate(runs):  # time is real and shared with others: once more alone
            if 'timing' in said[nth][1]:
                said[nth] = best(top, packetdrill, *run, nth)
    rows = [(s, verdict) for (s, _), (verdict, _) in zip(runs, said)]
    classes, _ = figures(rows, needs, {})
    for (script, version), (verdict, why) in zip(runs, said):
        if verdict != 'pass':
            print(f'{script.cls} {script.name}: ipv{version}: {why}')
    release, parts = os.uname().release.split('-')[0], []
    for cls in 'AB':
        able = classes[cls, 'able']
        parts.append(f'{able.count["pass"]} of {sum(able.count.values())} runs of class {cls} ({able.share():.1f} %)')
    late = sum('timing' in why for verdict, why in said if verdict != 'pass')
    line = (f'Linux {release} passes {" and ".join(parts)}, of those that need neither the modern\nsender nor are about Fast Open or '
            f'Accurate ECN. {late} runs failed by time.')
    print(line)
    if '--write' in sys.argv[3:]:
        path = os.path.join(ROOT, 'docs/conformance.md')
        page = open(path).read()
        head, rest = page.split('<!-- kernel -->\n', 1)
        tail = rest.split('<!-- end of kernel -->\n', 1)[1]
        open(path, 'w').write(head + '<!-- kernel -->\n' + line + '\n<!-- end of kernel -->\n' + tail)
    return 0


if __name__ == "__main__":
    sys.exit(main())
