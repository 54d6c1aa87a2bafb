# SPDX-License-Identifier: BSD-2-Clause
# hold.py - opens connections and keeps them: HOST PORT COUNT SECONDS [unread]
# without a byte; unread: asks for a page each and never reads it.
import socket
import sys
import time

held = []
for _ in range(int(sys.argv[3])):
    s = socket.socket()
    if len(sys.argv) > 5:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect((sys.argv[1], int(sys.argv[2])))
    if len(sys.argv) > 5:
        s.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    held.append(s)
    time.sleep(0.01)
time.sleep(float(sys.argv[4]))
