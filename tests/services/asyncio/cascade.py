# SPDX-License-Identifier: Apache-2.0
"""An event bus; three handlers of an event tell of it by further events."""
import asyncio

from service import every, serve

DEPTH = 7


class Bus:
    def __init__(self, once):
        self.handlers, self.once, self.seen, self.tasks = [], once, set(), set()

    def emit(self, topic, depth):
        if self.once:
            if (topic, depth) in self.seen:
                return
            self.seen.add((topic, depth))
        for handler in self.handlers:
            task = asyncio.create_task(handler(topic, depth))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)


def handler(bus, name):
    async def handle(topic, depth):
        sum(hash((topic, depth, i)) & 1 for i in range(60))
        if depth < DEPTH:
            bus.emit(name, depth + 1)

    return handle


async def upset(once):
    bus = Bus(once)
    bus.handlers = [handler(bus, name) for name in ("cache", "index", "audit")]
    bus.emit("saved", 0)
    while bus.tasks:
        await asyncio.wait(list(bus.tasks))


async def sick():
    await every(0.6, upset, False)


async def healthy():
    await every(0.6, upset, True)


if __name__ == "__main__":
    serve({"sick": sick, "healthy": healthy})
