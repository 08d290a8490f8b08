# SPDX-License-Identifier: Apache-2.0
"""Sends a mail for every order through a relay that hangs: a greenlet for each, or a pool of them with a deadline."""
from gevent import monkey

monkey.patch_all()

import socket
import sys

import gevent
from gevent.fileobject import FileObject
from gevent.pool import Pool
from gevent.server import StreamServer

DEADLINE_S = 1.5


def mail(relay, order):
    with socket.create_connection(("127.0.0.1", relay)) as connection:
        connection.sendall(b"MAIL %d\n" % order)
        connection.makefile("rb").readline()


def mail_in_time(relay, order):
    with gevent.Timeout(DEADLINE_S, False):
        mail(relay, order)


def orders(twin, relay):
    pool = Pool(10)
    for order in range(1 << 30):
        if twin == "sick":
            gevent.spawn(mail, relay, order)
        elif pool.free_count():
            pool.spawn(mail_in_time, relay, order)
        gevent.sleep(0.025)


def echo(connection, _):
    while data := connection.recv(4096):
        connection.sendall(data)


def main():
    server = StreamServer(("127.0.0.1", 0), echo)
    server.start()
    gevent.spawn(orders, sys.argv[1], int(sys.argv[2]))
    print(server.server_port, flush=True)
    FileObject(sys.stdin.buffer).read()


main()
