# SPDX-License-Identifier: BSD-2-Clause
# services.py - what a scanned host has: greetings on 22 and 25, HTTP on 80, 443 and 8000, silence on 5000; IPv4 and IPv6.
import selectors
import socket

GREETING = {22: b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 25: b"220 mail.example ESMTP\r\n"}
REPLY = b"HTTP/1.0 200 OK\r\nServer: example/1.0\r\nContent-Length: 3\r\n\r\nhi\n"
selector = selectors.DefaultSelector()


def listener(port):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", port))
    s.listen(512)
    s.setblocking(False)
    selector.register(s, selectors.EVENT_READ, port)


for number in (22, 25, 80, 443, 8000, 5000):
    listener(number)
while True:
    for key, _ in selector.select():
        if key.data is not None:
            try:
                c, _ = key.fileobj.accept()
                c.setblocking(False)
                selector.register(c, selectors.EVENT_READ, None)
                if key.data in GREETING:
                    c.send(GREETING[key.data])
            except OSError:
                pass
            continue
        try:
            text = key.fileobj.recv(4096)
            port = key.fileobj.getsockname()[1]
            if text and port != 5000 and port not in GREETING:
                key.fileobj.send(REPLY)
                text = b""
        except OSError:
            text = b""
        if not text:
            selector.unregister(key.fileobj)
            key.fileobj.close()
