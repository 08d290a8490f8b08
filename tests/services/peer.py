#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other end of a service: a server on 127.0.0.1 that takes lines. Prints its port; ends with its standard input.

slow    answers after a minute: whoever does not bound its calls piles them up
status  answers a line with a status of about 32 KB; on "watch" sends one whenever it changes, which is every two seconds
sink    acknowledges every line
"""
import asyncio
import json
import os
import sys

STATUS = {"jobs": [{"id": i, "state": "queued", "owner": "team-%d" % (i % 7), "progress": i / 7} for i in range(420)]}


async def slow(reader, writer):
    await reader.readline()
    await asyncio.sleep(60)


async def status(reader, writer):
    answer = json.dumps(STATUS).encode() + b"\n"
    while line := await reader.readline():
        writer.write(answer)
        await writer.drain()
        while line.startswith(b"watch"):
            await asyncio.sleep(2)
            writer.write(answer)
            await writer.drain()


async def sink(reader, writer):
    while await reader.readline():
        writer.write(b"ok\n")
        await writer.drain()


def closing(talk):
    async def connected(reader, writer):
        try:
            await talk(reader, writer)
        except ConnectionError:
            pass
        writer.close()

    return connected


async def main(kind):
    server = await asyncio.start_server(closing(kind), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # who still waits for an answer gets none


asyncio.run(main({"slow": slow, "status": status, "sink": sink}[sys.argv[1]]))
