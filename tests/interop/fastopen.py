#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# fastopen.py - the kernel's end of Fast Open.
#   server PORT FILE    answers each connection with FILE when its peer has closed, and says how much came
#   client HOST PORT FILE...  for each FILE a connection whose SYN may carry it; prints what comes back
import socket, sys

TCP_FASTOPEN, MSG_FASTOPEN = 23, 0x20000000


def rest(s):
    parts = []
    while part := s.recv(65536):
        parts.append(part)
    return b''.join(parts)


def server(port, path):
    answer = open(path, 'rb').read()
    s = socket.create_server(('::', int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
    s.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    print('ready', flush=True)
    while True:
        c, _ = s.accept()
        print(len(rest(c)), flush=True)
        c.sendall(answer)
        c.close()


def client(host, port, *paths):
    for path in paths:
        family, kind, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        s = socket.socket(family, kind)
        text = open(path, 'rb').read()
        sent = s.sendto(text, MSG_FASTOPEN, address)
        s.sendall(text[sent:])
        s.shutdown(socket.SHUT_WR)
        sys.stdout.buffer.write(rest(s))
        sys.stdout.flush()


{'server': server, 'client': client}[sys.argv[1]](*sys.argv[2:])
