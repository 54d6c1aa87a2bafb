# SPDX-License-Identifier: BSD-2-Clause
# hold.py - opens connections and keeps them without a byte: HOST PORT COUNT SECONDS
import socket
import sys
import time

held = []
for _ in range(int(sys.argv[3])):
    held.append(socket.create_connection((sys.argv[1], int(sys.argv[2]))))
    time.sleep(0.01)
time.sleep(float(sys.argv[4]))
