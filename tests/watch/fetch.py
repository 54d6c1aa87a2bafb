# SPDX-License-Identifier: BSD-2-Clause
# fetch.py - what no scanner does: HOST PORT COUNT data|reset. Fetches a page, or looks whether the port is open and resets.
import socket
import struct
import sys
import time

for _ in range(int(sys.argv[3])):
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2) as c:
            if sys.argv[4] == "data":
                c.send(b"GET / HTTP/1.0\r\nHost: example\r\n\r\n")
                c.recv(4096)
            else:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    time.sleep(0.03)
