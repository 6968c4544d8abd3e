"""Poems by Twisted: poem_server.py FILE [BYTES DELAY]. Prints its port. With a pace it sends so many bytes at a time."""
import sys

from twisted.internet import protocol, reactor, task


class Poem(protocol.Protocol):
    def connectionMade(self):
        with open(sys.argv[1], "rb") as file:
            poem = file.read()
        if len(sys.argv) == 2:
            self.transport.write(poem)
            self.transport.loseConnection()
            return
        self.left = poem
        self.loop = task.LoopingCall(self.send)
        self.loop.start(float(sys.argv[3]))

    def send(self):
        size = int(sys.argv[2])
        if not self.left:
            self.loop.stop()
            self.transport.loseConnection()
        self.transport.write(self.left[:size])
        self.left = self.left[size:]

    def connectionLost(self, reason):
        if len(sys.argv) > 2 and self.loop.running:
            self.loop.stop()


port = reactor.listenTCP(0, protocol.Factory.forProtocol(Poem), interface="127.0.0.1")
print(f"Serving on 127.0.0.1:{port.getHost().port}.", flush=True)
reactor.run()
