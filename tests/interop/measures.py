#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""measures.py run DIR      connections of the kernel's over a path that loses; three captures and what is true go to DIR
measures.py compare DIR     the same from DIR/{near,middle,far}.json, which are estab watch --rows life --json

The path lies between two TUN interfaces, the second one in a network namespace of its own: it keeps the order, drops
some packets before the middle and some behind it, and is slow for some ports. So of each packet it is known what its
sender made it for, and of each end what TCP_INFO says. What is asked holds by TCP's rules, however late a busy machine is.
"""
import collections
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

TAPS = ("near", "middle", "far")
HOSTS = ("192.0.2.1", "192.0.2.2")
DELAY = 0.015                    # each way, in two halves
LOSSY, STOPPED, IDLE, SLOW, CLOSE = 9000, 9100, 9200, 9300, 9400  # ports, from there on
LOSS = {90: 0.05, 94: 0.1}       # by hundreds of ports
RATE, SLOW_BYTES = 300000, 450000  # octets a second, and all that there are, of SLOW
SYN, FIN, RST = 2, 1, 4
LIBC = ctypes.CDLL(None, use_errno=True)
HERE = os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def enter(ns):
    if LIBC.setns(ns, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


def tun(me):
    f = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(f, 0x400454ca, struct.pack("16sH22x", b"path0", 0x1001))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
    for words in (f"link set path0 txqueuelen 10000 up", f"address add {HOSTS[me]}/24 dev path0"):
        subprocess.run(["ip", *words.split()], check=True)
    return f


def second_namespace():
    """A namespace is a thread's: a thread that ends has made it and its end of the path."""
    got = []

    def make():
        if LIBC.unshare(0x40000000):
            return
        got.extend((os.open("/proc/thread-self/ns/net", os.O_RDONLY), tun(1)))

    t = threading.Thread(target=make)
    t.start()
    t.join()
    return got


def later(a, b):
    return 0 < (a - b) & 0xffffffff < 1 << 31


class Path(threading.Thread):
    def __init__(self, ends, folder):
        super().__init__(daemon=True)
        self.ends, self.queue, self.number, self.going = ends, [], 0, True
        self.busy, self.top, self.chance = [0, 0], {}, random.Random(1)
        self.files = [open(f"{folder}/{t}.pcap", "wb") for t in TAPS]
        for f in self.files:
            f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 101))
        # by tap, sender and receiver: what passed
        self.seen = [collections.defaultdict(lambda: {"again": 0, "again_bytes": 0, "first": 0, "last": 0, "rst": 0})
                     for _ in TAPS]
        self.passed = [{} for _ in TAPS]

    def tap(self, place, packet, again):
        now = time.time_ns()
        self.files[place].write(struct.pack("<IIII", now // 10**9, now % 10**9, len(packet), len(packet)) + packet)
        sport, dport, seq = struct.unpack_from("!HHI", packet, 20)
        source = socket.inet_ntoa(packet[12:16])
        text = len(packet) - 20 - (packet[32] >> 4) * 4
        key, flags = (source, sport, dport), packet[33]
        of, top = self.seen[place][key], self.passed[place].get(key)
        of["first"], of["last"], of["rst"] = of["first"] or now, now, of["rst"] | (flags & RST)
        if text and again and top is not None and later(top, seq):
            of["again"] += 1
            of["again_bytes"] += min(text, (top - seq) & 0xffffffff)
        end = (seq + text + (flags & SYN and 1)) & 0xffffffff
        if top is None or later(end, top):
            self.passed[place][key] = end

    def take(self, me, packet):
        """What the kernel has sent: whether it has been sent before is plain here."""
        if packet[0] >> 4 != 4 or packet[9] != 6:
            return
        sport, dport, seq = struct.unpack_from("!HHI", packet, 20)
        key, text = (me, sport, dport), len(packet) - 20 - (packet[32] >> 4) * 4
        again = text > 0 and key in self.top and later(self.top[key], seq)
        end = (seq + text + (packet[33] & SYN and 1)) & 0xffffffff
        if key not in self.top or later(end, self.top[key]):
            self.top[key] = end
        self.tap(0 if me == 0 else 2, packet, again)
        port = max(p for p in (sport, dport) if p < 10000)
        lost = self.chance.random() < LOSS.get(port // 100, 0)
        early = self.chance.random() < 0.5
        if lost and early:
            return
        now = time.monotonic()
        if port // 100 == SLOW // 100:
            now = self.busy[me] = max(self.busy[me], now) + len(packet) / RATE
        self.push(now + DELAY / 2, 1, me, packet, again, lost)

    def push(self, due, place, me, packet, again, lost):
        self.number += 1
        heapq.heappush(self.queue, (due, self.number, place, me, packet, again, lost))

    def run(self):
        while self.going:
            while self.queue and self.queue[0][0] <= time.monotonic():
                _, _, place, me, packet, again, lost = heapq.heappop(self.queue)
                self.tap(place, packet, again)
                if place == 1 and not lost:
                    self.push(time.monotonic() + DELAY / 2, 2 - 2 * me, me, packet, again, False)
                elif place != 1:
                    os.write(self.ends[1 - me], packet)
            wait = max(0, self.queue[0][0] - time.monotonic()) if self.queue else 0.05
            for f in select.select(self.ends, [], [], min(wait, 0.05))[0]:
                for _ in range(16):
                    try:
                        self.take(self.ends.index(f), os.read(f, 65536))
                    except BlockingIOError:
                        break
        for f in self.files:
            f.close()


# ---------------------------------------------------------------------------------------------

def receive(s, count):
    while count > 0:
        got = s.recv(min(count, 65536))
        if not got:
            raise EOFError
        count -= len(got)


def drain(s):
    while s.recv(65536):
        pass


class Talks:
    def __init__(self, far):
        self.far, self.ends, self.errors = far, [], []

    def socket(self, ns):
        enter(ns)
        try:
            s = socket.socket()
        finally:
            enter(HERE)
        s.settimeout(30)
        return s

    def pair(self, port, buffer=0):
        at = self.socket(self.far)
        at.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if buffer:
            at.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        at.bind((HOSTS[1], port))
        at.listen()
        a = self.socket(HERE)
        a.connect((HOSTS[1], port))
        b = at.accept()[0]
        b.settimeout(30)
        at.close()
        return a, b

    def settled(self, s):
        """All that it sent is acknowledged; then what it ever sends again of it has been sent."""
        for _ in range(6000):
            info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            if struct.unpack_from("I", info, 24)[0] == 0:
                break
            time.sleep(0.005)
        sent, again = struct.unpack_from("QQ", info, 200) if len(info) >= 216 else (None, None)
        self.ends.append({"me": s.getsockname(), "peer": s.getpeername(), "sent": sent, "again": again})

    def close(self, first, second):
        self.settled(first)
        self.settled(second)
        first.shutdown(socket.SHUT_WR)
        drain(second)
        second.close()
        drain(first)
        first.close()

    def transfer(self, sender, receiver, count, first=None):
        t = threading.Thread(target=sender.sendall, args=(b"x" * count,), daemon=True)
        t.start()
        receive(receiver, count)
        t.join()

    def lossy(self, port, way):
        a, b = self.pair(port)
        for sender, receiver in ((a, b), (b, a))[way == "down":2 - (way == "up")]:
            self.transfer(sender, receiver, 150000)
        self.close(a, b)

    def stopped(self, port):
        """Who does not read for 1.5 s."""
        a, b = self.pair(port, 20000)
        t = threading.Thread(target=a.sendall, args=(b"x" * 200000,), daemon=True)
        t.start()
        time.sleep(1.5)
        receive(b, 200000)
        t.join()
        self.close(a, b)

    def idle(self, port):
        a, b = self.pair(port)
        self.transfer(a, b, 100000)
        time.sleep(2)
        self.transfer(a, b, 1000)
        self.close(a, b)

    def slow(self, port):
        a, b = self.pair(port)
        self.transfer(a, b, SLOW_BYTES)
        self.close(a, b)

    def crossing(self, port):
        """Both close at once."""
        a, b = self.pair(port)
        self.transfer(a, b, 100)
        together = threading.Barrier(2)

        def end(s):
            together.wait()
            s.shutdown(socket.SHUT_WR)
            drain(s)
            s.close()

        t = threading.Thread(target=end, args=(a,), daemon=True)
        t.start()
        end(b)
        t.join()

    def talk(self, what, *more):
        try:
            what(*more)
        except Exception as e:  # told by compare
            self.errors.append(f"{what.__name__} {more}: {e!r}")


def left(ns):
    """Connections that are not over: neither closed nor in TIME-WAIT."""
    enter(ns)
    try:
        said = subprocess.run(["ss", "-Htan"], capture_output=True, text=True, check=True).stdout
    finally:
        enter(HERE)
    return [line for line in said.splitlines() if line.split()[0] not in ("TIME-WAIT", "LISTEN")]


def run(folder):
    near = tun(0)
    second = second_namespace()
    if not second:
        sys.exit("no second namespace")
    far, far_tun = second
    path = Path([near, far_tun], folder)
    path.start()
    talks = Talks(far)
    of = [(talks.lossy, LOSSY + 10 * i + j, way) for i, way in enumerate(("up", "down", "both")) for j in range(2)]
    of += [(talks.stopped, STOPPED), (talks.idle, IDLE), (talks.slow, SLOW)]
    of += [(talks.crossing, CLOSE + i) for i in range(24)]
    threads = [threading.Thread(target=talks.talk, args=o, daemon=True) for o in of]
    for t in threads:
        t.start()
    for t in threads:
        t.join(40)
    for _ in range(200):
        over = not left(HERE) and not left(far)
        if over:
            break
        time.sleep(0.1)
    time.sleep(0.3)
    path.going = False
    path.join()
    said = [[{"from": k[0], "sport": k[1], "dport": k[2], **v} for k, v in seen.items()] for seen in path.seen]
    json.dump({"over": over, "errors": talks.errors, "ends": talks.ends, "seen": said}, open(f"{folder}/true.json", "w"))


# ---------------------------------------------------------------------------------------------

class Judge:
    def __init__(self, folder):
        self.true, self.bad, self.count = json.load(open(f"{folder}/true.json")), [], collections.Counter()
        self.ends = {(e["me"][0], e["me"][1], e["peer"][1]): e for e in self.true["ends"]}
        self.bad += self.true["errors"]
        if not self.true["over"]:
            self.bad.append("connections were left, nothing can be said of their ends")

    def same(self, what, told, true):
        self.count[what] += 1
        if told != true:
            self.bad.append(f"{what}: told {told}, true {true}")

    def holds(self, what, holds, told):
        self.count[what.split(": ")[-1]] += 1
        if not holds:
            self.bad.append(f"{what}: {told}")

    def side(self, tap, o, side, own, peer, seen):
        key = (o[f"id.{side}_h"], o[f"id.{side}_p"], o[f"id.{peer}_p"])
        v, end = seen.get(key), self.ends.get(key)
        tag = f"{tap}, {key[0]}:{key[1]}-{key[2]} {o['history']}"
        self.same(f"{tag}: sent again", o[f"{side}_retransmitted_pkts"], v["again"])
        self.same(f"{tag}: octets again", o[f"{side}_retransmitted_bytes"], v["again_bytes"])
        self.same(f"{tag}: reordered", o[f"{side}_reordered_pkts"], 0)
        if end and end["sent"] is not None:
            self.same(f"{tag}: octets, by TCP_INFO", o[f"{side}_bytes"], end["sent"] - end["again"])
            if own:
                self.same(f"{tag}: octets again, by TCP_INFO", o[f"{side}_retransmitted_bytes"], end["again"])
        # Every FIN was acknowledged, and that has passed all taps.
        if not v["rst"]:
            self.holds(f"{tag}: state", o[f"{side}_states"][-1][1] in ("TIME-WAIT", "CLOSED"), o[f"{side}_states"])

    def row(self, tap, o, seen):
        tag = f"{tap}, port {o['id.resp_p']} {o['history']}"
        self.same(f"{tag}: missed", o["missed_bytes"], 0)
        # No packet comes sooner than it is due.
        least = o.get("rtt_min_s")
        self.holds(f"{tag}: round trip", least is None or least >= 2 * DELAY * 0.999, least)
        for word in ("rtt_handshake_s", "rtt_median_s"):
            told = o.get(word)
            self.holds(f"{tag}: {word}", told is None or told >= 2 * DELAY * 0.999, told)
        limits, port = o["limited_by"], o["id.resp_p"]
        if not sum(limits.values()):
            self.holds(f"{tag}: limits", port // 100 == CLOSE // 100, "none")
            return
        ends = [seen[(HOSTS[0], o["id.orig_p"], port)], seen[(HOSTS[1], port, o["id.orig_p"])]]
        life = (max(e["last"] for e in ends) - min(e["first"] for e in ends)) / 1e9
        if not any(e["rst"] for e in ends):
            self.holds(f"{tag}: limits are the life", abs(sum(limits.values()) - life) < 1e-5, (limits, life))
        if port == STOPPED:
            self.holds(f"{tag}: receiver's window", limits["receiver_window"] > 1, limits)
        if port == IDLE:
            self.holds(f"{tag}: idle", limits["idle"] > 1.5, limits)
        if port == SLOW:  # as long as its octets take, however long the rest is
            self.holds(f"{tag}: path", limits["sender_or_path"] > SLOW_BYTES / RATE * 0.9, (limits, life))
        if port // 100 == LOSSY // 100 and any(e["again"] for e in ends):
            self.holds(f"{tag}: loss", limits["loss"] > 0, limits)


def compare(folder):
    judge = Judge(folder)
    for place, tap in enumerate(TAPS):
        seen = {(v["from"], v["sport"], v["dport"]): v for v in judge.true["seen"][place]}
        for line in open(f"{folder}/{tap}.json"):
            o = json.loads(line)
            if o["type"] == "alert":
                judge.bad.append(f"{tap}: {o['summary']}")
            if o["type"] != "conn" or not o["final"]:
                continue
            judge.count["connections"] += 1
            judge.row(tap, o, seen)
            judge.side(tap, o, "orig", place == 0, "resp", seen)
            judge.side(tap, o, "resp", place == 2, "orig", seen)
    judge.same("rows", judge.count["connections"], 3 * (6 + 3 + 24))
    again = sum(v["again"] for v in judge.true["seen"][0])
    compared = sum(n for what, n in judge.count.items() if what != "connections")
    print(f"{judge.count['connections']} rows, {compared} words of them compared, {again} packets sent again, "
          f"{len(judge.bad)} differences")
    for line in judge.bad[:25]:
        print(line)
    sys.exit(bool(judge.bad) or not again)


if sys.argv[1] == "run":
    run(sys.argv[2])
else:
    compare(sys.argv[2])
