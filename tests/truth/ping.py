# SPDX-License-Identifier: Apache-2.0
"""An asyncio loop that does nothing but bounce a byte between two sockets of its own, every hop an iteration or two.

usage: ping.py SECONDS [coroutine|debug]. Prints "ready", begins at a byte on standard input, prints the bounces of a second of its CPU
time: what others do on the machine meanwhile does not count.
"""
import asyncio
import os
import socket
import sys
import time

from watchdog import watch_with


class Bounce(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.n = transport, 0

    def data_received(self, data):
        self.n += 1
        self.transport.write(data)


async def main(seconds, watchdog):
    loop = asyncio.get_running_loop()
    a, b = socket.socketpair()
    (one, player), (_, _) = [await loop.create_connection(Bounce, sock=s) for s in (a, b)]
    go = asyncio.Event()
    loop.add_reader(0, lambda: (os.read(0, 1), go.set(), loop.remove_reader(0)))
    print("ready", flush=True)
    await go.wait()
    watch_with(watchdog, loop, [])
    one.write(b"x")
    await asyncio.sleep(0.2)
    before, start = player.n, time.process_time()
    await asyncio.sleep(seconds)
    print((player.n - before) / (time.process_time() - start), flush=True)
    os._exit(0)


asyncio.run(main(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
