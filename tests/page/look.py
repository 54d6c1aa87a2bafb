#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# look.py - opens pages of estab watch --html as a reader would: look.py BROWSER FOLDER [PICTURES]. See tests/checks/page.sh.
import os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from browser import Browser

browser, folder, pictures = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None
b = Browser(browser, folder + '/profile')
passed = failed = 0

ROWS = "[...document.querySelectorAll('#space .row')].map(r => [...r.children].map(c => c.textContent).join(' '))"
STEPS = "[...document.querySelectorAll('.step')].map(s => s.textContent)"
COUNT = "document.getElementById('count').textContent"


def holds(what, truth, *shown):
    global passed, failed
    if truth:
        passed += 1
    else:
        failed += 1
        print('not so: %s %s' % (what, ' '.join(str(s)[:400] for s in shown)))


def silent(what):
    holds(what + ': the console is silent', not b.said, b.said)


def look(name):
    if pictures:
        b.picture(os.path.join(pictures, name + '.png'))


def one_scan():
    b.open(folder + '/one.html')
    rows = b.value(ROWS)
    holds('ten rows', len(rows) == 10 and '192.0.2.2:21 orig' in rows[0] and 'refused' in rows[0], rows)
    holds('one alert', b.value("[...document.querySelectorAll('.alert')].map(a => a.dataset.kind).join()") == 'syn_scan')
    holds('what was learned', b.value("document.querySelector('.answer.open').textContent") == 'open192.0.2.2:80')
    b.click("document.querySelector('.alert summary')")
    evidence = b.value("[...document.querySelectorAll('.evidence tr')].map(r => r.textContent)")
    holds('probes are segments', '10 segments, ' in b.value("document.querySelector('.alert').textContent"))
    holds('evidence', len(evidence) == 10 and 'packet 1' in evidence[0] and '192.0.2.2:21 S' in evidence[0], evidence)
    look('scan')
    b.click("[...document.querySelectorAll('#head button')].find(x => x.textContent.startsWith('responder'))")
    b.click("[...document.querySelectorAll('#head button')].find(x => x.textContent.startsWith('responder'))")
    rows = b.value(ROWS)
    holds('sorted downward by a second click', '192.0.2.2:443' in rows[0] and '192.0.2.2:21 ' in rows[9], rows)
    holds('rows by number, and how many, to readers of screens', b.value(
        "[document.getElementById('table').getAttribute('aria-rowcount'),"
        " [...document.querySelectorAll('#space .row')].map(r => r.getAttribute('aria-rowindex')).join()]") ==
        ['11', '2,3,4,5,6,7,8,9,10,11'])
    holds('said to readers of screens', b.value("document.querySelector('#head [aria-sort=descending]').textContent") == 'responder ▾')
    b.key('/')
    b.type('port:80 -refused')
    time.sleep(0.4)
    rows = b.value(ROWS)
    holds('filtered while typing', len(rows) == 1 and 'reset by orig' in rows[0] and b.value(COUNT) == '1 of 10 connections', rows)
    b.click("document.getElementById('all')")
    holds('all again', len(b.value(ROWS)) == 10)
    box = b.value("(r => [r.x, r.y, r.width])(document.getElementById('timeline').getBoundingClientRect())")
    b.drag(box[0] + box[2] * 0.3, box[1] + 20, box[0] + box[2] * 0.62, box[1] + 20)
    rows = b.value(ROWS)
    holds('a span of time', 2 <= len(rows) <= 4, rows)
    holds('kept in the address', 't=' in b.value('location.hash'))
    b.drag(box[0] + 5, box[1] + 20, box[0] + 5, box[1] + 20)
    holds('a click ends the span', len(b.value(ROWS)) == 10)
    b.click("document.getElementById('theme')")
    first = b.value("[document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor]")
    b.click("document.getElementById('theme')")
    second = b.value("[document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor]")
    holds('dark and light', {first[0], second[0]} == {'dark', 'light'} and first[1] != second[1], first, second)
    silent('one.html')


def ladders():
    b.open(folder + '/lossy.html')
    holds('no alert is said', 'No scan or attack recognised.' in b.value("document.getElementById('alerts').textContent"))
    b.click("document.querySelector('#space .row')")
    steps = b.value(STEPS)
    names = b.value("[...document.querySelectorAll('button')].map(x => x.getAttribute('aria-label') || x.textContent)")
    holds('every button has a name', all(any(c.isalpha() or c == '#' for c in n) for n in names), names)
    holds('the chosen row is said to be', b.value("document.querySelector('#space [aria-selected=true]').className") == 'row picked')
    holds('a click draws the ladder', 40 < len(steps) < 80 and 'SYN-SENT' in steps[1] and 'SYN 0:0(0)' in steps[1], steps)
    holds('folded', any('⋮' in s for s in steps), steps)
    holds('round trips', 'Round trip 20.000 ms in the handshake' in b.value("document.getElementById('detail').textContent"))
    holds('to the end', 'CLOSED' in steps[-1], steps[-1:])
    places = b.value("[...new Set([...document.querySelectorAll('.step')].filter(s => s.children.length > 3)"
                     ".map(s => Math.round(s.children[3].getBoundingClientRect().x)))]")
    holds("the responder's states stand in a column", len(places) == 1, places)
    look('ladder')
    b.key('Escape')
    holds('Escape closes it', b.value("document.getElementById('detail').hidden") is True)
    silent('lossy.html')
    b.open(folder + '/close.html')
    b.key('ArrowDown')
    steps = b.value(STEPS)
    holds('whole', not any('⋮' in s for s in steps) and sum('FIN|ACK' in s for s in steps) == 2, steps)
    holds('inferred states are marked', b.value("document.querySelectorAll('.step .inferred').length") > 2)
    silent('close.html')
    b.open(folder + '/again.html')
    b.key('ArrowDown')
    marks = b.value("[...document.querySelectorAll('.mark')].map(m => m.textContent)")
    holds('marks', 'again' in marks and 'dup ack' in marks, marks)
    holds('are explained', 'sent again' in b.value("document.querySelector('.ladder').textContent"))


def held():
    b.open(folder + '/held.html')
    b.click("document.querySelector('.alert summary')")
    alerts = b.value("[...document.querySelectorAll('.alert')].map(a => [a.dataset.kind, a.textContent])")
    holds('what is held open are connections', len(alerts) == 1 and alerts[0][0] == 'conn_exhaustion' and
          '130 connections, ' in alerts[0][1] and 'segment' not in alerts[0][1], alerts)
    silent('held.html')


def hostile():
    b.open(folder + '/bad.html')
    holds('ten rows', len(b.value(ROWS)) == 10)
    holds('no element of the name', b.value("document.querySelectorAll('img, b[id]').length") == 0)
    holds('the name is text', '</script><img' in b.value("document.getElementById('files').textContent"))
    holds('where the other cannot be read', 'offset' in b.value("document.getElementById('foot').textContent"))
    silent('bad.html')
    b.open(folder + '/bent.html')
    holds('a foreign script and image are refused',
          sum('Content Security Policy' in s for s in b.said) >= 2, b.said)
    holds('and do nothing', b.value('document.title').startswith('estab watch: '), b.value('document.title'))


def doubts():
    b.open(folder + '/doubts.html')
    parts = b.value("[...document.querySelectorAll('#foot details')].map(d => [...d.children].map(c => c.textContent))")
    holds('files that cannot be read', len(parts) == 2 and parts[0][0] == '2 places where a file cannot be read' and
          parts[0][1].startswith('doubts.pcap, offset ') and len(parts[0]) == 3, parts[:1])
    holds('all places are counted', parts[-1][0] == '1,100 places where the wire leaves two readings', parts[-1][:1])
    holds('what is left out is said', len(parts[-1]) == 1002 and parts[-1][-1] == 'and 100 places more than this page holds', parts[-1][-1:])
    silent('doubts.html')


def large():
    b.open(folder + '/large.html')
    ms = int(b.value('document.documentElement.dataset.readyMs'))
    holds('shown soon', ms < 10000, ms)
    holds('all are there', b.value(COUNT) == '100,000 connections', b.value(COUNT))
    holds('but few in the document', 10 < len(b.value(ROWS)) < 120)
    b.value("document.getElementById('body').scrollTop = 1e9")
    time.sleep(0.3)
    rows = b.value(ROWS)
    holds('the last one can be reached', rows[-1].startswith('100000 '), rows[-1:])
    begun = time.monotonic()
    b.key('/')
    b.type('10.0.7.207')
    time.sleep(0.3)
    rows = b.value(ROWS)
    holds('filtered', b.value(COUNT) == '50 of 100,000 connections' and all('10.0.7.207:' in r for r in rows), b.value(COUNT))
    took = time.monotonic() - begun
    holds('within a few seconds', took < 8, took)
    look('large')
    silent('large.html')
    print('%d octets, shown after %d ms, filtered after %d ms' %
          (os.path.getsize(folder + '/large.html'), ms, took * 1000))


try:
    one_scan()
    ladders()
    held()
    hostile()
    doubts()
    large()
finally:
    b.close()
print('%d passed, %d failed' % (passed, failed))
sys.exit(1 if failed else 0)
