#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""observed.py record FILE                 until SIGTERM: what the kernel says of every connection of this network namespace
observed.py compare FILE STATES ROWS...    that, and estab's own states (ESTAB_STATES), with estab watch --rows life --json

The kernel is asked by sock_diag, as ss does it: TCP_INFO of each socket when it ends, and states ten times a second.
"""
import ipaddress
import json
import select
import signal
import socket
import struct
import sys
import time

NAMES = {1: "ESTABLISHED", 2: "SYN-SENT", 3: "SYN-RECEIVED", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT",
         8: "CLOSE-WAIT", 9: "LAST-ACK", 11: "CLOSING"}
SOCK_DIAG, BY_FAMILY, INFO = 4, 20, 2
SOL_NETLINK, ADD_MEMBERSHIP, ENDS_IPV4, ENDS_IPV6 = 270, 1, 1, 3


def address(family, octets):
    ip = ipaddress.ip_address(octets[:4] if family == socket.AF_INET else octets)
    return str(getattr(ip, "ipv4_mapped", None) or ip)


class Kernel:
    def __init__(self):
        self.all, self.last, self.lost = [], {}, 0

    def take(self, message, ended):
        family, state = message[0], message[1]
        sport, dport = struct.unpack_from("!HH", message, 4)
        if dport == 0:
            return  # listens, or never got anywhere
        key = (address(family, message[8:24]), sport, address(family, message[24:40]), dport)
        c = self.last.get(key)
        if c is None or (c["ended"] and state in (1, 2, 3, 7)):
            c = self.last[key] = {"key": key, "states": [], "ended": False}
            self.all.append(c)
        if state in NAMES and c["states"][-1:] != [NAMES[state]]:
            c["states"].append(NAMES[state])
        if ended:
            c["ended"] = True
            at = 72
            while at + 4 <= len(message):
                size, kind = struct.unpack_from("HH", message, at)
                if kind == INFO and size >= 4 + 216:
                    got, segments = struct.unpack_from("QI", message, at + 4 + 128)
                    sent, again = struct.unpack_from("QQ", message, at + 4 + 200)
                    c.update(received=got, segments=segments, sent=sent - again, again=again)
                at += max(4, (size + 3) & ~3)

    def messages(self, data, ended):
        """Whether the answer goes on."""
        at = 0
        while at + 16 <= len(data):
            size, kind = struct.unpack_from("IH", data, at)
            if kind != BY_FAMILY:
                return False
            self.take(data[at + 16:at + size], ended)
            at += (size + 3) & ~3
        return True


def record(path):
    kernel, going = Kernel(), [True]
    ends = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG)
    ends.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    ends.bind((0, 0))  # an unbound one would have the kernel's own number, and hear nothing
    for group in (ENDS_IPV4, ENDS_IPV6):
        ends.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
    ends.setblocking(False)
    ask = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG)
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    print("ready", flush=True)

    def drain():
        try:
            while True:
                kernel.messages(ends.recv(1 << 16), True)
        except BlockingIOError:
            pass
        except OSError:
            kernel.lost += 1

    due = time.monotonic()
    while going:
        select.select([ends], [], [], 0.1)
        drain()
        began = time.monotonic()
        if began < due:
            continue
        for family in (socket.AF_INET, socket.AF_INET6):
            ask.send(struct.pack("IHHII", 72, BY_FAMILY, 0x301, 1, 0) + struct.pack("BBBBI", family, 6, 0, 0, 0xbff) +
                     bytes(48))
            while kernel.messages(ask.recv(1 << 16), False):
                pass
        due = time.monotonic() + max(0.1, 10 * (time.monotonic() - began))
    time.sleep(0.1)
    drain()
    json.dump({"lost": kernel.lost, "connections": kernel.all}, open(path, "w"))


# ---------------------------------------------------------------------------------------------

def within(few, many):
    rest = iter(many)
    return all(name in rest for name in few)


def no_own_fin(states):
    """CLOSE was called, but the FIN has not left: on the wire nothing of it shows."""
    return [{"CLOSING": "CLOSE-WAIT"}.get(s, s) for s in states if s not in ("FIN-WAIT-1", "LAST-ACK")]


def kernel_fits(said, seen, fin_sent):
    """What was seen of it ten times a second is part of what the observer tells."""
    if within(said, seen):
        return True
    if not fin_sent:
        return within(no_own_fin(said), seen)
    # Its FIN left after the peer's came: FIN-WAIT-1 and CLOSING are the passive side's states on the wire.
    return "CLOSE-WAIT" in seen and within([s for s in said if s not in ("FIN-WAIT-1", "CLOSING", "TIME-WAIT")], seen)


def estab_fits(said, seen, fin_sent, reset):
    """Every state, but for steps that no packet shows: the same rules as estab sim has."""
    if said == seen:
        return True
    if reset and seen[-1:] == said[-1:] == ["CLOSED"] and said[:len(seen) - 1] == seen[:-1]:
        return True  # the first RST was lost behind the tap, the next one was not
    if not fin_sent and no_own_fin(said) == seen:
        return True
    if said[-1:] == ["CLOSED"] and said[:-1] == seen[:len(said) - 1]:
        return True  # it gave up without a word
    if said[-1:] == ["TIME-WAIT"] and said + ["CLOSED"] == seen:
        return True  # RFC 1337: the RST was ignored
    same = 0
    while same < min(len(said), len(seen)) and said[same] == seen[same]:
        same += 1
    if said == seen[:len(said)] or seen == said[:len(seen)]:
        return said[-1] in ("TIME-WAIT", "CLOSED") or seen[-1] in ("TIME-WAIT", "CLOSED")
    return said[same:same + 2] == ["FIN-WAIT-1", "CLOSING"] and seen[same:same + 1] == ["CLOSE-WAIT"]


def estab_lives(path):
    """Of each tuple, from estab's end, the lives one after another."""
    lives = {}
    for line in open(path):
        e = json.loads(line)
        key = (e["local"], e["local_port"], e["remote"], e["remote_port"])
        of = lives.setdefault(key, [])
        if not of or of[-1][-1:] == ["CLOSED"]:
            of.append([])
        if e["to"] != "LISTEN":
            of[-1].append(e["to"])
    return lives


def compare(path, states, rows):
    said, seen = json.load(open(path)), {}
    for name in rows:
        for line in open(name):
            o = json.loads(line)
            if o["type"] == "conn" and o.get("final"):
                orig, resp = (o["id.orig_h"], o["id.orig_p"]), (o["id.resp_h"], o["id.resp_p"])
                seen.setdefault(orig + resp, []).append(("orig", "resp", o))
                seen.setdefault(resp + orig, []).append(("resp", "orig", o))
    kernel_lives, bad = {}, []
    for c in said["connections"]:
        if c.get("segments"):
            kernel_lives.setdefault(tuple(c["key"]), []).append(c)
    count = {"kernel": 0, "estab": 0, "lost": 0, "again": 0}

    def rows_of(key, lives):
        """Pairs of life and row, oldest first; tuples that were used more often than was seen say nothing."""
        found = seen.get(key, [])
        if len(found) != len(lives) or any(o["capture_loss"] or o["evicted"] for _, _, o in found):
            count["lost"] += len(lives)
            return []
        return zip(lives, found)

    for key, lives in kernel_lives.items():
        for c, (side, peer, o) in rows_of(key, lives):
            count["kernel"] += 1
            count["again"] += c["again"]
            told, fin = [step[1] for step in o[f"{side}_states"]], int(o[f"{side}_flags"], 16) & 1
            if not kernel_fits(c["states"], told, fin):
                bad.append(f"{key}: seen {told}, the kernel was in {c['states']}")
            # What a full queue dropped before the tap (a gap in the history) was seen but once.
            unseen = ("G" if side == "orig" else "g") in o["history"]
            for what, ours, theirs in (("octets", o.get(f"{side}_bytes", 0), c["sent"]),
                                       ("octets again", o[f"{side}_retransmitted_bytes"], c["again"])):
                if ours != theirs and not (unseen and what == "octets again" and ours < theirs):
                    bad.append(f"{key}: {what}: counted {ours}, the kernel says {theirs}; {o['history']}")
            # Who closed first may not have read what came later.
            if o["conn_state"] == "SF" and o["closed_by"] == peer and c["received"] - o.get(f"{peer}_bytes", 0) not in (0, 1):
                bad.append(f"{key}: the kernel received {c['received']}, counted {o.get(f'{peer}_bytes')}")
    for key, lives in estab_lives(states).items():
        for life, (side, _, o) in rows_of(key, lives):
            count["estab"] += 1
            told, fin = [step[1] for step in o[f"{side}_states"]], int(o[f"{side}_flags"], 16) & 1
            if not estab_fits(life, told, fin, o["conn_state"].startswith("RST")):
                bad.append(f"{key}: seen {told}, estab was in {life}; {o['history']}")
    print(f"observed: {count['kernel']} ends as the kernel says, {count['estab']} as estab says, {len(bad)} differences; "
          f"{count['again']} octets sent again; {count['lost']} not seen whole")
    for line in bad[:20]:
        print(line)
    return 1 if bad or count["kernel"] == 0 or said["lost"] else 0


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record(sys.argv[2])
    else:
        sys.exit(compare(sys.argv[2], sys.argv[3], sys.argv[4:]))
