#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# needs.py FOLDER [--write] - which of the public scripts in FOLDER need a part that estab does not have yet: the rule
# by which tests/conformance/needs.tsv is made (name of the script, tab, what it needs; scripts that need nothing are
# not in it). Without --write compares the file with what the rule says and fails when they differ.
#
# The rule looks at what a script asks of the host, never at whether estab passes it:
#   sender     SACK blocks that arrive (the sender is to act on them), a mechanism of the modern sender by its name
#              (RACK, TLP, PRR, CUBIC, HyStart, undo, FACK), or a field of tcp_info that only such a sender has
import os, re, sys

HERE = os.path.dirname(os.path.abspath(__file__))
TIME = r'^\s*[+\d.~*]+\s*'
IN = re.compile(TIME + r'<.*$')
SENDER_WORD = re.compile(r'\b(RACK|TLP|PRR|CUBIC|HyStart|FACK|undo)\b|tcp_cubic|/(prr|cubic|undo)-', re.I)
SENDER_FIELD = re.compile(r'\btcpi_(ca_state|sacked|lost|retrans|reordering|delivered|busy_time|rwnd_limited)\b')


def needs(name, text):
    found = set()
    for line in text.split('\n'):
        if IN.match(line) and re.search(r'<[^<>]*\bsack\s+\d', line):
            found.add('sender')
    if SENDER_WORD.search(text) or SENDER_WORD.search(name) or SENDER_FIELD.search(text):
        found.add('sender')
    return found


def rows(folder):
    for row in open(os.path.join(folder, 'LIST.tsv')).read().split('\n')[1:]:
        field = row.split('\t')
        if len(field) < 4 or field[1] != 'open':
            continue
        repo, path = field[3].split(':', 1)
        text = open(os.path.join(folder, repo.replace('/', '+'), path), errors='replace').read()
        # What is written for another system only is not asked of estab.
        text = re.sub(r'^#ifdef (?!STANDARD).*?^#endif', '', text, flags=re.M | re.S)
        found = needs(path, text)
        if found:
            yield f'{field[3]}\t{",".join(sorted(found))}\n'


def main():
    folder, path = sys.argv[1], os.path.join(HERE, 'needs.tsv')
    made = ''.join(sorted(rows(folder)))
    if '--write' in sys.argv[2:]:
        open(path, 'w').write(made)
        return 0
    if open(path).read() == made:
        return 0
    print(f'{os.path.relpath(path)} is not what the rule says: {sys.argv[0]} {folder} --write')
    return 1


sys.exit(main())
