#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other end of a service: a server on 127.0.0.1 that takes lines. Prints its port; ends with its standard input.

slow    answers after a minute: whoever does not bound its calls piles them up
status  answers a line with a status of about 32 KB; on "watch" sends one whenever it changes, which is every two seconds
sink    acknowledges every line
http    answers HTTP requests with the status, and keeps the connection unless asked to close it; "/slow" after a minute
redis   is a redis-server that has the status under "status", and publishes on "status" when that changes, which is every two seconds
"""
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile

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


def served(talk):
    async def start():
        server = await asyncio.start_server(closing(talk), "127.0.0.1", 0, backlog=1024)
        return server.sockets[0].getsockname()[1], server.close

    return start


async def connect(port):
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)


async def change(reader, writer):
    value = json.dumps(STATUS)
    while True:
        for words in (("SET", "status", value), ("PUBLISH", "status", "changed")):
            writer.write(b"*%d\r\n" % len(words))
            writer.writelines(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)
            await reader.readline()
        await asyncio.sleep(2)


async def redis():
    with socket.create_server(("127.0.0.1", 0)) as server:  # redis-server itself refuses to have the kernel choose
        port = server.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", tempfile.gettempdir()]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    changing = asyncio.create_task(change(*await connect(port)))

    def end():
        changing.cancel()
        server.kill()

    return port, end


KINDS = {"slow": served(slow), "status": served(status), "sink": served(sink), "http": served(http), "redis": redis}


async def main(kind):
    port, end = await KINDS[kind]()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    end()
    os._exit(0)  # who still waits for an answer gets none


asyncio.run(main(sys.argv[1]))
