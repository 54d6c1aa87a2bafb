# SPDX-License-Identifier: BSD-2-Clause
# pcap.py - small captures for tests, packet by packet: raw IPv4 unless another link type is named. No TCP checksum is
# right: what reads them does so with --no-checksum.
import struct

SECOND = 1000000


def ip4(src, dst, data, protocol=6, number=0):
    """Addresses are of four octets."""
    head = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(data), number, 0x4000, 64, protocol, 0)
    return head + src + dst + data


def tcp4(src, sport, dst, dport, flags, seq=0, ack=0, window=1000, options=b'', text=b'', number=0):
    offset = (20 + len(options)) // 4
    head = struct.pack('>HHIIBBHHH', sport, dport, seq, ack, offset << 4, flags, window, 0, 0)
    return ip4(src, dst, head + options + text, number=number)


def header(link=101):
    return struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)


def record(us, packet):
    """Microseconds since 1970."""
    return struct.pack('<IIII', us // SECOND, us % SECOND, len(packet), len(packet)) + packet


def save(name, records, link=101):
    with open(name, 'wb') as f:
        f.write(header(link))
        f.writelines(records)
    return name


def total(octets):
    """The sum that checksums of IP are made of: an even number of octets."""
    s = sum(struct.unpack('>%dH' % (len(octets) // 2), octets))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s
