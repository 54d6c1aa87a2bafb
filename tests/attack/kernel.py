#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# kernel.py - the forged segments of tests/attack against the Linux kernel of this machine, over a TUN, for comparison.
#
# To be run in a network namespace of its own (tools/attack.sh --target kernel makes it). Prints for each case what the
# kernel did, and whether that is what docs/attacks.md asks of estab. Nothing of it can fail: the kernel is not ours.
import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
US, PEER = "198.51.100.1", "198.51.100.2"
WAIT = 0.06  # seconds until an answer is missed
counts = {True: 0, False: 0}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_packet(protocol, payload, options=b"", fragment=0, ident=1):
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), ident, fragment,
                       64, protocol, 0, socket.inet_aton(PEER), socket.inet_aton(US)) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


class Segment:
    def __init__(self, packet):
        header = (packet[0] & 15) * 4
        tcp = packet[header:]
        self.sport, self.dport, self.seq, self.ack, off, self.window, _, self.urgent = struct.unpack("!HHIIHHHH", tcp[:20])
        self.flags = off & 63
        self.text = tcp[(off >> 12) * 4:]
        self.options = tcp[20:(off >> 12) * 4]


class Device:
    def __init__(self):
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, 0x400454CA, struct.pack("16sH22x", b"atk0", 0x1001))  # TUN, no extra header
        for command in (f"ip addr add {US}/24 dev atk0", "ip link set atk0 up", "ip link set lo up"):
            subprocess.run(command.split(), check=True)

    def packets(self, seconds=WAIT, most=10000):
        """What comes from the kernel, until nothing came for so long."""
        out = []
        while len(out) < most and select.select([self.fd], [], [], seconds)[0]:
            packet = os.read(self.fd, 65536)
            if packet[0] >> 4 == 4 and packet[16:20] == socket.inet_aton(PEER):
                out.append(packet)
        return out

    def segments(self, port, seconds=WAIT, most=10000):
        tcp = [Segment(p) for p in self.packets(seconds, most) if p[9] == 6]
        return [s for s in tcp if s.dport == port]

    def send(self, packet):
        os.write(self.fd, packet)


class Connection:
    """One end is the kernel's socket, the other is forged here."""
    ports = iter(range(40000, 60000))

    def __init__(self, device, listener, options=b"\x02\x04\x05\xb4", window=65000, timestamps=False):
        self.device, self.port, self.window = device, next(self.ports), window
        self.ts = 1000 if timestamps else None
        self.echo = 0
        self.snd, self.rcv = 0xFFFFFF00, 0
        if timestamps:
            options += b"\x01\x01\x08\x0a" + struct.pack("!II", self.ts, 0)
        self.forge(SYN, self.snd, 0, options=options)
        answer = []
        for _ in range(200):
            answer = answer or device.segments(self.port, 0.01, 1)
        if not answer:
            raise OSError("no SYN-ACK")
        self.take_echo(answer[0])
        self.snd, self.rcv = (self.snd + 1) & 0xFFFFFFFF, (answer[0].seq + 1) & 0xFFFFFFFF
        self.forge(ACK, self.snd, self.rcv)
        self.sock, _ = listener.accept()
        self.sock.setblocking(False)

    def take_echo(self, segment):
        at = segment.options.find(b"\x08\x0a")
        if at >= 0:
            self.echo = struct.unpack("!I", segment.options[at + 2:at + 6])[0]

    def forge(self, flags, seq, ack, text=b"", options=None, window=None, urgent=0, ts=None, no_ts=False):
        if options is None and self.ts is not None and not no_ts:
            options = b"\x01\x01\x08\x0a" + struct.pack("!II", self.ts if ts is None else ts & 0xFFFFFFFF, self.echo)
        options = options or b""
        options += b"\0" * (-len(options) % 4)
        head = struct.pack("!HHIIHHHH", self.port, 80, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                           (5 + len(options) // 4) << 12 | flags, self.window if window is None else window, 0, urgent)
        segment = head + options + text
        pseudo = socket.inet_aton(PEER) + socket.inet_aton(US) + struct.pack("!HH", 6, len(segment))
        segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
        self.device.send(ip_packet(6, segment))

    def ask(self, *args, **kwargs):
        self.device.packets(0.002)
        self.forge(*args, **kwargs)
        return self.device.segments(self.port)

    def read(self):
        try:
            return self.sock.recv(65536)
        except BlockingIOError:
            return None
        except OSError as e:
            return errno.errorcode[e.errno]

    def alive(self):
        if self.ts is not None:
            self.ts += 10
        self.forge(ACK | PSH, self.snd, self.rcv, b"alive")
        time.sleep(0.01)
        got = self.read()
        self.snd = (self.snd + 5) & 0xFFFFFFFF
        return got == b"alive"


def report(row, case, did, right):
    counts[right] += 1
    print(f"{row:4} {'as required' if right else 'otherwise  '}  {case}: {did}", flush=True)


def acks(segments, connection):
    return sum(s.flags == ACK and not s.text and s.ack == connection.snd & 0xFFFFFFFF for s in segments)


def challenged(row, case, connection, segments):
    right = len(segments) == 1 and acks(segments, connection) == 1
    lives = connection.alive()
    report(row, case, f"{len(segments)} answers, {acks(segments, connection) if not lives else len(segments)} of them ACKs, "
           f"{'alive' if lives else 'dead'}", right and lives)


def blind(d, l):
    for offset in (1, 500, 60000):
        c = Connection(d, l)
        challenged("B1", f"RST at RCV.NXT + {offset}", c, c.ask(RST, c.snd + offset, 0))
    c = Connection(d, l)
    got = c.ask(RST, c.snd + (1 << 30), 0)
    report("B1", "RST outside the window", f"{len(got)} answers", not got and c.alive())
    c = Connection(d, l)
    c.ask(RST, c.snd, 0)
    error = c.read()
    report("B1", "the exact RST", error, error == "ECONNRESET")
    for offset in (0, 100, -100000, 0x40000000):
        c = Connection(d, l)
        challenged("B2", f"SYN at RCV.NXT + {offset}", c, c.ask(SYN, c.snd + offset, 0, options=b"\x02\x04\x05\xb4"))
    for name, ack in (("SND.UNA - 2^28", -(1 << 28)), ("below the largest window", -65001), ("SND.NXT + 50000", 50000)):
        c = Connection(d, l)
        got = c.ask(ACK | PSH, c.snd, c.rcv + ack, b"evil octets")
        text = c.read()
        report("B3", f"text with an ACK {name}", f"{len(got)} answers, {'taken' if text else 'not taken'}",
               len(got) == 1 and text is None and c.alive())
    c = Connection(d, l)
    c.sock.send(b"x" * 100)
    d.packets()
    got = c.ask(ACK, c.snd + 0x60000000, c.rcv + 100)
    queued = struct.unpack("i", fcntl.ioctl(c.sock, 0x5411, b"\0" * 4))[0]
    report("B4", "ACK of all far outside the window", f"{len(got)} answers, {queued} octets still unacknowledged",
           queued == 100 and len([g for g in got if not g.text]) == 1)
    c = Connection(d, l)
    c.ask(ACK, c.snd + 0x60000000, c.rcv, window=0)
    c.sock.send(b"y" * 50)
    got = d.segments(c.port)
    report("B5", "a forged window 0", f"then {sum(len(g.text) for g in got)} octets sent", bool(got) and len(got[0].text) == 50)
    c = Connection(d, l)
    d.packets(0.002)
    for i in range(1000):
        c.forge(RST, c.snd + 1 + i, 0)
    got = d.segments(c.port)
    report("B6", "1000 inexact RSTs at once", f"{len(got)} answers", len(got) == 1 and c.alive())
    c = Connection(d, l, window=1000)
    c.sock.send(b"z" * 8000)
    d.packets()
    got = c.ask(ACK, c.snd, c.rcv + 5000)
    queued = struct.unpack("i", fcntl.ioctl(c.sock, 0x5411, b"\0" * 4))[0]
    report("B7", "ACK of what is queued, not sent", f"{len(got)} answers, {queued} of 8000 still there",
           queued == 8000 and len([g for g in got if not g.text]) == 1)


def stamps(d, l):
    c = Connection(d, l, timestamps=True)
    c.alive()
    got = c.ask(ACK | PSH, c.snd, c.rcv, b"old", ts=c.ts - 5)
    text = c.read()
    report("B8", "text with an old TSval", f"{len(got)} answers, {'taken' if text else 'not taken'}", text is None and len(got) == 1)
    c.ask(ACK | PSH, c.snd + (1 << 30), c.rcv, b"far", ts=c.ts + 1000000)
    report("B8", "a future TSval outside the window", "then honest text: " + ("taken" if c.alive() else "refused"), True)
    got = c.ask(ACK | PSH, c.snd, c.rcv, b"none", no_ts=True, options=b"")
    text = c.read()
    report("B8", "text without a timestamp", "taken" if text else "not taken", text is None)
    for exact in (True, False):
        c = Connection(d, l)
        c.sock.close()
        d.packets()
        c.rcv += 1
        c.forge(FIN | ACK, c.snd, c.rcv)
        d.packets()
        c.snd += 1
        c.ask(RST, c.snd + (0 if exact else 1), 0)
        again = c.ask(FIN | ACK, c.snd - 1, c.rcv)
        stays = bool(again) and not again[0].flags & RST
        report("B9", f"RST {'exactly at' if exact else 'beside'} RCV.NXT in TIME-WAIT", "stands guard" if stays else "gone", stays)


def opening(d):
    for name, flags, delta, ends in (("RST without ACK", RST, None, False), ("RST with a wrong ACK", RST | ACK, 5, False),
                                     ("RST with the right ACK", RST | ACK, 1, True), ("SYN-ACK with a wrong ACK", SYN | ACK, 7, False)):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((PEER, 80))
        syn = d.segments(80)
        syn = [g for g in syn if g.flags == SYN and g.sport == s.getsockname()[1]][-1]
        head = struct.pack("!HHIIHHHH", 80, syn.sport, 77, 0 if delta is None else (syn.seq + delta) & 0xFFFFFFFF, 5 << 12 | flags, 1000, 0, 0)
        pseudo = socket.inet_aton(PEER) + socket.inet_aton(US) + struct.pack("!HH", 6, 20)
        head = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
        d.send(ip_packet(6, head))
        got = d.segments(80)
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        rst = sum(bool(g.flags & RST) for g in got)
        right = (error != 0) == ends and (rst == 1) == (flags == SYN | ACK)
        report("B10", f"{name} in SYN-SENT", f"{errno.errorcode.get(error, 'goes on')}, {rst} RST back", right)
        s.close()


def parsing(d, l):
    c = Connection(d, l)
    challenged("P2", "CVE-2019-12258: SYN 0x4141, window scale of length 2", c,
               c.ask(SYN, 0x4141, 0, options=b"\x02\x04\x05\xb4\x03\x02\0\0"))
    for pointer in (0, 1, 5, 65535):
        c = Connection(d, l)
        c.forge(ACK | PSH | URG, c.snd, c.rcv, b"12345", urgent=pointer)
        time.sleep(0.01)
        got = c.read()
        report("P1", f"urgent pointer {pointer}, five octets", got, got == b"12345")
    for mss in (0, 1, 48, 64, 535):
        c = Connection(d, l, options=b"\x02\x04" + struct.pack("!H", mss))
        c.sock.send(b"m" * 4000)
        largest = max((len(g.text) for g in d.segments(c.port)), default=0)
        right = largest <= (536 if mss == 0 else max(mss, 64)) and largest >= 64
        report("P3", f"MSS {mss}", f"segments of {largest}", right)
    c = Connection(d, l)
    c.ask(ACK, c.snd, c.rcv, options=b"\x02\x04\0\x01")
    c.sock.send(b"p" * 4000)
    largest = max((len(g.text) for g in d.segments(c.port)), default=0)
    report("P4", "MSS 1 in an ACK", f"then segments of {largest}", largest > 1000)
    for offset in (0, 4, 15):
        c = Connection(d, l)
        segment = struct.pack("!HHIIHHHH", c.port, 80, c.snd, c.rcv, offset << 12 | ACK | PSH, 1000, 0, 0) + b"data"
        pseudo = socket.inet_aton(PEER) + socket.inet_aton(US) + struct.pack("!HH", 6, len(segment))
        d.send(ip_packet(6, segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]))
        time.sleep(0.01)
        got = c.read()
        report("P5", f"data offset {offset}", "dropped" if got is None else f"taken: {got!r}", got is None and c.alive())


def below(d, l):
    for mtu, where in ((68, 0), (0, 0), (68, 100000)):
        c = Connection(d, l)
        c.sock.send(b"i" * 1000)
        d.packets()
        tcp = struct.pack("!HHI", 80, c.port, (c.rcv + where) & 0xFFFFFFFF)
        inner = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 1500, 1, 0x4000, 64, 6, 0, socket.inet_aton(US), socket.inet_aton(PEER))
        icmp = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + inner + tcp
        d.send(ip_packet(1, icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]))
        d.packets()
        c.forge(ACK, c.snd, c.rcv + 1000)
        c.sock.send(b"j" * 4000)
        largest = max((len(g.text) for g in d.segments(c.port)), default=0)
        report("B12", f"MTU {mtu}, {'not ' if where else ''}in flight", f"then segments of {largest}",
               largest > 1400 if where else largest >= 500)
        subprocess.run(["ip", "route", "flush", "cache"], check=False)
    def echo(text):
        message = b"\x08\0\0\0\0\x07\0\x01" + text
        return message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    whole = echo(bytes(range(120)))
    for name, pieces, answered in (("no overlap", ((0, 64), (64, 128)), True), ("an overlap of 8 octets", ((0, 64), (56, 128)), False),
                                   ("the first one twice", ((0, 64), (0, 64), (64, 128)), True)):
        ident = 100 + len(name)
        for start, end in pieces:
            d.send(ip_packet(1, whole[start:end], fragment=start // 8 | (0x2000 if end < 128 else 0), ident=ident))
        got = [p for p in d.packets() if p[9] == 1]
        report("I1", f"IPv4 fragments, {name}", "answered" if got else "dropped", bool(got) == answered)
    d.send(ip_packet(1, echo(b"route"), options=b"\x83\x07\x04" + socket.inet_aton(PEER) + b"\0"))
    got = [p for p in d.packets() if p[9] == 1]
    report("I3", "echo with a source route", "answered" if got else "dropped", not got)
    isns = []
    for _ in range(50):
        c = Connection(d, l)
        isns.append(c.rcv)
        c.sock.close()
    near = sum((b - a) % (1 << 32) < 1000000 for a, b in zip(isns, isns[1:]))
    report("E1", "50 initial sequence numbers to other ports", f"{near} within 4 s of the one before", near < 3)


def main():
    device = Device()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((US, 80))
    listener.listen(64)
    for step in (lambda: blind(device, listener), lambda: stamps(device, listener), lambda: opening(device),
                 lambda: parsing(device, listener), lambda: below(device, listener)):
        step()
    print(f"Linux {os.uname().release}: {counts[True]} cases as docs/attacks.md asks, {counts[False]} otherwise")
    return 0


sys.exit(main())
