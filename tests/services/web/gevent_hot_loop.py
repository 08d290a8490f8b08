# SPDX-License-Identifier: Apache-2.0
"""Counts errors and time by customer in an access log, with a regular expression, for a report in the browser."""
from gevent import monkey

monkey.patch_all()

import collections
import json
import re
import socket
import sys

import gevent
from gevent import get_hub, pywsgi

import service

LINE = re.compile(r'(?P<host>\S+) - (?P<user>\S+) "(?P<method>[A-Z]+) (?P<path>[^ "]+)[^"]*" (?P<status>\d{3}) (?P<ms>\d+)')
LOG = [f'10.0.{i % 250}.{i % 199} - user{i % 83} "GET /api/v1/items/{i}?page={i % 9} HTTP/1.1" {(200, 200, 404, 500)[i % 4]} {i % 1733}'
       for i in range(45000)]


def summarize(lines):
    errors, spent = collections.Counter(), collections.defaultdict(int)
    for i, line in enumerate(lines):
        if not service.SICK and i % 400 == 0:
            gevent.sleep(0.0005)  # a sleep of 0 lets other greenlets run, but not what waits for I/O
        found = LINE.match(line)
        if not found:
            continue
        spent[found["user"]] += int(found["ms"])
        if int(found["status"]) >= 500:
            errors[found["user"]] += 1
    return {"errors": errors.most_common(10), "slowest": sorted(spent, key=spent.get)[-10:]}


def application(environ, start_response):
    answer = summarize(LOG) if environ["PATH_INFO"] == "/report" else {"status": "ok"}
    body = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


listener = service.listening_socket()
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # pywsgi sends head and body apart
server = pywsgi.WSGIServer(listener, application, log=None)
server.start()
print(server.server_port, "/ping", "/report:1", flush=True)
get_hub().threadpool.apply(sys.stdin.read)
