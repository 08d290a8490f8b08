# SPDX-License-Identifier: Apache-2.0
"""Publishes an event to every subscriber."""
import asyncio
import json

from service import every, serve

SUBSCRIBERS = 150
EVENT = {"kind": "price", "items": [{"id": i, "price": i * 1.07} for i in range(20)]}


async def send(reader, writer, number):
    writer.write(json.dumps({"to": number, **EVENT}).encode() + b"\n")
    await writer.drain()
    await reader.readline()


async def publish(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await send(reader, writer, number)
    writer.close()


async def publish_all(port):
    await asyncio.gather(*(publish(port, number) for number in range(SUBSCRIBERS)))


async def sick(port):
    await every(0.5, publish_all, port)


async def publisher(port, queue):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        await send(reader, writer, await queue.get())
        queue.task_done()


async def healthy(port):
    queue = asyncio.Queue()
    workers = [asyncio.create_task(publisher(port, queue)) for _ in range(6)]
    while not any(w.done() for w in workers):
        for number in range(SUBSCRIBERS):
            queue.put_nowait(number)
        await queue.join()
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    serve({"sick": sick, "healthy": healthy})
