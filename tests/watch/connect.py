# SPDX-License-Identifier: BSD-2-Clause
# connect.py - scans by connect(), many at once, as programs of an afternoon do: HOST,HOST... FIRST-LAST TOGETHER SECONDS
import asyncio
import sys

hosts, ports = sys.argv[1].split(","), [int(p) for p in sys.argv[2].split("-")]


async def ask(host, port, room):
    async with room:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), float(sys.argv[4]))
            writer.close()
        except (OSError, asyncio.TimeoutError):
            pass


async def main():
    room = asyncio.Semaphore(int(sys.argv[3]))
    await asyncio.gather(*(ask(h, p, room) for h in hosts for p in range(ports[0], ports[1] + 1)))


asyncio.run(main())
