# SPDX-License-Identifier: Apache-2.0
"""A loop that computes in Python, holding the GIL, and in hashlib, which lets go of it. Prints READY when it begins."""
import asyncio
import hashlib
import sys
import time


def count():
    until, n = time.perf_counter() + 0.1, 0
    while time.perf_counter() < until:
        n += 1
    return n


def digest():
    return hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 400000)


async def main():
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    while True:
        count()
        await asyncio.sleep(0.01)
        digest()
        await asyncio.sleep(0.01)


asyncio.run(main())
