# SPDX-License-Identifier: BSD-2-Clause
# browser.py - a headless Chromium that a test drives over a pipe: load a file, ask its script, click, type, look.
import base64, json, os, select, subprocess, time


class Browser:
    def __init__(self, program, profile, width=1600, height=1000):
        to_read, self.to = os.pipe()
        self.fro, to_write = os.pipe()

        def wire():  # the browser reads at 3 and writes at 4
            a, b = os.dup(to_read), os.dup(to_write)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, '--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', '--no-first-run',
             '--user-data-dir=' + profile, '--host-resolver-rules=MAP * ~NOTFOUND',
             '--window-size=%d,%d' % (width, height)],
            preexec_fn=wire, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.number, self.buffer, self.session, self.said = 0, b'', None, []
        target = self.ask('Target.createTarget', url='about:blank')['targetId']
        self.session = self.ask('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log'):
            self.ask(domain + '.enable')
        self.ask('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)

    def message(self, patience):
        until = time.monotonic() + patience
        while b'\0' not in self.buffer:
            if not select.select([self.fro], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError('the browser says nothing')
            piece = os.read(self.fro, 1 << 20)
            if not piece:
                raise EOFError('the browser is gone')
            self.buffer += piece
        text, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(text)

    def note(self, m):
        method, p = m.get('method'), m.get('params', {})
        if method == 'Log.entryAdded':
            self.said.append(p['entry']['text'])
        elif method == 'Runtime.consoleAPICalled':
            self.said.append(' '.join(str(a.get('value')) for a in p['args']))
        elif method == 'Runtime.exceptionThrown':
            self.said.append(str(p['exceptionDetails']))

    def ask(self, method, **params):
        self.number += 1
        m = {'id': self.number, 'method': method, 'params': params}
        if self.session:
            m['sessionId'] = self.session
        data = json.dumps(m).encode() + b'\0'
        while data:
            data = data[os.write(self.to, data):]
        while True:
            m = self.message(120)
            if m.get('id') == self.number:
                if 'error' in m:
                    raise RuntimeError('%s: %s' % (method, m['error']))
                return m['result']
            self.note(m)

    def open(self, path):
        """Loads a page anew, whatever was open before. `said` is what its console says."""
        for url in ('about:blank', 'file://' + path):
            self.said = []
            self.ask('Page.navigate', url=url)
            until = time.monotonic() + 120
            while True:
                try:
                    if self.value('document.readyState + " " + decodeURI(location.href)') == 'complete ' + url:
                        break
                except RuntimeError:
                    pass  # between two documents
                if time.monotonic() > until:
                    raise TimeoutError(url)
                time.sleep(0.05)

    def value(self, expression):
        answer = self.ask('Runtime.evaluate', expression=expression, returnByValue=True)
        if 'exceptionDetails' in answer:
            raise RuntimeError('%s: %s' % (expression, answer['exceptionDetails']))
        return answer['result'].get('value')

    def mouse(self, kind, x, y):
        self.ask('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', buttons=1, clickCount=1)

    def drag(self, x, y, x2, y2):
        self.mouse('mousePressed', x, y)
        self.mouse('mouseMoved', x2, y2)
        self.mouse('mouseReleased', x2, y2)

    def place(self, find):
        """The middle of what an expression finds."""
        return self.value('(e => { const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })(%s)'
                          % find)

    def click(self, find):
        x, y = self.place(find)
        self.drag(x, y, x, y)

    def type(self, text):
        self.ask('Input.insertText', text=text)

    def key(self, name):
        for kind in ('keyDown', 'keyUp'):
            self.ask('Input.dispatchKeyEvent', type=kind, key=name, code=name)

    def picture(self, path):
        with open(path, 'wb') as out:
            out.write(base64.b64decode(self.ask('Page.captureScreenshot', format='png')['data']))

    def close(self):
        try:
            self.session = None
            self.ask('Browser.close')
        except (EOFError, TimeoutError, OSError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
