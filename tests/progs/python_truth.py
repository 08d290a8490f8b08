# SPDX-License-Identifier: Apache-2.0
"""An asyncio loop that stalls in known ways, and knows the line of every call in them.

A line that ends in `#> name, name` is one from which those functions are called, and no other is. Every stack of
this file must therefore be a path along such lines, from <module> inwards. Prints READY when it stalls.
"""
import asyncio
import sys
import time

SPIN_S = 0.08


def spin(until):
    n = 0
    while time.perf_counter() < until:
        n += sum(
            i * i                          # a generator of its own, over several lines
            for i in range(50)
        )
        n %= 1000003
    return n


def nested(until):
    filler = [until]
    return spin(until)  #> spin


def outer(until):
    if until:

        value = (
            1 +
            nested(until)  #> nested
        )
    return value


def by_key(until):
    def key(item):
        return spin(until)  #> spin
    # the interpreter's C code calls back
    return sorted(
        [3, 1, 2],
        key=key,
    )  #> key


def produce(until):
    yield 1
    for _ in range(3):
        spin(until)  #> spin
        yield 2


def by_generator(until):
    total = 0
    for value in produce(until):  #> produce
        total += value
    return total


def recurse(depth, seconds):
    if depth:
        return recurse(depth - 1, seconds)  #> recurse
    time.sleep(seconds)
    return 0


class Job:
    def __init__(self, until):
        self.until = until

    def run(self):
        try:
            raise KeyError("x")
        except KeyError:
            return self.step()  #> step

    def step(self):
        return [spin(v) for v in (self.until,)]  #> spin


async def innermost(until):
    await asyncio.sleep(0)
    return spin(until)  #> spin


async def middle(until):
    return await innermost(until)  #> innermost


async def tick(kind):
    until = time.perf_counter() + SPIN_S
    if kind == 0:
        outer(until)  #> outer
    elif kind == 1:
        by_key(until)  #> by_key
    elif kind == 2:
        by_generator(until)  #> by_generator
    elif kind == 3:
        recurse(6, SPIN_S)  #> recurse
    elif kind == 4:
        await middle(until)  #> middle
    elif kind == 5:
        Job(until).run()  #> run
    elif kind == 6:
        recurse(120, SPIN_S)  #> recurse


async def main(seconds):
    end = time.perf_counter() + seconds
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    while time.perf_counter() < end:
        for kind in range(7):
            task = asyncio.ensure_future(tick(kind))
            if hasattr(task, "set_name"):
                task.set_name("kind-%d" % kind)
            await task
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
