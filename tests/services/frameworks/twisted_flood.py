# SPDX-License-Identifier: Apache-2.0
"""Pushes a notice to every device of a list: to all at the same time, or to eight at a time."""
import sys

from twisted.internet import defer, endpoints, protocol, reactor, stdio, task
from twisted.protocols import basic

DEVICES = 120


class Push(basic.LineReceiver):
    delimiter = b"\n"

    def __init__(self, notice, done):
        self.notice, self.done = notice, done

    def connectionMade(self):
        self.sendLine(self.notice)

    def lineReceived(self, line):
        self.transport.loseConnection()
        self.done.callback(line)


def push(port, device):
    done = defer.Deferred()
    point = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    endpoints.connectProtocol(point, Push(b"notice for %d" % device, done)).addErrback(done.errback)
    return done


def push_all(port):
    return defer.gatherResults([push(port, device) for device in range(DEVICES)])


def push_few(port):
    limit = defer.DeferredSemaphore(8)
    return defer.gatherResults([limit.run(push, port, device) for device in range(DEVICES)])


class Echo(protocol.Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class Input(protocol.Protocol):
    def connectionLost(self, reason=None):
        if reactor.running:
            reactor.stop()


def main(twin, port):
    server = reactor.listenTCP(0, protocol.Factory.forProtocol(Echo), interface="127.0.0.1")
    task.LoopingCall(push_all if twin == "sick" else push_few, port).start(0.6)
    stdio.StandardIO(Input())
    print(server.getHost().port, flush=True)
    reactor.run()


main(sys.argv[1], int(sys.argv[2]))
