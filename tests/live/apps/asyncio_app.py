# SPDX-License-Identifier: Apache-2.0
"""An asyncio server with callbacks that do what they must not, and a client (in another thread, so that it is not stalled
itself) that asks for them. Usage: asyncio_app.py CLIENTS TRUTH; CLIENTS 1 is the one that causes the stalls and nobody
else, 2 adds one that asks every 5 ms. Prints "ready", begins at a line of input; notes each stall as the callback saw it.
"""
import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time


def late_peer():
    """A TCP server that answers 200 ms late; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            peer, _ = listener.accept()
            peer.recv(1)
            time.sleep(0.2)
            peer.sendall(b"x")
            peer.close()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def call_peer(port):
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"x")
        peer.recv(1)


PEER_PORT = late_peer()
STALLS = {
    b"sleep": (lambda: time.sleep(0.2), {"call": "clock_nanosleep"}),
    b"run": (lambda: subprocess.run(["sleep", "0.2"], check=True), {"call": "wait4", "target": "sleep"}),
    b"output": (lambda: subprocess.run(["sh", "-c", "sleep 0.2; echo x"], check=True, capture_output=True),
                {"call": "p?poll", "target": "pipe"}),
    b"socket": (lambda: call_peer(PEER_PORT), {"call": "recvfrom", "target": "tcp 127.0.0.1:%d" % PEER_PORT}),
}


class Server(asyncio.Protocol):
    def __init__(self, books):
        self.books = books

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if data in STALLS:
            self.stall(data)
        self.transport.write(b"done")

    def stall(self, name):
        function, expected = STALLS[name]
        start_us, start_ns = time.time_ns() // 1000, time.monotonic_ns()
        function()
        truth = {"pid": os.getpid(), "kind": name.decode(), "state": "ended", "verdict": "BLOCKED", "start_us": start_us,
                 "gap_ns": time.monotonic_ns() - start_ns, "frame": "Server.stall", **expected}
        self.books.append(json.dumps(truth))


def ask(port, what):
    with socket.create_connection(("127.0.0.1", port)) as server:
        server.sendall(what)
        server.recv(16)


def chatter(port):
    with socket.create_connection(("127.0.0.1", port)) as server:
        while True:
            server.sendall(b"ping")
            server.recv(16)
            time.sleep(0.005)


def drive(port, clients, loop, done):
    print("ready", flush=True)
    sys.stdin.readline()
    if clients > 1:
        threading.Thread(target=chatter, args=(port,), daemon=True).start()
    for what in STALLS:
        time.sleep(0.2)
        ask(port, what)
    time.sleep(0.2)
    loop.call_soon_threadsafe(done.set)


async def main(clients, truth):
    books = []
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    server = await loop.create_server(lambda: Server(books), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    threading.Thread(target=drive, args=(port, clients, loop, done), daemon=True).start()
    await done.wait()
    with open(truth, "a", encoding="utf-8") as f:
        f.write("\n".join(books) + "\n")
    await asyncio.sleep(60)


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
