# SPDX-License-Identifier: Apache-2.0
"""What the small services have in common: an echo server for their clients, arguments, an end with standard input.

SERVICE.py sick|healthy PEER_PORT...    prints its own port when it serves
"""
import asyncio
import sys


async def echo(reader, writer):
    try:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def every(seconds, what, *arguments):
    while True:
        await what(*arguments)
        await asyncio.sleep(seconds)


def serve(jobs, prepare=None):
    """jobs: coroutine functions by "sick" and "healthy", each given the peers' ports."""

    async def main():
        peers = [int(port) for port in sys.argv[2:]]
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        running = asyncio.create_task(jobs[sys.argv[1]](*peers))
        if prepare:
            await prepare()
        print(server.sockets[0].getsockname()[1], flush=True)
        ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await asyncio.wait([running, ended], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()

    asyncio.run(main())
