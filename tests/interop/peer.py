#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""peer.py WHAT ARGUMENT... - the kernel's side of interop tests: sockets of this machine.

many HOST PORT COUNT BYTES   opens COUNT connections to an echo service, then exchanges BYTES each way on each
short HOST PORT COUNT        COUNT connections one after another, one byte each way
echo PORT                    an echo server for any number of connections
reset HOST PORT              connects, sends, and resets
reset-server PORT            accepts one connection, reads a little, and resets
slow HOST PORT BYTES SECONDS reads nothing for a while, then BYTES of a character generator, and checks them
half HOST PORT FILE          sends FILE, closes its direction, and prints the SHA-256 of what still comes
half-server PORT FILE        the same for one accepted connection
"""
import hashlib
import resource
import selectors
import socket
import struct
import sys
import time


def content(number, size):
    """The octets of one connection: different for each."""
    seed = hashlib.sha256(str(number).encode()).digest()
    return (seed * (size // len(seed) + 1))[:size]


def connect(host, port):
    info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    s = socket.socket(info[0], socket.SOCK_STREAM)
    s.connect(info[4])
    return s


def listen(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(4096)
    print("ready", flush=True)
    return s


def more_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))


def many(host, port, count, size):
    more_files()
    count, size = int(count), int(size)
    sockets = [connect(host, port) for _ in range(count)]
    print(f"{count} connections established before the first byte", flush=True)
    selector = selectors.DefaultSelector()
    for number, s in enumerate(sockets):
        s.setblocking(False)
        state = {"out": memoryview(content(number, size)), "in": hashlib.sha256(), "got": 0,
                 "want": hashlib.sha256(content(number, size)).digest(), "ended": False}
        selector.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE, state)
    open_count, bad = count, 0
    while open_count:
        for key, mask in selector.select(30) or sys.exit("nothing happens"):
            s, state = key.fileobj, key.data
            if mask & selectors.EVENT_WRITE:
                sent = s.send(state["out"])
                state["out"] = state["out"][sent:]
                if not state["out"]:
                    s.shutdown(socket.SHUT_WR)
                    selector.modify(s, selectors.EVENT_READ, state)
            if mask & selectors.EVENT_READ:
                data = s.recv(65536)
                state["in"].update(data)
                state["got"] += len(data)
                if not data:
                    bad += state["got"] != size or state["in"].digest() != state["want"]
                    selector.unregister(s)
                    s.close()
                    open_count -= 1
    print(f"{count} connections, {size} bytes each way each, {bad} wrong")
    return bad


def short(host, port, count):
    start = time.monotonic()
    for i in range(int(count)):
        with connect(host, port) as s:
            octet = bytes([i % 256])
            s.sendall(octet)
            if s.recv(10) != octet:
                return f"connection {i}: wrong echo"
    print(f"{count} connections, {int(count) / (time.monotonic() - start):.0f} a second")
    return 0


def echo(port):
    more_files()
    server = listen(int(port))
    selector = selectors.DefaultSelector()
    selector.register(server, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is server:
                s, _ = server.accept()
                selector.register(s, selectors.EVENT_READ)
                continue
            s = key.fileobj
            try:
                data = s.recv(65536)
                if data:
                    s.sendall(data)
                    continue
            except OSError:
                pass
            selector.unregister(s)
            s.close()


def reset_now(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def reset(host, port):
    s = connect(host, port)
    s.sendall(b"x" * 1000)
    time.sleep(0.1)
    reset_now(s)
    return 0


def reset_server(port):
    s, _ = listen(int(port)).accept()
    s.recv(1000)
    reset_now(s)
    return 0


def slow(host, port, size, seconds):
    size = int(size)
    s = socket.socket(socket.getaddrinfo(host, port)[0][0], socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    s.connect(socket.getaddrinfo(host, port)[0][4])
    time.sleep(float(seconds))
    lines = b"".join(bytes(32 + (line + i) % 95 for i in range(72)) + b"\r\n" for line in range(95))
    got = 0
    while got < size:
        data = s.recv(65536)
        if not data:
            return f"ended after {got} bytes"
        at = got % len(lines)
        if data != (lines[at:] + lines * (len(data) // len(lines) + 1))[: len(data)]:
            return f"wrong octets after {got}"
        got += len(data)
    print(f"{got} bytes after {seconds} s of silence")
    return 0


def half_way(s, path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        s.sendfile(f)
    s.shutdown(socket.SHUT_WR)
    while data := s.recv(65536):
        digest.update(data)
    print(digest.hexdigest())
    return 0


def half(host, port, path):
    return half_way(connect(host, port), path)


def half_server(port, path):
    return half_way(listen(int(port)).accept()[0], path)


if __name__ == "__main__":
    sys.exit(globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:]))
