#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# embed.py - page.html with its style and script, as two C arrays: what comes before the data, and what comes behind.
#
#   embed.py page.html page.css page.js OUT.c
#
# The page allows these very texts to run, by their SHA-256, and nothing else.
import base64, hashlib, sys


def allowed(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def array(name, text):
    octets = text.encode()
    lines = [','.join(str(b) for b in octets[i:i + 32]) for i in range(0, len(octets), 32)]
    return ('const unsigned char %s[] = {\n%s};\nconst unsigned %s_bytes = %d;\n' %
            (name, ',\n'.join(lines), name, len(octets)))


def main():
    html, css, js = (open(name, encoding='utf-8').read() for name in sys.argv[1:4])
    assert '</script' not in js and '</style' not in css
    for mark, text in (('@style@', css), ('@script@', js), ('@style-src@', allowed(css)), ('@script-src@', allowed(js))):
        assert html.count(mark) == 1, mark
        html = html.replace(mark, text)
    head, tail = html.split('@data@')
    with open(sys.argv[4], 'w', encoding='ascii') as out:
        out.write('// Made by embed.py of page.html, page.css and page.js.\n#include "watch/page.h"\n')
        out.write(array('page_head', head) + array('page_tail', tail))


main()
