# SPDX-License-Identifier: Apache-2.0
"""redis and nginx under a load of requests, each on a CPU of its own apart from its client, counting their waits (count_waits.c)."""
import mmap
import os
import re
import shutil
import struct
import subprocess

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


class Server:
    """A server process; load() asks it for requests and returns how many it answered in a second."""

    def __init__(self, folder, cpus, preload):
        self.folder, self.client_cpu, self.port = folder, cpus[0], free_port()
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
        """Requests a second, and nanoseconds of the server's CPU for each."""
        before = cpu_ns(self.pid)
        out = subprocess.run(
            self.client(scale),
            capture_output=True,
            text=True,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.client_cpu}),
        ).stdout
        requests, rate = self.answered(out, scale)
        return {"rate": rate, "cpu_ns": (cpu_ns(self.pid) - before) / requests}


class Redis(Server):
    name = "redis GET"
    tools = (("redis-server", "redis-server"), ("redis-benchmark", "redis-tools"))
    requests = 60000

    def command(self):
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    def client(self, scale):
        return ["redis-benchmark", "-p", str(self.port), "-t", "get", "-n", str(int(self.requests * scale)), "-c", "50", "--csv"]

    def answered(self, out, scale):
        return int(self.requests * scale), float(re.search(r'^"GET","([\d.]+)"', out, re.M).group(1))


class Nginx(Server):
    name = "nginx, a file of 1 KB"
    tools = (("nginx", "nginx-light"),)

    def command(self):
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(NGINX.format(folder=self.folder, port=self.port))
        with open(os.path.join(self.folder, "page"), "wb") as f:
            f.write(b"x" * PAGE_BYTES)
        return ["nginx", "-p", self.folder, "-c", config]

    def client(self, scale):
        url = f"http://127.0.0.1:{self.port}/page"
        if shutil.which("wrk"):
            return ["wrk", "-t1", "-c32", "-d1s", url]
        return ["ab", "-q", "-k", "-c", "32", "-n", str(int(30000 * scale)), url]

    def answered(self, out, _):
        requests = re.search(r"^ *(\d+) requests in|^Complete requests: +(\d+)", out, re.M)
        rate = re.search(r"^Requests(?:/sec| per second): +([\d.]+)", out, re.M)
        return int(requests.group(1) or requests.group(2)), float(rate.group(1))


def why_not(server):
    """None, or what is missing to run it."""
    missing = [package for tool, package in server.tools if not shutil.which(tool)]
    if server is Nginx and not shutil.which("wrk") and not shutil.which("ab"):
        missing.append("wrk or apache2-utils")
    return f"needs {', '.join(missing)}" if missing else None
