# SPDX-License-Identifier: Apache-2.0
"""Follows the jobs of a scheduler and tells clients, over HTTP, how many are queued."""
import json

from twisted.internet import endpoints, reactor, task
from twisted.protocols.basic import LineReceiver
from twisted.web import client, resource, server

import service

HTTP, LINES = service.PEERS
jobs = {"queued": 0}


def refresh(text):
    jobs["queued"] = sum(job["state"] == "queued" for job in json.loads(text)["jobs"])


agent = client.Agent(reactor, connectTimeout=2)


def poll():
    asked = agent.request(b"GET", b"http://127.0.0.1:%d/jobs" % HTTP)
    asked.addCallback(client.readBody)
    asked.addCallback(refresh)
    asked.addErrback(lambda failure: failure.printTraceback())
    return asked


class Watch(LineReceiver):
    delimiter, MAX_LENGTH = b"\n", 1 << 20

    def connectionMade(self):
        self.sendLine(b"watch")

    def lineReceived(self, line):
        refresh(line)


def follow():
    if service.SICK:
        return task.LoopingCall(poll).start(0.1)
    return endpoints.connectProtocol(endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", LINES), Watch())


class Jobs(resource.Resource):
    isLeaf = True

    def render_GET(self, _request):
        return json.dumps(jobs).encode()


site = reactor.listenTCP(0, server.Site(Jobs()), interface="127.0.0.1")
reactor.callWhenRunning(follow)
reactor.callWhenRunning(service.announce, site.getHost().port, "/queued")
reactor.run()
