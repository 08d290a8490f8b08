# SPDX-License-Identifier: Apache-2.0
"""Mirrors the jobs of a peer into memory: five mirrors that each fetch all of it ten times a second, or one that does so every two seconds."""
import asyncio
import json
import sys

from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import PeriodicCallback
from tornado.iostream import StreamClosedError
from tornado.tcpserver import TCPServer


class Echo(TCPServer):
    async def handle_stream(self, stream, address):
        try:
            while True:
                await stream.write(await stream.read_until(b"\n"))
        except StreamClosedError:
            pass


class Mirror:
    def __init__(self, port):
        self.url, self.jobs = f"http://127.0.0.1:{port}/jobs", {}

    async def refresh(self):
        answer = await AsyncHTTPClient().fetch(self.url)
        self.jobs = {job["id"]: job for job in json.loads(answer.body)["jobs"]}


async def main(twin, port):
    mirrors = [Mirror(port) for _ in range(5 if twin == "sick" else 1)]
    timers = [PeriodicCallback(m.refresh, 100 if twin == "sick" else 2000) for m in mirrors]
    for timer in timers:
        timer.start()
    server = Echo()
    server.listen(0, "127.0.0.1")
    print(next(iter(server._sockets.values())).getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
