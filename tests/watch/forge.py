# SPDX-License-Identifier: BSD-2-Clause
# forge.py - who sees a connection and speaks in its ends' names, by scapy: WHAT INTERFACE SERVER PORT HOPS
# once the client's text passes: rst, in the server's name to the client; both, in either name; march, the first at three
# places; beyond, the first once, further than the server has come; text, an answer before the server's own.
import logging
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import IP, TCP, Ether, IPv6, conf, sniff  # noqa: E402

what, interface, server, port, hops = sys.argv[1:6]
wire = conf.L2socket(iface=interface)
done = []


def network(packet):
    return packet[IPv6] if IPv6 in packet else packet[IP]


def text_bytes(packet):
    ip, header = network(packet), packet[TCP].dataofs * 4
    return (ip.plen if IPv6 in packet else ip.len - ip.ihl * 4) - header


def header(packet, forward):
    ip = network(packet)
    ends = {"src": ip.src, "dst": ip.dst} if forward else {"src": ip.dst, "dst": ip.src}
    macs = {"src": packet.src, "dst": packet.dst} if forward else {"src": packet.dst, "dst": packet.src}
    count = {"hlim" if IPv6 in packet else "ttl": int(hops)}
    return Ether(**macs) / (IPv6 if IPv6 in packet else IP)(**ends, **count)


def forge(packet):
    t = packet[TCP]
    back = {"sport": t.dport, "dport": t.sport}
    behind = t.seq + text_bytes(packet)
    for place in {"rst": [0], "both": [0], "march": [0, 1460, 4380], "beyond": [9000]}.get(what, []):
        wire.send(header(packet, False) / TCP(**back, flags="R", seq=t.ack + place))
    if what == "both":
        wire.send(header(packet, True) / TCP(sport=t.sport, dport=t.dport, flags="R", seq=behind))
    if what == "text":
        answer = b"HTTP/1.1 302 Found\r\nLocation: http://other.example/\r\nContent-Length: 0\r\n\r\n"
        wire.send(header(packet, False) / TCP(**back, flags="PA", seq=t.ack, ack=behind, window=500) / answer)
    done.append(packet)


def wanted(packet):
    return TCP in packet and packet[TCP].dport == int(port) and network(packet).dst == server and text_bytes(packet) > 0


sniff(
    opened_socket=wire,
    lfilter=wanted,
    prn=forge,
    stop_filter=lambda _: bool(done),
    started_callback=lambda: print("listening", flush=True),
    timeout=20,
)
