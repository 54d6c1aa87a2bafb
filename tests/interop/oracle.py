#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""oracle.py run HOST PORT both|client FILE   connections of the kernel's; what TCP_INFO says of them goes to FILE
oracle.py compare FILE ROWS...             the same from estab watch --rows life --json: states, octets, repetitions

both: this program is the server, too. client: an echo service is.
"""
import json
import socket
import struct
import sys
import threading
import time

NAMES = {1: "ESTABLISHED", 2: "SYN-SENT", 3: "SYN-RECEIVED", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT",
         8: "CLOSE-WAIT", 9: "LAST-ACK", 11: "CLOSING"}  # 7: over, one way or another


class End:
    """One socket, and the states that the kernel was seen in."""

    def __init__(self, s):
        self.s, self.states, self.sent, self.again, self.text = s, [], 0, 0, 0

    def look(self):
        info = self.s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        name = NAMES.get(info[0])
        if name and self.states[-1:] != [name]:
            self.states.append(name)
        if len(info) >= 216 and info[0] == 1:
            self.sent, self.again = struct.unpack_from("QQ", info, 200)
        return struct.unpack_from("I", info, 24)[0]  # unacked

    def settle(self):
        """Everything has been acknowledged."""
        for _ in range(2000):
            if self.look() == 0:
                return
            time.sleep(0.005)
        sys.exit("nothing is acknowledged")

    def said(self):
        return {"states": self.states, "bytes": self.sent - self.again, "again": self.again}


def send(end, count):
    end.s.sendall(b"x" * count)
    end.look()


def receive(end, count):
    while count > 0:
        got = end.s.recv(min(count, 65536))
        if not got:
            sys.exit("it ended early")
        count -= len(got)
    end.look()


def exchange(a, b, count):
    """b None: the other end echoes."""
    if b is None:
        reader = threading.Thread(target=receive, args=(a, count))
    else:
        reader = threading.Thread(target=receive, args=(b, count))
    reader.start()
    send(a, count)
    reader.join()
    if b is not None:
        send(b, count // 2)
        receive(a, count // 2)
        b.settle()
    a.settle()


def reset(end):
    end.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.s.close()


def shut(end):
    end.s.shutdown(socket.SHUT_WR)
    end.look()


def pause(*ends):
    time.sleep(0.05)
    for end in ends:
        if end:
            end.look()


def finish(how, a, b):
    if how == "reset":
        reset(a)
        return
    if how == "reset by server":
        reset(b)
        return
    first, second = (b, a) if how == "server first" else (a, b)
    shut(first)
    pause(a, b)
    if second is not None:
        if how == "half":
            send(second, 5000)
            receive(first, 5000)
            second.settle()
            pause(a, b)
        shut(second)
        pause(a, b)
    else:
        while a.s.recv(65536):
            pass
        a.look()


def run(host, port, who, path):
    info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    server = None
    ways = ["client first", "half", "reset"]
    if who == "both":
        server = socket.create_server(info[4][:2], family=info[0])
        ways += ["server first", "reset by server"]
    said = []
    for how in ways:
        for count in (0, 1, 1000, 300000):
            s = socket.socket(info[0], socket.SOCK_STREAM)
            s.connect(info[4])
            a, b = End(s), End(server.accept()[0]) if server else None
            a.look()
            exchange(a, b, count)
            port_of = s.getsockname()[1]
            finish(how, a, b)
            said.append({"how": f"{how}, {count} octets", "port": port_of, "client": a.said(),
                         "server": b.said() if b else None})
            for end in (a, b):
                if end:
                    end.s.close()
            time.sleep(0.05)
    json.dump(said, open(path, "w"))


def within(few, many):
    rest = iter(many)
    return all(name in rest for name in few)


def compare(path, rows):
    seen = {}
    for name in rows:
        for line in open(name):
            o = json.loads(line)
            if o["type"] == "conn" and o.get("final"):
                seen.setdefault(o["id.orig_p"], o)
    bad = compared = again = 0
    for c in json.load(open(path)):
        o = seen.get(c["port"])
        if o is None:
            sys.exit(f"{c['how']}: no row")
        for side, end in (("orig", c["client"]), ("resp", c["server"])):
            if end is None:
                continue
            compared += 1
            again += end["again"]
            states = [step[1] for step in o[f"{side}_states"]]
            if not within(end["states"], states):
                print(f"{c['how']}, {side}: seen {states}, the kernel was in {end['states']}")
                bad += 1
            late = 5000 if c["how"].startswith("half") and side == "resp" else 0  # sent after CLOSE-WAIT began
            if o.get(f"{side}_bytes", 0) != end["bytes"] + late:
                print(f"{c['how']}, {side}: counted {o.get(f'{side}_bytes')}, the kernel sent {end['bytes'] + late}")
                bad += 1
            if o[f"{side}_retransmitted_bytes"] != end["again"]:
                print(f"{c['how']}, {side}: again {o[f'{side}_retransmitted_bytes']}, the kernel says {end['again']}")
                bad += 1
    print(f"{compared} ends of connections compared with the kernel, {again} octets sent again, {bad} differences")
    sys.exit(bad > 0 or compared == 0)


if sys.argv[1] == "run":
    run(sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])
else:
    compare(sys.argv[2], sys.argv[3:])
