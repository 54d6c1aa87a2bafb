#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# mutate.py FILE.pkt... - is the runner lenient? Changes one expected field of a script at a time (flag, SEQ, ACK,
# length, option, time, errno, value, state; a packet left out or added) and expects each mutant to fail. Prints the
# survivors and a count. ESTAB names the command.
import os, re, subprocess, sys, tempfile

ESTAB = os.environ.get('ESTAB', 'build/tools/estab/estab')
OUT = re.compile(r'^(\s*\S+\s+)>(\s*)([SFRPUEWA.\-]+)(\s+)(\d+):(\d+)\((\d+)\)(.*)$')


def bump(text, by=1):
    return str((int(text) + by) % 2**32)


def packet_mutants(m):
    time, gap, flags, gap2, first, last, length, rest = m.groups()
    def line(flags=flags, first=first, last=last, length=length, rest=rest, time=time):
        return f'{time}>{gap}{flags}{gap2}{first}:{last}({length}){rest}'
    # A SYN of the host sets the mapping: its number is free.
    if 'S' not in flags and not ('R' in flags and '.' not in flags):
        yield 'seq', line(first=bump(first), last=bump(last))
    if int(length) > 0 or 'S' not in flags:
        yield 'length', line(last=bump(last), length=bump(length))
    for flag in 'F.':
        if flag in flags:
            if len(flags) > 1:
                yield 'flag -' + flag, line(flags=flags.replace(flag, ''))
        elif 'R' not in flags or flag == 'F':
            yield 'flag +' + flag, line(flags=flag + flags if flag == 'F' else flags + flag)
    if 'S' not in flags and 'R' not in flags:
        yield 'flag +R', line(flags='R' + flags)
    ack = re.search(r'\back (\d+)', rest)
    if ack and '.' in flags:
        yield 'ack', line(rest=rest[:ack.start(1)] + bump(ack.group(1)) + rest[ack.end(1):])
    mss = re.search(r'mss (\d+)', rest)
    if mss:
        yield 'mss', line(rest=rest[:mss.start(1)] + bump(mss.group(1)) + rest[mss.end(1):])
    if '<' in rest and '...' not in rest:
        for option in re.findall(r'(?:sackOK|wscale \d+|TS val \d+ ecr \d+|sack [\d: ]+)', rest):
            fewer = rest.replace(option, 'nop', 1)
            yield 'option ' + option.split()[0], line(rest=fewer)
        sack = re.search(r'sack (\d+):', rest)
        if sack:
            yield 'sack', line(rest=rest[:sack.start(1)] + bump(sack.group(1)) + rest[sack.end(1):])
        echo = re.search(r'ecr (\d+)', rest)
        if echo and int(echo.group(1)) > 0:
            yield 'ecr', line(rest=rest[:echo.start(1)] + bump(echo.group(1)) + rest[echo.end(1):])
    window = re.search(r'\bwin 0\b', rest)
    if window and 'R' not in flags:
        yield 'window', line(rest=rest.replace('win 0', 'win 100', 1))
    when = re.match(r'^(\s*\+)([\d.]+)(\s+)$', time)
    if when:
        later = float(when.group(2)) * 1.05 + 2
        yield 'late', line(time=f'{when.group(1)}{later}{when.group(3)}')
        if 0.5 < float(when.group(2)) < 20:  # the tolerance grows with the time
            yield 'early', line(time=f'{when.group(1)}{float(when.group(2)) - 0.45}{when.group(3)}')
    # Without a packet that a timer sends the script does not wait for it either: nothing is wrong then.
    if re.match(r'^\s*\+0\s', time):
        yield 'missing', ''
    yield 'extra', line() + '\n' + re.sub(r'^\s*\S+', '+0', line(), count=1)


def read_lines(lines):
    """Numbers of the lines that the runner reads: comments and branches of #ifdef that are not taken are none."""
    taken = []
    for number, text in enumerate(lines):
        word = text.split()
        if word and word[0] in ('#ifdef', '#ifndef'):
            taken.append((word[1] == 'STANDARD') == (word[0] == '#ifdef'))
        elif word and word[0] == '#else':
            taken[-1] = not taken[-1]
        elif word and word[0] == '#endif':
            taken.pop()
        elif all(taken) and not text.lstrip().startswith('//'):
            yield number


def line_mutants(text):
    m = OUT.match(text)
    if m:
        yield from packet_mutants(m)
    m = re.match(r'^(.*\b(?:read|write|recv|send)\(.*\) = )(\d+)\s*$', text)
    if m:
        yield 'result', m.group(1) + bump(m.group(2))
    m = re.match(r'^(.*\) = -1 )(E[A-Z]+)(.*)$', text)
    if m:
        yield 'errno', m.group(1) + ('EBADF' if m.group(2) != 'EBADF' else 'EPIPE') + m.group(3)
    m = re.match(r'^(.*SO_ERROR, \[)(\w+)(\].*)$', text)
    if m:
        yield 'so_error', m.group(1) + ('EPIPE' if m.group(2) != 'EPIPE' else '0') + m.group(3)
    m = re.match(r'^(.*assert .*)==(.*)$', text)
    if m:
        yield 'assert', m.group(1) + '!=' + m.group(2)
    m = re.match(r'^(.*grep -c \w+ \| grep )(\d+)(.*)$', text)
    if m:
        yield 'count', m.group(1) + bump(m.group(2)) + m.group(3)


def run(paths):
    """Verdict of each path: pass only if every IP version passed."""
    import json
    verdicts = {}
    for i in range(0, len(paths), 200):
        out = subprocess.run([ESTAB, 'script', '--json'] + paths[i:i + 200], stdout=subprocess.PIPE, text=True).stdout
        for row in out.splitlines():
            row = json.loads(row)
            if 'script' in row:
                verdicts.setdefault(row['script'], []).append(row['verdict'])
    return {p: all(v == 'pass' for v in verdicts.get(p, ['error'])) for p in paths}


def main():
    good = [p for p, passed in run(sys.argv[1:]).items() if passed]
    with tempfile.TemporaryDirectory() as folder:
        mutants = {}
        for path in good:
            lines = open(path).read().split('\n')
            for number in read_lines(lines):
                for what, changed in line_mutants(lines[number]):
                    name = os.path.join(folder, f'{len(mutants)}{"-v4" if path.endswith("v4.pkt") else ""}.pkt')
                    open(name, 'w').write('\n'.join(lines[:number] + [changed] + lines[number + 1:]))
                    mutants[name] = (path, number + 1, what, changed)
        alive = [mutants[p] for p, passed in run(list(mutants)).items() if passed]
    for path, number, what, changed in alive:
        print(f'{path}:{number}: survives: {what}: {changed.strip()}')
    killed = len(mutants) - len(alive)
    print(f'{len(good)} scripts, {len(mutants)} mutants, {killed} killed ({100 * killed / max(1, len(mutants)):.1f} %)')
    return 0 if mutants and killed >= 0.99 * len(mutants) else 1


sys.exit(main())
