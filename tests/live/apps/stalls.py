# SPDX-License-Identifier: Apache-2.0
"""Ways to stall a loop, one a function, for handlers of any framework.

A line that ends in `#= verdicts cause` is the culprit of its function's stall; words behind a colon are of its remedy.
PEER, the address of a server that takes its time, and STALLS_FOLDER are in the environment.
"""
import gc
import hashlib
import json
import os
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

import requests

LENGTH_S = 0.2
PEER = os.environ.get("PEER", "")
FOLDER = tempfile.mkdtemp(dir=os.environ.get("STALLS_FOLDER"))
LOCK = threading.Lock()


def sleep():
    time.sleep(LENGTH_S)  #= BLOCKED sleep


def http():
    return requests.get("http://%s/" % PEER).text  #= BLOCKED sync_http


def raw_socket():
    host, port = PEER.split(":")
    with socket.create_connection((host, int(port))) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return s.recv(4096)  #= BLOCKED sync_io


def child():
    return subprocess.run(["sleep", str(LENGTH_S)]).returncode  #= BLOCKED subprocess


def cpu():
    until, n = time.perf_counter() + LENGTH_S, 0
    while time.perf_counter() < until:
        n = sum(i * i for i in range(2000))  #= CPU cpu
    return n


def digest():
    return hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 600000)  #= CPU cpu: releases the GIL


def database():
    path = os.path.join(FOLDER, "db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("create table if not exists t (n)")
    other.execute("begin exclusive")
    try:
        own = sqlite3.connect(path, timeout=LENGTH_S)
        own.execute("insert into t values (1)")  #= BLOCKED sqlite
    except sqlite3.OperationalError:
        return "locked"
    finally:
        other.execute("rollback")


def disk():
    path, text = os.path.join(FOLDER, "file"), bytes(4096)
    until = time.perf_counter() + LENGTH_S
    with open(path, "wb") as f:
        while time.perf_counter() < until:
            f.seek(0)
            f.write(text)
            f.flush()
            os.fsync(f.fileno())  #= BLOCKED,CPU fsync


def lock():
    held = threading.Event()

    def hold():
        with LOCK:
            held.set()
            time.sleep(LENGTH_S)
    threading.Thread(target=hold).start()
    held.wait()
    with LOCK:  #= LOCK lock
        return "mine"


class Node:
    def __init__(self, next):
        self.next = next
        self.back = self


def make_garbage():
    node = None
    for _ in range(1500000):
        node = Node(node)
    return node


def collect():
    return gc.collect()  #= GC gc


def dump():
    rows = [{"id": i, "name": "row %d" % i, "tags": ["a", "b"]} for i in range(1000)]
    until = time.perf_counter() + LENGTH_S
    while time.perf_counter() < until:
        json.dumps(rows * 20)  #= CPU cpu: json holds the GIL


BY_NAME = {f.__name__: f for f in (sleep, http, raw_socket, child, cpu, digest, database, disk, lock, collect, dump)}
KEPT = make_garbage()
gc.disable()  # or it would stall where it likes, with so many objects
