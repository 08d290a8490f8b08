# SPDX-License-Identifier: Apache-2.0
"""Tasks that stall and are waited for in known ways. A task's name says who awaits it, as loopstall should: `work < fetch < main`.

Each name of a stalling task is its own truth: "task<awaiter<awaiter", where a task that has no name of its own is "-". With a "+2"
the awaiter is one of three. Prints READY when it stalls.
"""
import asyncio
import sys
import time


async def work():
    await asyncio.sleep(0)
    time.sleep(0.03)


def named(coroutine, name):
    return asyncio.get_running_loop().create_task(coroutine, name=name)


async def by_await():
    await named(work(), "awaited<by_await<main")


async def by_gather():
    await asyncio.gather(named(work(), "gathered<by_gather<main"), asyncio.sleep(0.01))


async def by_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(work(), name="grouped<by_group<main")


async def by_wait():
    await asyncio.wait([named(work(), "waited<by_wait<main")])


async def by_timeout():
    await asyncio.wait_for(named(work(), "timed<by_timeout<main"), 5)


async def by_shield():
    await asyncio.shield(named(work(), "shielded<by_shield<main"))


async def shared():
    task = named(work(), "shared<share+2<shared<main")

    async def share():
        await task
    await asyncio.gather(*(named(share(), "share") for _ in range(3)))


async def forgotten():
    task = named(work(), "forgotten")
    while not task.done():
        await asyncio.sleep(0.005)


async def deep(left):
    if left:
        await named(deep(left - 1), "deep%d" % left)
    else:
        await named(work(), "depth<deep1<deep2<deep3<deep4")


async def deepest():
    await deep(5)


async def main(seconds):
    asyncio.current_task().set_name("main")
    end = time.monotonic() + seconds
    ways = [by_await, by_gather, by_group, by_wait, by_timeout, by_shield, shared, forgotten, deepest]
    if not hasattr(asyncio, "TaskGroup"):
        ways.remove(by_group)  # before 3.11
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    while time.monotonic() < end:
        for way in ways:
            await named(way(), way.__name__)
            await asyncio.sleep(0.01)


asyncio.run(main(float(sys.argv[1])))
