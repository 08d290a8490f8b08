# SPDX-License-Identifier: Apache-2.0
"""A loop whose task, function and file have names that a terminal, a browser or a parser should not get as they are."""
import asyncio
import sys

TASK = "\x1b[2J\x1b]0;owned\x07\n\r<script>alert(1)</script>&\"'\\ \x00 " + "A" * 4096
FUNCTION = "st\x1b[31mall\n<i>\u202egnp.\ud800 \x9b31m " + "x" * 4096

source = "import time\ndef stall():\n    time.sleep(0.12)\n"
space = {}
exec(compile(source, "/srv/\x1b[31m<b>\n" + "d" * 300 + "/hostile.py", "exec"), space)
stall = space["stall"]
names = ["co_name"] + ["co_qualname"] * hasattr(stall.__code__, "co_qualname")
stall.__code__ = stall.__code__.replace(**dict.fromkeys(names, FUNCTION))


async def work():
    for _ in range(4):
        await asyncio.sleep(0.3)
        stall()


async def main():
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read, 1)
    task = asyncio.ensure_future(work())
    task.set_name(TASK)
    await task

asyncio.run(main())
