# SPDX-License-Identifier: BSD-2-Clause
# zombie.py - an old host with one counter for IP identifications: answers ARP, and RST to everything: INTERFACE ADDRESS
import socket
import struct
import sys

interface, address = sys.argv[1], socket.inet_aton(sys.argv[2])
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind((interface, 0))
mac = wire.getsockname()[4]
identification = 1000


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


while True:
    frame = wire.recv(2048)
    if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x01" and frame[38:42] == address:
        wire.send(frame[6:12] + mac + frame[12:20] + b"\x00\x02" + mac + address + frame[22:32])
        continue
    if frame[12:14] != b"\x08\x00" or frame[23] != 6 or frame[30:34] != address:
        continue
    sport, dport, seq, ack, offset, flags = struct.unpack("!HHIIBB", frame[34:48])
    if flags & 4:
        continue
    identification = (identification + 1) & 0xFFFF
    if flags & 16:
        tcp = struct.pack("!HHIIBBHHH", dport, sport, ack, 0, 0x50, 4, 0, 0, 0)
    else:
        tcp = struct.pack("!HHIIBBHHH", dport, sport, 0, seq + 1 & 0xFFFFFFFF, 0x50, 20, 0, 0, 0)
    pseudo = address + frame[26:30] + b"\x00\x06\x00\x14"
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, identification, 0, 64, 6, 0) + address + frame[26:30]
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    wire.send(frame[6:12] + mac + b"\x08\x00" + ip + tcp)
