#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that make real servers stall, or keep them busy without stalling them, and note what they saw as truth: a stall
begins when the request is sent and is as long as the answer takes.

    clients.py redis PORT PID TRUTH
    clients.py nginx PORT PID TRUTH FIFO      its access log goes to FIFO, which nobody reads for a while
    clients.py memcached PORT SECONDS
"""
import fcntl
import json
import os
import socket
import sys
import threading
import time


class Books:
    def __init__(self, pid, path):
        self.pid, self.path = pid, path

    def stall(self, request, **expected):
        start_us, start_ns = time.time_ns() // 1000, time.monotonic_ns()
        request()
        truth = {"pid": self.pid, "state": "ended", "start_us": start_us, "gap_ns": time.monotonic_ns() - start_ns, **expected}
        with open(self.path, "a", encoding="utf-8") as f:
            f.write(json.dumps(truth) + "\n")


def redis(port, pid, truth):
    books = Books(int(pid), truth)
    server = socket.create_connection(("127.0.0.1", int(port)))

    def command(*words):
        parts = ["*%d\r\n" % len(words)] + ["$%d\r\n%s\r\n" % (len(w), w) for w in words]
        server.sendall("".join(parts).encode())
        answer = server.recv(4096)
        if answer.startswith(b"-"):
            sys.exit("redis: %r" % answer)

    for i in range(200):
        command("SET", "key%d" % i, "x" * 100)
    time.sleep(0.2)
    books.stall(lambda: command("DEBUG", "SLEEP", "0.2"), kind="debug sleep", verdict="BLOCKED", call="clock_nanosleep|nanosleep",
                frame="redis")
    time.sleep(0.2)
    script = "local x = 0 for i = 1, 30000000 do x = x + i % 7 end return 1"
    books.stall(lambda: command("EVAL", script, "0"), kind="lua", verdict="CPU", frame="redis|lua")


def get(port, path):
    with socket.create_connection(("127.0.0.1", int(port))) as server:
        server.sendall(("GET %s HTTP/1.0\r\n\r\n" % path).encode())
        while server.recv(65536):
            pass


def nginx(port, pid, truth, fifo):
    """The log takes one page; a line of 3,000 bytes fits, the next one blocks the worker until somebody reads."""
    books = Books(int(pid), truth)
    log = os.open(fifo, os.O_RDWR)
    fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, 4096)
    for _ in range(3):
        for _ in range(20):
            get(port, "/")
            os.read(log, 65536)
        get(port, "/" + "a" * 3000)
        threading.Timer(0.2, os.read, (log, 65536)).start()
        books.stall(lambda: get(port, "/" + "b" * 3000), kind="log", verdict="BLOCKED", call="write", target="log.fifo", frame="nginx")
        time.sleep(0.1)
        os.read(log, 65536)


def memcached(port, seconds):
    end = time.monotonic() + float(seconds)
    servers = [socket.create_connection(("127.0.0.1", int(port))) for _ in range(8)]
    while time.monotonic() < end:
        for server in servers:
            server.sendall(b"set key 0 0 5\r\nvalue\r\nget key\r\n")
        for server in servers:
            server.recv(4096)
        time.sleep(0.001)


if __name__ == "__main__":
    {"redis": redis, "nginx": nginx, "memcached": memcached}[sys.argv[1]](*sys.argv[2:])
