# SPDX-License-Identifier: Apache-2.0
"""Ranks offers every half a second, in one go or with a checkpoint after every few of them."""
import sys

import trio

OFFERS = 26000


def score(offer):
    words = [(offer * 7919 + i * 104729) % 1009 for i in range(40)]
    return sum(w * w for w in words) % 9973


async def rank():
    return sorted(score(offer) for offer in range(OFFERS))


async def rank_and_yield():
    scores = []
    for offer in range(OFFERS):
        scores.append(score(offer))
        if offer % 150 == 0:
            await trio.sleep(0)
    return sorted(scores)


async def ranking(twin):
    while True:
        await (rank() if twin == "sick" else rank_and_yield())
        await trio.sleep(0.5)


async def echo(stream):
    try:
        async for data in stream:
            await stream.send_all(data)
    except trio.BrokenResourceError:
        pass


async def main(twin):
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(lambda task_status: trio.serve_tcp(echo, 0, host="127.0.0.1", task_status=task_status))
        nursery.start_soon(ranking, twin)
        print(listeners[0].socket.getsockname()[1], flush=True)
        await trio.to_thread.run_sync(sys.stdin.read, cancellable=True)
        nursery.cancel_scope.cancel()


trio.run(main, sys.argv[1])
