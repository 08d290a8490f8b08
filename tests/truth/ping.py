# SPDX-License-Identifier: Apache-2.0
"""An asyncio loop that does nothing but bounce a byte between two sockets, in two tasks.

usage: ping.py SECONDS [coroutine|debug]. Prints "ready", begins at a byte on standard input, prints the bounces of a second of its CPU
time: what others do on the machine meanwhile does not count.
"""
import asyncio
import os
import socket
import sys
import time

from watchdog import watch_with


async def bounce(loop, sock, bounced):
    while True:
        data = await loop.sock_recv(sock, 1)
        bounced[0] += 1
        await loop.sock_sendall(sock, data)


async def main(seconds, watchdog):
    loop = asyncio.get_running_loop()
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    bounced = [0]
    tasks = [loop.create_task(bounce(loop, s, bounced)) for s in (one, other)]
    go = asyncio.Event()
    loop.add_reader(0, lambda: (os.read(0, 1), go.set(), loop.remove_reader(0)))
    print("ready", flush=True)
    await go.wait()
    watch_with(watchdog, loop, [])
    one.send(b"x")
    await asyncio.sleep(0.2)
    before, start = bounced[0], time.process_time()
    await asyncio.sleep(seconds)
    assert not any(task.done() for task in tasks)
    print((bounced[0] - before) / (time.process_time() - start), flush=True)
    os._exit(0)


asyncio.run(main(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
