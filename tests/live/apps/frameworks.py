# SPDX-License-Identifier: Apache-2.0
"""One small server a framework; GET /NAME does that stall of stalls.py inside its loop.

usage: frameworks.py FRAMEWORK PORT
"""
import sys

import stalls


def do(name):
    if name in stalls.BY_NAME:
        stalls.BY_NAME[name]()
    return name


def serve_aiohttp(port):
    from aiohttp import web

    async def handle(request):
        return web.Response(text=do(request.match_info["name"]))

    app = web.Application()
    app.add_routes([web.get("/{name}", handle)])
    web.run_app(app, host="127.0.0.1", port=port, print=None)


def serve_tornado(port):
    import asyncio
    from tornado import web

    class Handler(web.RequestHandler):
        async def get(self, name):
            self.write(do(name))

    async def main():
        web.Application([("/(.*)", Handler)]).listen(port, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(main())


def serve_twisted(port):
    from twisted.internet import reactor
    from twisted.web import resource, server

    class Root(resource.Resource):
        isLeaf = True

        def render_GET(self, request):
            return do(request.path.decode()[1:]).encode()

    reactor.listenTCP(port, server.Site(Root()), interface="127.0.0.1")
    reactor.run()


def serve_gevent(port):
    from gevent.pywsgi import WSGIServer

    def handle(environ, start_response):
        start_response("200 OK", [])
        return [do(environ["PATH_INFO"][1:]).encode()]

    WSGIServer(("127.0.0.1", port), handle, log=None).serve_forever()


def serve_trio(port):
    import trio

    async def handle(stream):
        request = await stream.receive_some(4096)
        text = do(request.split()[1].decode()[1:]).encode()
        await stream.send_all(b"HTTP/1.0 200 OK\r\n\r\n" + text)
        await stream.aclose()

    trio.run(trio.serve_tcp, handle, port)


def serve_uvloop(port):
    import uvloop

    uvloop.install()
    serve_aiohttp(port)


if __name__ == "__main__":
    globals()["serve_" + sys.argv[1]](int(sys.argv[2]))
