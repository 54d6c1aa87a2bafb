#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# conformance.py FOLDER [--write] - plays the public scripts of FOLDER (LIST.tsv names them: class, split, topic,
# repository:path; a script lies in FOLDER/owner+name/path), twice, and reports per topic: passed, failed with the
# reason. --write puts the tables into docs/conformance.md. ESTAB names the command.
#
# Fails when the two runs differ, when a script fails that tests/conformance/failures.tsv does not argue about, when it
# argues about one that passes, or when a class falls below its mark.
import collections, fnmatch, json, os, re, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ESTAB = os.environ.get('ESTAB', os.path.join(ROOT, 'build/tools/estab/estab'))
PROFILES = {'freebsd-net+tcp-testsuite': 'freebsd', 'google+packetdrill': 'linux', 'nplab+packetdrill': 'linux',
            'torvalds+linux': 'linux', 'google+gvisor': 'rfc'}
MARKS = {'A': 98.0, 'B': 80.0}  # per cent of the runs that need none of the parts in needs.tsv
Script = collections.namedtuple('Script', 'name cls topic path profile remark')
# A RST at the last octet of FreeBSD's window, behind the 65535 octets it can tell of: docs/conformance.md, "One setting".
WIDER = '65700-byte internal window'
BEHIND = re.compile(r'\b(?:6570[01]|6624[01])(?=[:(])')


def scripts(folder):
    for row in open(os.path.join(folder, 'LIST.tsv')).read().split('\n')[1:]:
        field = row.split('\t')
        if len(field) < 4 or field[1] != 'open':
            continue
        repo, path = field[3].split(':', 1)
        home = repo.replace('/', '+')
        yield Script(field[3], field[0], field[2], os.path.join(folder, home, path), PROFILES[home], (field + [''] * 6)[5])


def pairs(name):
    """Rows of a list beside this file; # starts a comment."""
    for row in open(os.path.join(HERE, name)).read().split('\n'):
        if row and not row.startswith('#'):
            yield row.split('\t')


def play(listed):
    """What estab says of each script, once per IP version, as it says it."""
    said = []
    for profile in sorted(set(s.profile for s in listed)):
        files = [s.path for s in listed if s.profile == profile]
        said += subprocess.run([ESTAB, 'script', '--json', '--profile', profile] + files,
                               stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return said


def at_the_told_edge(listed):
    """The scripts about FreeBSD's wider window with their RSTs at the last octet that was told, and the setting off:
    verdicts by name."""
    with tempfile.TemporaryDirectory() as folder:
        moved = []
        for s in (s for s in listed if s.remark.startswith(WIDER)):
            text, count = BEHIND.subn('65535', open(s.path).read())
            path = os.path.join(folder, os.path.basename(s.path))
            text, lines = re.subn(r'^(?=\s*0.00 `)', '`sysctl -w estab.window_beyond_field=0`\n', text, 1, re.M)
            assert count and lines, s.name
            open(path, 'w').write(text)
            moved.append(s._replace(path=path))
        names = {s.path: s.name for s in moved}
        return {names[v['script']]: v['verdict'] for v in map(json.loads, play(moved)) if 'script' in v}


def argument(arguments, name):
    """Who is right about a script that fails, and why."""
    for pattern, right, why in arguments:
        if fnmatch.fnmatch(name, pattern):
            return right, why
    return '?', 'not argued'


class Tally:
    def __init__(self):
        self.count = collections.Counter()

    def row(self, name):
        c = self.count
        return f'| {name} | {c["pass"]} | {c["fail"]} | {c["unsupported"]} | {c["error"]} |\n'

    def share(self):
        return 100.0 * self.count['pass'] / max(1, sum(self.count.values()))


def figures(rows, needs, moved):
    """Per class: all runs, and those that need none of the parts in needs.tsv; per topic all runs."""
    classes, topics = collections.defaultdict(Tally), collections.defaultdict(Tally)
    for script, verdict in rows:
        classes[script.cls, 'all'].count[verdict] += 1
        if script.name not in needs:
            classes[script.cls, 'able'].count[verdict] += 1
            classes[script.cls, 'told'].count['fail' if script.name in moved else verdict] += 1
            classes[script.cls, 'moved'].count[moved.get(script.name, verdict)] += 1
            if not script.topic.startswith(('fastopen', 'fast-open')):
                classes[script.cls, 'old'].count[verdict] += 1
        topics[script.cls, script.topic].count[verdict] += 1
    return classes, topics


def tables(classes, topics, failed, arguments):
    out = '| runs (a script over an IP version) | passed | failed | unsupported | errors |\n|---|---|---|---|---|\n'
    for cls in 'AB':
        out += classes[cls, 'able'].row(f'class {cls}, of those that do not need the modern sender: '
                                        f'**{classes[cls, "able"].share():.1f} %**')
        if classes[cls, 'told'].count != classes[cls, 'able'].count:
            out += classes[cls, 'told'].row(f'the same without `window_beyond_field`: {classes[cls, "told"].share():.1f} %')
            out += classes[cls, 'moved'].row('without it, their RSTs moved to the last octet that was told: '
                                             f'{classes[cls, "moved"].share():.1f} %')
        if classes[cls, 'old'].count != classes[cls, 'able'].count:
            out += classes[cls, 'old'].row(f'the same less the topics of Fast Open: {classes[cls, "old"].share():.1f} %')
        out += classes[cls, 'all'].row(f'class {cls}, all: {classes[cls, "all"].share():.1f} %')
    out += '\n| class, topic | passed | failed | unsupported | errors |\n|---|---|---|---|---|\n'
    for key in sorted(topics):
        out += topics[key].row(f'{key[0]} {key[1]}')
    out += '\n| fails | who is right by the RFC | why |\n|---|---|---|\n'
    for name in failed:
        right, why = argument(arguments, name)
        out += f'| {name.split(":")[1].split("/")[-1]} | {right} | {why} |\n'
    return out


def write(text):
    path = os.path.join(ROOT, 'docs/conformance.md')
    page = open(path).read()
    head, rest = page.split('<!-- tables -->\n', 1)
    tail = rest.split('<!-- end of tables -->\n', 1)[1]
    open(path, 'w').write(head + '<!-- tables -->\n' + text + '<!-- end of tables -->\n' + tail)


def main():
    listed = list(scripts(sys.argv[1]))
    begin = time.monotonic()
    said = play(listed)
    seconds = time.monotonic() - begin
    again = play(listed)
    by_path = {s.path: s for s in listed}
    verdicts = [json.loads(row) for row in said]
    rows = [(by_path[v['script']], v['verdict']) for v in verdicts if 'script' in v]
    needs = dict(pairs('needs.tsv'))
    arguments = list(pairs('failures.tsv'))
    lacking = {name for name, parts in needs.items() if parts != 'sender'}
    fails = set(s.name for s, verdict in rows if verdict != 'pass')
    failed = sorted(fails - lacking)
    moved = at_the_told_edge(listed)
    classes, topics = figures(rows, needs, moved)
    for v in verdicts:
        if 'script' in v and v['verdict'] != 'pass' and by_path[v['script']].name not in lacking:
            print(f'{by_path[v["script"]].name}:{v["line"]}: {v["ip_version"]}: {v["verdict"]}: {v["reason"]}')
    for key in sorted(topics):
        c = topics[key].count
        print(f'{key[0]} {key[1]:46s} {c["pass"]:4d} passed {c["fail"]:4d} failed {c["unsupported"]:4d} '
              f'unsupported {c["error"]:4d} errors')
    bad = []
    for cls in 'AB':
        able, every = classes[cls, 'able'], classes[cls, 'all']
        print(f'class {cls}: {able.count["pass"]} of {sum(able.count.values())} runs that need none of the parts '
              f'({able.share():.1f} %); {every.count["pass"]} of all {sum(every.count.values())} '
              f'({every.share():.1f} %)')
        if min(able.share(), classes[cls, 'old'].share()) < MARKS[cls]:
            bad.append(f'class {cls} is below {MARKS[cls]} %')
    print(f'{len(listed)} scripts, {len(rows)} runs in {seconds:.1f} s')
    bad += [f'not argued: {name}' for name in failed if argument(arguments, name)[0] == '?']
    bad += [f'argued, but passes: {pattern}' for pattern, _, _ in arguments
            if not any(fnmatch.fnmatch(name, pattern) for name in fails)]
    bad += [f'not at the edge that was told either: {name}' for name, verdict in moved.items() if verdict != 'pass']
    if said != again:
        bad.append('a second run differs')
    if '--write' in sys.argv[2:]:
        write(tables(classes, topics, failed, arguments))
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
