# SPDX-License-Identifier: Apache-2.0
"""Hands out a tenant's log, compressed by the system's bzip2."""
import subprocess
from subprocess import PIPE

from tornado import gen, httpserver, ioloop, process, web

import service

LOG = "".join(f"2024-03-{i % 28 + 1:02} 10:{i % 60:02}:00 INFO tenant={i % 31} request={i * 2654435761 % 2**32:08x} took={i % 977} ms\n"
              for i in range(9000)).encode()
BZIP2 = ["bzip2", "-9", "-c"]


class Ping(web.RequestHandler):
    def get(self):
        self.write({"status": "ok"})


class Archive(web.RequestHandler):
    async def get(self):
        packed = await self.pack(LOG)
        self.set_header("Content-Type", "application/x-bzip2")
        self.write(packed)


class SickArchive(Archive):
    async def pack(self, log):
        bzip2 = subprocess.Popen(BZIP2, stdin=PIPE, stdout=PIPE)
        packed, _ = bzip2.communicate(log)
        return packed


class HealthyArchive(Archive):
    async def feed(self, stream, log):
        await stream.write(log)
        stream.close()

    async def pack(self, log):
        bzip2 = process.Subprocess(BZIP2, stdin=process.Subprocess.STREAM, stdout=process.Subprocess.STREAM)
        _, packed = await gen.multi([self.feed(bzip2.stdin, log), bzip2.stdout.read_until_close()])
        await bzip2.wait_for_exit()
        return packed


app = web.Application([("/ping", Ping), ("/archive", SickArchive if service.SICK else HealthyArchive)])
listener = service.listening_socket()
listener.setblocking(False)
server = httpserver.HTTPServer(app)
server.add_socket(listener)
service.announce(listener.getsockname()[1], "/ping", "/archive:1")
ioloop.IOLoop.current().start()
