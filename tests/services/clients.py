#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clients.py ADDRESS: four clients that ask every 30 ms or so and wait for the answer, until standard input ends. Prints, as JSON, how many
answers they got and the longest that one took: what the service's users saw.

ADDRESS is what the service printed: its port, if it echoes lines; or, if it talks HTTP, its port, the path that the four ask for, and
maybe more paths, each with the seconds between two visits of one more client: "8080 /ping /report:0.5". Visits are not measured.
"""
import asyncio
import json
import random
import sys
import threading
import time


class Lines:
    """A connection that sends a line and takes its echo."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def ask(self, _path):
        self.writer.write(b"hello\n")
        await self.reader.readline()


class Http(Lines):
    """A kept connection that asks for a path and takes an answer of known length."""

    async def ask(self, path):
        self.writer.write(b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % path.encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        if head.split()[1][0] != "2":
            raise RuntimeError(f"{path}: {head.splitlines()[0]}")
        await self.reader.readexactly(int(head.partition("content-length:")[2].split()[0]))


async def client(talk, port, path, pause, ended, took):
    connection = talk(*await asyncio.open_connection("127.0.0.1", port))
    while not ended.is_set():
        start = time.monotonic()
        await connection.ask(path)
        took.append(time.monotonic() - start)
        await asyncio.sleep(pause * random.uniform(0.7, 1.3))
    connection.writer.close()


def visits_of(words):
    for word in words:
        path, pause = word.split(":")
        yield path, float(pause)


def input_ended():
    ended = threading.Event()

    def read():
        sys.stdin.read()
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    return ended


async def main(address):
    port, *paths = address.split()
    talk, path, took, ended = Http if paths else Lines, (paths or [""])[0], [], input_ended()
    await asyncio.gather(*(client(talk, int(port), path, 0.03, ended, took) for _ in range(4)),
                         *(client(talk, int(port), path, pause, ended, []) for path, pause in visits_of(paths[1:])))
    print(json.dumps({"answers": len(took), "longest_ms": round(max(took) * 1000)}))


asyncio.run(main(sys.argv[1]))
