# SPDX-License-Identifier: BSD-2-Clause
# talkers.py - services that talk for longer: 7007 echo, 2121 FTP that refuses every password, 8088 a page after 0.3 s,
# 8090 a file without end, 8091 the same in small pieces, 8443 TLS if there is a certificate: [CERTIFICATE KEY]. IPv4 and IPv6.
import asyncio
import ssl
import sys

HEAD = b"HTTP/1.1 200 OK\r\nServer: example/1.0\r\nConnection: close\r\n\r\n"
PIECE = bytes(range(256)) * 16


async def echo(reader, writer):
    while text := await reader.read(4096):
        writer.write(text)


async def ftp(reader, writer):
    answers = {b"USER": b"331 password\r\n", b"PASS": b"530 no\r\n", b"QUIT": b"221 bye\r\n"}
    writer.write(b"220 ftp.example ready\r\n")
    while line := await reader.readline():
        word = line[:4].upper()
        writer.write(answers.get(word, b"502 no\r\n"))
        if word == b"QUIT":
            return


async def page(reader, writer):
    await reader.read(4096)
    await asyncio.sleep(0.3)
    writer.write(HEAD + b"the page as it is\n" * 8)


async def file(reader, writer, pause=0.0):
    await reader.read(4096)
    writer.write(HEAD)
    while True:
        writer.write(PIECE)
        await writer.drain()
        await asyncio.sleep(pause)


async def pieces(reader, writer):
    await file(reader, writer, 0.02)


def ends(serve):
    async def served(reader, writer):
        try:
            await serve(reader, writer)
            await writer.drain()
        except OSError:
            pass
        writer.close()

    return served


async def main():
    for port, serve in ((7007, echo), (2121, ftp), (8088, page), (8090, file), (8091, pieces)):
        await asyncio.start_server(ends(serve), ["::", "0.0.0.0"], port, backlog=512)
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[1:3])
        await asyncio.start_server(ends(page), ["::", "0.0.0.0"], 8443, ssl=context)
    await asyncio.Event().wait()


asyncio.run(main())
