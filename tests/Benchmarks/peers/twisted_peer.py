"""What poetry does, on Twisted's epoll reactor, as one would write it there:

    twisted_peer.py poem PORT FILE        twisted_peer.py slow PORT FILE
    twisted_peer.py transform PORT        twisted_peer.py proxy PORT HOST:PORT

The backlog is 4096, for Twisted's own 50 is too small for a burst of 1,000.
"""
import sys

from twisted.internet import epollreactor

epollreactor.install()

from twisted.internet import reactor  # noqa: E402 (after the choice of the reactor)
from twisted.internet.defer import Deferred, succeed  # noqa: E402
from twisted.internet.protocol import ClientFactory, Factory, Protocol  # noqa: E402
from twisted.internet.task import LoopingCall  # noqa: E402
from twisted.protocols.basic import NetstringReceiver  # noqa: E402

PIECE, PACE = 10, 0.7


class Poem(Protocol):
    def connectionMade(self):
        self.transport.write(self.factory.poem)
        self.transport.loseConnection()


class SlowPoem(Protocol):
    at = 0

    def connectionMade(self):
        self.timer = LoopingCall(self.step)
        self.timer.start(PACE)

    def step(self):
        self.transport.write(self.factory.poem[self.at : self.at + PIECE])
        self.at += PIECE
        if self.at >= len(self.factory.poem):
            self.transport.loseConnection()

    def connectionLost(self, reason):
        if self.timer.running:
            self.timer.stop()


class Transform(NetstringReceiver):
    MAX_LENGTH = 1 << 20

    def stringReceived(self, request):
        name, _, text = request.partition(b".")
        if name == b"cummingsify":
            self.sendString(text.lower())
        self.transport.loseConnection()


class Download(Protocol):
    def connectionMade(self):
        self.parts = []

    def dataReceived(self, data):
        self.parts.append(data)

    def connectionLost(self, reason):
        self.factory.arrived(b"".join(self.parts))


class Proxied(Protocol):
    def connectionMade(self):
        self.factory.get().addCallback(self.send)

    def send(self, poem):
        self.transport.write(poem)
        self.transport.loseConnection()


class Proxy(Factory):
    protocol = Proxied
    poem = None

    def __init__(self, upstream):
        self.host, _, self.port = upstream.rpartition(":")
        self.waiting = []

    def get(self):
        if self.poem is not None:
            return succeed(self.poem)
        self.waiting.append(Deferred())
        if len(self.waiting) == 1:
            download = ClientFactory.forProtocol(Download)
            download.noisy = False
            download.arrived = self.arrived
            reactor.connectTCP(self.host, int(self.port), download)
        return self.waiting[-1]

    def arrived(self, poem):
        self.poem = poem
        waiting, self.waiting = self.waiting, []
        for deferred in waiting:
            deferred.callback(poem)


def main(mode, port, source=None):
    if mode == "proxy":
        factory = Proxy(source)
    else:
        factory = Factory.forProtocol({"poem": Poem, "slow": SlowPoem, "transform": Transform}[mode])
        if source is not None:
            with open(source, "rb") as file:
                factory.poem = file.read()
    factory.noisy = False
    reactor.listenTCP(int(port), factory, backlog=4096, interface="127.0.0.1")
    reactor.run()


main(*sys.argv[1:])
