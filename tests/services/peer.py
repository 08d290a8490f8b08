#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other end of a service: a server on 127.0.0.1 that takes lines. Prints its port; ends with its standard input.

slow    answers after a minute: whoever does not bound its calls piles them up
status  answers a line with a status of about 32 KB; on "watch" sends one whenever it changes, which is every two seconds
sink    acknowledges every line
http    answers HTTP requests with the status, and keeps the connection unless asked to close it; "/slow" after a minute
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


async def http(reader, writer):
    body = json.dumps(STATUS).encode()
    while request := await reader.readline():
        length, close = 0, False
        while (line := await reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            length = int(value) if name.lower() == "content-length" else length
            close = close or (name.lower() == "connection" and value.strip().lower() == "close")
        await reader.readexactly(length)
        if b"/slow" in request:
            await asyncio.sleep(60)
        answer = body if request.startswith(b"GET") else b"{}"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        await writer.drain()
        if close:
            break


def closing(talk):
    async def connected(reader, writer):
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    return connected


async def main(kind):
    server = await asyncio.start_server(closing(kind), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # who still waits for an answer gets none


asyncio.run(main({"slow": slow, "status": status, "sink": sink, "http": http}[sys.argv[1]]))
