# SPDX-License-Identifier: Apache-2.0
"""Asks a program for a number now and then."""
import asyncio
import subprocess

from service import every, serve

COMMAND = ["sh", "-c", "sleep 0.12; echo 42"]


async def ask():
    return int(subprocess.run(COMMAND, capture_output=True, check=True).stdout)


async def ask_and_yield():
    child = await asyncio.create_subprocess_exec(*COMMAND, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    return int(out)


async def sick():
    await every(0.4, ask)


async def healthy():
    await every(0.4, ask_and_yield)


if __name__ == "__main__":
    serve({"sick": sick, "healthy": healthy})
