# SPDX-License-Identifier: Apache-2.0
"""Wants to know at once when the status of a peer changes; eight parts of it do."""
import asyncio
import json

from service import every, serve

PARTS = 8


async def look(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(b"status\n")
    status = json.loads(await reader.readline())
    writer.close()
    return [job for job in status["jobs"] if job["state"] == "done"]


async def sick(port):
    await asyncio.gather(*(every(0.1, look, port) for _ in range(PARTS)))


async def healthy(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(b"watch\n")
    done = [asyncio.Queue() for _ in range(PARTS)]
    while line := await reader.readline():
        jobs = [job for job in json.loads(line)["jobs"] if job["state"] == "done"]
        for queue in done:
            queue.put_nowait(jobs)


if __name__ == "__main__":
    serve({"sick": sick, "healthy": healthy})
