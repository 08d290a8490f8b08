# SPDX-License-Identifier: Apache-2.0
"""Reports every event to a peer that has become slow."""
import asyncio
import itertools

from service import serve

EVENT_S = 0.02


async def report(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"event %d\n" % number)
        await reader.readline()
    finally:
        writer.close()


async def sick(port):
    tasks = set()
    for number in itertools.count():
        tasks.add(asyncio.create_task(report(port, number)))
        await asyncio.sleep(EVENT_S)


async def reporter(port, queue):
    while True:
        number = await queue.get()
        try:
            await asyncio.wait_for(report(port, number), 1)
        except asyncio.TimeoutError:
            pass


async def healthy(port):
    queue = asyncio.Queue(100)
    workers = [asyncio.create_task(reporter(port, queue)) for _ in range(8)]
    for number in itertools.count():
        if not queue.full():
            queue.put_nowait(number)
        await asyncio.sleep(EVENT_S)
        assert not any(w.done() for w in workers)


if __name__ == "__main__":
    serve({"sick": sick, "healthy": healthy})
