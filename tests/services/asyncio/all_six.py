# SPDX-License-Identifier: Apache-2.0
"""All six in one process. Peers: slow, sink, status."""
import asyncio

import cascade
import flood
import hot_loop
import pile_up
import polling
import subprocess_call
from service import serve


def together(which):
    async def run(slow, sink, status):
        await asyncio.gather(
            getattr(subprocess_call, which)(),
            getattr(pile_up, which)(slow),
            getattr(flood, which)(sink),
            getattr(cascade, which)(),
            getattr(polling, which)(status),
            getattr(hot_loop, which)(),
        )

    return run


if __name__ == "__main__":
    serve({"sick": together("sick"), "healthy": together("healthy")})
