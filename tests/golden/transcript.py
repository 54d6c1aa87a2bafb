#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# transcript.py - runs what a page shows after "$ " and compares what it shows below with what comes out.
#
#   transcript.py [--write] [--public DIR] FILE...
#
# A FILE is a text, or a page (.scd, .md) of which the blocks between ``` count. Commands of one FILE share a folder,
# where `public` is DIR. A line "..." stands for any lines. --write puts what comes out there; where a page leaves out
# more than one piece, it says what a person has to renew.
import os, subprocess, sys, tempfile


def blocks(path, lines):
    """Runs of (first line, last line + 1) that hold commands and what they print."""
    if not path.endswith(('.scd', '.md')):
        return [(0, len(lines))]
    fences = [i for i, line in enumerate(lines) if line.startswith('```')]
    return [(a + 1, b) for a, b in zip(fences[::2], fences[1::2])]


def steps(lines, first, last):
    """(command, number of its line, what is shown below)"""
    at = first
    while at < last:
        if not lines[at].startswith('$ '):
            at += 1
            continue
        start, command = at, lines[at][2:]
        while command.endswith('\\'):
            at += 1
            command = command[:-1] + lines[at].lstrip()
        at += 1
        shown = at
        while at < last and not lines[at].startswith('$ '):
            at += 1
        yield command, start, lines[start:shown], lines[shown:at]


def fits(shown, have):
    if not shown:
        return not have
    if shown[0] == '...':
        return any(fits(shown[1:], have[i:]) for i in range(len(have) + 1))
    return bool(have) and shown[0] == have[0] and fits(shown[1:], have[1:])


def run(command, folder, estab):
    env = dict(os.environ, PATH=os.path.dirname(estab) + ':' + os.environ['PATH'], LC_ALL='C.UTF-8')
    env.pop('COLUMNS', None)
    done = subprocess.run(['bash', '-c', command], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return done.stdout.decode('utf-8', 'replace').splitlines()


def renewed(shown, have):
    """What a page shows from now on: as many lines at both ends of a gap; more gaps than one are left to a person."""
    gaps = shown.count('...')
    if gaps == 0:
        return have
    at = shown.index('...')
    if gaps > 1 or len(have) < len(shown) - 1:
        return shown
    return have[:at] + ['...'] + have[len(have) - (len(shown) - at - 1):]


def play(path, write, public, estab):
    with open(path, encoding='utf-8') as f:
        lines = f.read().splitlines()
    wrong, count, new, told = 0, 0, [], 0
    with tempfile.TemporaryDirectory() as folder:
        if public:
            os.symlink(os.path.abspath(public), os.path.join(folder, 'public'))
        for first, last in blocks(path, lines):
            for command, at, typed, shown in steps(lines, first, last):
                have = run(command, folder, estab)
                count += 1
                new += lines[told:at] + typed + (renewed(shown, have) if write else shown)
                told = at + len(typed) + len(shown)
                if fits(shown, have):
                    continue
                if write and fits(renewed(shown, have), have):
                    continue
                wrong += 1
                print('%s:%d: $ %s' % (path, at + 1, command))
                print('\n'.join(['--- shown'] + shown + ['--- came out'] + have))
    new += lines[told:]
    if write:
        with open(path, 'w', encoding='utf-8') as f:
            f.write('\n'.join(new) + '\n')
    return count, wrong


def main():
    words, public, write, files = sys.argv[1:], None, False, []
    while words:
        word = words.pop(0)
        if word == '--write':
            write = True
        elif word == '--public':
            public = words.pop(0)
        else:
            files.append(word)
    estab = os.path.abspath(os.environ.get('ESTAB', 'build/tools/estab/estab'))
    count = wrong = 0
    for path in files:
        c, w = play(path, write, public, estab)
        count, wrong = count + c, wrong + w
    print('%d passed, %d failed' % (count - wrong, wrong))
    sys.exit(1 if wrong or not count else 0)


main()
