# SPDX-License-Identifier: Apache-2.0
"""Servers under a load of requests, each on a CPU of its own apart from its client, counting their waits (count_waits.c)."""
import json
import mmap
import os
import re
import shutil
import struct
import subprocess
import sys

from processes import Failed, Process, answers, cpu_ns, free_port, wait_until

PAGE_BYTES = 1024

NGINX = """daemon off; master_process off; error_log {folder}/error.log; pid {folder}/pid;
events {{ worker_connections 512; use epoll; }}
http {{
	access_log off; sendfile on; keepalive_requests 100000000; default_type text/plain;
	client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
	uwsgi_temp_path {folder}; scgi_temp_path {folder};
	server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


NODE = """
require('http').createServer((q, s) => s.end('hello world')).listen(Number(process.argv[1]), '127.0.0.1');
"""
ASGI = """
HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain"), (b"content-length", b"11")]}
BODY = {"type": "http.response.body", "body": b"hello world"}
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send(HEAD)
        await send(BODY)
"""


class Server:
    """A server process; load() asks it for requests and returns how many it answered in a second."""

    module = None  # of /usr/bin/python3 that it needs

    def __init__(self, folder, cpus, preload, programs):
        self.folder, self.client_cpu, self.port, self.programs = folder, cpus[0], free_port(), programs
        self.path = os.path.join(folder, "waits")
        with open(self.path, "wb") as f:
            f.write(bytes(8))
        environment = dict(os.environ, LD_PRELOAD=preload, LOOPSTALL_BENCH_COUNT=self.path)
        self.process = Process(self.command(), cpus[-1], env=environment, cwd=folder)

    def __enter__(self):
        try:
            wait_until(lambda: answers(self.port) or not self.process.is_alive(), f"{self.name} to listen")
            if not self.process.is_alive():
                raise Failed(f"{self.name} does not start")
        except Failed:
            self.process.end()
            raise
        return self

    def __exit__(self, *_):
        self.process.end()

    @property
    def pid(self):
        return self.process.pid

    def waits(self):
        with open(self.path, "rb") as f, mmap.mmap(f.fileno(), 8, prot=mmap.PROT_READ) as page:
            return struct.unpack("Q", page)[0]

    def load(self, scale):
        """Requests a second, the 99th percentile of their times, and nanoseconds of the server's CPU for each; or None."""
        before = cpu_ns(self.pid)
        out = subprocess.run(
            self.client(scale),
            capture_output=True,
            text=True,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.client_cpu}),
        ).stdout
        said = self.answered(out, scale)
        if not said:
            print(f"{self.name}: the client was not answered in time: {' '.join(out.split())}", file=sys.stderr)
            return None
        requests, rate, p99_us = said
        return {"rate": rate, "p99_us": p99_us, "cpu_ns": (cpu_ns(self.pid) - before) / requests}


class HttpServer(Server):
    """One that wrk asks for a path."""

    path_asked = "/"

    def client(self, scale):
        return ["wrk", "--latency", "-t1", "-c32", f"-d{max(1, round(scale))}s", f"http://127.0.0.1:{self.port}{self.path_asked}"]

    def answered(self, out, _):
        requests = re.search(r"^ *(\d+) requests in", out, re.M)
        rate = re.search(r"^Requests/sec: +([\d.]+)", out, re.M)
        p99 = re.search(r"^ +99% +([\d.]+)(us|ms|s)$", out, re.M)
        if not requests or not p99:
            return None
        return int(requests.group(1)), float(rate.group(1)), float(p99.group(1)) * {"us": 1, "ms": 1e3, "s": 1e6}[p99.group(2)]


class Redis(Server):
    name = "redis GET"
    tools = (("redis-server", "redis-server"), ("redis-benchmark", "redis-tools"))
    requests = 60000

    def command(self):
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    def client(self, scale):
        return ["redis-benchmark", "-p", str(self.port), "-t", "get", "-n", str(int(self.requests * scale)), "-c", "50", "--csv"]

    def answered(self, out, scale):
        head, line = [[field.strip('"') for field in line.split(",")] for line in out.strip().splitlines()[-2:]]
        fields = dict(zip(head, line))
        return int(self.requests * scale), float(fields["rps"]), float(fields["p99_latency_ms"]) * 1000


class Nginx(HttpServer):
    name = "nginx, a file of 1 KB"
    tools = (("nginx", "nginx-light"), ("wrk", "wrk"))
    path_asked = "/page"

    def command(self):
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(NGINX.format(folder=self.folder, port=self.port))
        with open(os.path.join(self.folder, "page"), "wb") as f:
            f.write(b"x" * PAGE_BYTES)
        return ["nginx", "-p", self.folder, "-c", config]


class Memcached(Server):
    name = "memcached get"
    tools = (("memcached", "memcached"),)

    def command(self):
        return ["memcached", "-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-t", "1", "-u", "root"]

    def client(self, scale):
        return [os.path.join(self.programs, "gets"), str(self.port), "32", str(scale)]

    def answered(self, out, _):
        said = json.loads(out)
        return said["requests"], said["rate"], said["p99_us"]


class Node(HttpServer):
    name = "node, HTTP hello world"
    tools = (("node", "nodejs"), ("wrk", "wrk"))

    def command(self):
        return ["node", "-e", NODE, str(self.port)]


class Uvicorn(HttpServer):
    name = "uvicorn, plain text"
    tools = (("/usr/bin/python3", "python3"), ("wrk", "wrk"))
    module = ("uvicorn", "python3-uvicorn")

    def command(self):
        with open(os.path.join(self.folder, "plain.py"), "w", encoding="utf-8") as f:
            f.write(ASGI)
        return ["/usr/bin/python3", "-m", "uvicorn", "--app-dir", self.folder, "--host", "127.0.0.1", "--port", str(self.port),
                "--loop", "asyncio", "--log-level", "warning", "--no-access-log", "plain:app"]


SERVERS = (Redis, Nginx, Memcached, Node, Uvicorn)


def has_module(name):
    return not subprocess.run(["/usr/bin/python3", "-c", f"import {name}"], capture_output=True, check=False).returncode


def why_not(server):
    """None, or what is missing to run it."""
    missing = [package for tool, package in server.tools if not shutil.which(tool)]
    if server.module and not missing and not has_module(server.module[0]):
        missing.append(server.module[1])
    return f"needs {', '.join(missing)}" if missing else None
