# SPDX-License-Identifier: Apache-2.0
"""Keeps readings of meters: each in a callback of its own that waits for the one store, or by a writer that a queue with a bound holds back.
The healthy twin has users besides, who come one after the other and stay, with three tasks each."""
import asyncio
import os
import subprocess
import sys

from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.iostream import StreamClosedError
from tornado.locks import Lock
from tornado.queues import Queue, QueueFull
from tornado.tcpserver import TCPServer

METERS, READ_MS, STORE_S = 6, 10, 0.01
USERS = """
import socket, sys, time
users = []
try:
    while True:
        users.append(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
        time.sleep(0.012)
except OSError:
    pass
"""


class Echo(TCPServer):
    async def handle_stream(self, stream, address):
        waiting = [asyncio.ensure_future(asyncio.sleep(60)) for _ in range(2)]  # keeps it alive, and pushes to it
        try:
            while True:
                await stream.write(await stream.read_until(b"\n"))
        except StreamClosedError:
            pass
        for task in waiting:
            task.cancel()


class Store:
    def __init__(self):
        self.lock, self.queue = Lock(), Queue(maxsize=100)

    async def keep(self, reading):
        async with self.lock:
            await asyncio.sleep(STORE_S)

    async def write(self):
        async for reading in self.queue:
            await self.keep(reading)

    def spawn(self):
        for meter in range(METERS):
            IOLoop.current().spawn_callback(self.keep, meter)

    def offer(self):
        for meter in range(METERS):
            try:
                self.queue.put_nowait(meter)
            except QueueFull:
                pass  # the next reading says it too


async def main(twin):
    store, server = Store(), Echo()
    timer = PeriodicCallback(store.spawn if twin == "sick" else store.offer, READ_MS)
    timer.start()
    server.listen(0, "127.0.0.1", backlog=1024)
    port = next(iter(server._sockets.values())).getsockname()[1]
    if twin == "healthy":
        IOLoop.current().spawn_callback(store.write)
        subprocess.Popen([sys.executable, "-c", USERS, str(port)])
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # nobody waits for what still waits


asyncio.run(main(sys.argv[1]))
