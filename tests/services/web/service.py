# SPDX-License-Identifier: Apache-2.0
"""What the web services have in common: arguments, how they say where to visit them, an end with standard input.

SERVICE.py sick|healthy PEER_PORT...    prints its port, the path its clients ask for and those they visit (../clients.py)
"""
import os
import socket
import sys
import threading

TWIN, PEERS = sys.argv[1], [int(port) for port in sys.argv[2:]]
SICK = TWIN == "sick"


def end_with_stdin():
    sys.stdin.read()
    os._exit(0)


def announce(port, *paths):
    print(port, *paths, flush=True)
    threading.Thread(target=end_with_stdin, daemon=True).start()


def listening_socket():
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def run_asgi(app, *paths):
    """As `uvicorn module:app` would; announces itself when the application has started."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            announce(sockets[0].getsockname()[1], *paths)

    Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening_socket()])
