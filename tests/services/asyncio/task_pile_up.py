# SPDX-License-Identifier: Apache-2.0
"""Handles every event in a task of its own, and only a few can be handled at a time; no connection is needed for it."""
import asyncio
import itertools

from service import serve

EVENT_S, EVENTS, HANDLING_S, HANDLERS = 0.02, 16, 0.05, 4
BOUND, BURST, BURST_EVERY_S = 200, 1500, 1.7


async def handle(slots, number):
    async with slots:
        await asyncio.sleep(HANDLING_S)
    return number


async def sick():
    slots, tasks = asyncio.Semaphore(HANDLERS), set()
    while True:
        for number in range(EVENTS):
            tasks.add(asyncio.create_task(handle(slots, number)))
        await asyncio.sleep(EVENT_S)


async def bounded(bound, slots, tasks):
    for number in itertools.count():
        await bound.acquire()
        task = asyncio.create_task(handle(slots, number))
        tasks.append(task)  # that they are kept does not make them unfinished
        task.add_done_callback(lambda _: bound.release())


async def burst():
    """Many at once, which is no more than the work is worth."""
    await asyncio.gather(*(handle(asyncio.Semaphore(), number) for number in range(BURST)))


async def healthy():
    tasks = []
    steady = asyncio.create_task(bounded(asyncio.Semaphore(BOUND), asyncio.Semaphore(HANDLERS), tasks))
    while not steady.done():
        await burst()
        await asyncio.sleep(BURST_EVERY_S)


if __name__ == "__main__":
    serve({"sick": sick, "healthy": healthy})
