# SPDX-License-Identifier: Apache-2.0
"""A suite of asyncio tests each of which blocks its loop in one call.

The calls are those that the package blockbuster patches, as far as they can be made to wait for longer than a moment, and behind them what no
patch sees: computing, C extensions, child processes. A line that ends in `#= call` waits in that call.
"""
import asyncio
import hashlib
import json
import os
import re
import select
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import unittest
import zlib

import pytest

BLOCK_S = 0.06
FULL = bytes(1 << 20)


timers = []


def later(call, *arguments):
    """By another thread, when the loop has waited for long enough."""
    timers.append(threading.Timer(BLOCK_S, call, arguments))
    timers[-1].start()
    return timers[-1]


@pytest.fixture(autouse=True)
def ended():
    yield
    while timers:
        timers.pop().join()


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass


@pytest.fixture
def pair():
    a, b = socket.socketpair()
    with a, b:
        yield a, b


def fill(fd):
    """How many bytes it took."""
    os.set_blocking(fd, False)
    taken = 0
    try:
        while True:
            taken += os.write(fd, FULL)
    except BlockingIOError:
        os.set_blocking(fd, True)
    return taken


def drain(fd, n):
    while n > 0:
        n -= len(os.read(fd, 1 << 20))


# --- time, files and pipes


async def test_sleep():
    time.sleep(BLOCK_S)  #= time.sleep


async def test_os_read(pipe):
    later(os.write, pipe[1], b"x")
    os.read(pipe[0], 1)  #= os.read


async def test_os_write(pipe):
    later(drain, pipe[0], fill(pipe[1]) + 4096)
    os.write(pipe[1], b"x" * 4096)  #= os.write


async def test_os_sendfile(pair, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(FULL)
    later(drain, pair[1].fileno(), fill(pair[0].fileno()) + 4096)
    with open(path, "rb") as f:
        os.sendfile(pair[0].fileno(), f.fileno(), 0, 4096)  #= os.sendfile


async def test_buffered_reader(pipe):
    later(os.write, pipe[1], b"x")
    with open(pipe[0], "rb", closefd=False) as f:
        f.read(1)  #= io.BufferedReader.read


async def test_buffered_writer(pipe):
    later(drain, pipe[0], fill(pipe[1]) + 100000)
    with open(pipe[1], "wb", closefd=False) as f:
        f.write(bytes(100000))  #= io.BufferedWriter.write


async def test_text_read(pipe):
    later(os.write, pipe[1], b"x\n")
    with open(pipe[0], "r", closefd=False) as f:
        f.readline()  #= io.TextIOWrapper.read


async def test_text_write(pipe):
    later(drain, pipe[0], fill(pipe[1]) + 100000)
    with open(pipe[1], "w", closefd=False) as f:
        f.write("x" * 100000)  #= io.TextIOWrapper.write


async def test_input(pipe, monkeypatch):
    later(os.write, pipe[1], b"x\n")
    with open(pipe[0], "r", closefd=False) as f:
        monkeypatch.setattr(sys, "stdin", f)
        input()  #= builtins.input


async def test_fifo(tmp_path):
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    later(lambda: os.close(os.open(path, os.O_WRONLY)))
    os.close(os.open(path, os.O_RDONLY))  #= os.open of a FIFO


# --- sockets


async def test_connect():
    with socket.socket() as listener, socket.socket() as late:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        others = [socket.socket() for _ in range(2)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        later(lambda: [listener.accept()[0].close() for _ in range(2)])
        late.connect(listener.getsockname())  #= socket.connect
        for other in others:
            other.close()


async def test_accept():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        later(lambda: socket.create_connection(listener.getsockname()).close())
        listener.accept()[0].close()  #= socket.accept


async def test_send(pair):
    later(drain, pair[1].fileno(), fill(pair[0].fileno()) + 1)
    pair[0].send(b"x")  #= socket.send


async def test_sendall(pair):
    later(drain, pair[1].fileno(), fill(pair[0].fileno()) + 1)
    pair[0].sendall(b"x")  #= socket.sendall


async def test_sendto(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        to.bind(path)
        s.setblocking(False)
        try:
            while True:
                s.sendto(b"x", path)
        except BlockingIOError:
            s.setblocking(True)
        later(to.recv, 1)
        s.sendto(b"x", path)  #= socket.sendto


async def test_recv(pair):
    later(pair[1].send, b"x")
    pair[0].recv(1)  #= socket.recv


async def test_recv_into(pair):
    later(pair[1].send, b"x")
    pair[0].recv_into(bytearray(1))  #= socket.recv_into


async def test_recvfrom(pair):
    later(pair[1].send, b"x")
    pair[0].recvfrom(1)  #= socket.recvfrom


async def test_recvfrom_into(pair):
    later(pair[1].send, b"x")
    pair[0].recvfrom_into(bytearray(1))  #= socket.recvfrom_into


async def test_recvmsg(pair):
    later(pair[1].send, b"x")
    pair[0].recvmsg(1)  #= socket.recvmsg


@pytest.fixture
def secure(pair):
    """Both ends of a TLS connection without certificates."""
    contexts = []
    for side in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
        context = ssl.SSLContext(side)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        contexts.append(context)
    served = []
    thread = threading.Thread(target=lambda: served.append(contexts[0].wrap_socket(pair[0], server_side=True)))
    thread.start()
    client = contexts[1].wrap_socket(pair[1])
    thread.join()
    with client, served[0]:
        yield client, served[0]


def fill_secure(s):
    s.setblocking(False)
    try:
        while True:
            s.send(bytes(16384))
    except ssl.SSLWantWriteError:
        s.setblocking(True)


async def test_ssl_read(secure):
    later(secure[1].send, b"x")
    secure[0].read(1)  #= ssl.SSLSocket.read


async def test_ssl_recv(secure):
    later(secure[1].send, b"x")
    secure[0].recv(1)  #= ssl.SSLSocket.recv


async def test_ssl_write(secure):
    fill_secure(secure[0])
    later(lambda: [secure[1].recv(16384) for _ in range(20)])
    secure[0].write(bytes(16384))  #= ssl.SSLSocket.write


async def test_ssl_send(secure):
    fill_secure(secure[0])
    later(lambda: [secure[1].recv(16384) for _ in range(20)])
    secure[0].send(bytes(16384))  #= ssl.SSLSocket.send


# --- sqlite3: a lock that another connection holds, and queries that compute

SLOW = "with recursive c(n) as (select 1 union all select n + 1 from c where n < 400000) select sum(n) from c"


@pytest.fixture
def database(tmp_path):
    """A connection whose writes wait for another's."""
    path = tmp_path / "db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("create table t (n)")
    other.execute("begin exclusive")
    own = sqlite3.connect(path)
    later(other.rollback)
    yield own
    own.close()
    other.close()


async def test_connection_execute(database):
    database.execute("insert into t values (1)")  #= sqlite3.Connection.execute


async def test_connection_executemany(database):
    database.executemany("insert into t values (?)", [(1,), (2,)])  #= sqlite3.Connection.executemany


async def test_connection_executescript(database):
    database.executescript("insert into t values (1)")  #= sqlite3.Connection.executescript


async def test_cursor_execute(database):
    cursor = database.cursor()
    cursor.execute("insert into t values (1)")  #= sqlite3.Cursor.execute


async def test_cursor_executemany(database):
    cursor = database.cursor()
    cursor.executemany("insert into t values (?)", [(1,), (2,)])  #= sqlite3.Cursor.executemany


async def test_cursor_executescript(database):
    cursor = database.cursor()
    cursor.executescript("insert into t values (1)")  #= sqlite3.Cursor.executescript


async def test_commit(tmp_path):
    path = tmp_path / "db"
    own = sqlite3.connect(path)
    own.executescript("create table t (n); insert into t values (1); insert into t values (2)")
    other = sqlite3.connect(path, check_same_thread=False)
    reading = other.execute("select n from t")
    reading.fetchone()
    own.execute("insert into t values (3)")
    later(reading.close)
    own.commit()  #= sqlite3.Connection.commit
    own.close()
    other.close()


async def test_fetchall():
    # sqlite3 computes the first row in execute(), the others when they are fetched
    rows = sqlite3.connect(":memory:").execute("select 1 union all select * from (" + SLOW + ")")
    rows.fetchall()  #= sqlite3.Cursor.fetchall


async def test_fetchone():
    rows = sqlite3.connect(":memory:").execute("select 1 union all select * from (" + SLOW + ")")
    rows.fetchone()  #= sqlite3.Cursor.fetchone


async def test_fetchmany():
    rows = sqlite3.connect(":memory:").execute("select 1 union all select * from (" + SLOW + ")")
    rows.fetchmany(2)  #= sqlite3.Cursor.fetchmany


# --- locks


async def test_lock():
    lock = threading.Lock()
    lock.acquire()
    later(lock.release)
    lock.acquire()  #= threading.Lock.acquire


async def test_acquire_lock():
    lock = threading.Lock()
    lock.acquire()
    later(lock.release)
    lock.acquire_lock()  #= threading.Lock.acquire_lock


# --- what blockbuster does not patch


async def test_select(pipe):
    later(os.write, pipe[1], b"x")
    select.select([pipe[0]], [], [])  #= select.select


async def test_subprocess():
    subprocess.run(["sleep", str(BLOCK_S)])  #= subprocess.run


async def test_system():
    os.system("sleep %s" % BLOCK_S)  #= os.system


async def test_join():
    thread = later(int)
    thread.join()  #= threading.Thread.join


async def test_computing():
    until, n = time.perf_counter() + BLOCK_S, 0
    while time.perf_counter() < until: n += 1  #= computing


async def test_hashlib():
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 300000)  #= hashlib


DATA = os.urandom(4 << 20)
TEXT = "[" + ",".join(['{"id": 1, "tags": ["a", "b"]}'] * 60000) + "]"


async def test_zlib():
    zlib.compress(DATA, 9)  #= zlib


async def test_regex():
    re.match(r"(a|aa)+$", "a" * 29 + "b")  #= re


async def test_json():
    json.loads(TEXT)  #= json


class Case(unittest.IsolatedAsyncioTestCase):
    async def test_sleep_of_a_case(self):
        time.sleep(BLOCK_S)  #= time.sleep in a unittest case


async def test_healthy():
    await asyncio.sleep(BLOCK_S)
    await asyncio.to_thread(time.sleep, BLOCK_S)
