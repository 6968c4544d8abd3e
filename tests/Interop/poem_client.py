"""Poems fetched by Twisted: poem_client.py PORT COUNT. Writes each as a netstring; 1 if one did not end cleanly."""
import sys

from twisted.internet import defer, endpoints, error, protocol, reactor, task


class Client(protocol.Protocol):
    def __init__(self):
        self.poem = b""
        self.done = defer.Deferred()

    def dataReceived(self, data):
        self.poem += data

    def connectionLost(self, reason):
        if reason.check(error.ConnectionDone):
            self.done.callback(self.poem)
        else:
            self.done.errback(reason)


def main(reactor, port, count):
    def one():
        client = Client()
        endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
        return endpoints.connectProtocol(endpoint, client).addCallback(lambda _: client.done)

    def write(poems):
        for poem in poems:
            sys.stdout.buffer.write(b"%d:%b," % (len(poem), poem))
        sys.stdout.flush()

    fetches = defer.gatherResults([one() for _ in range(int(count))], consumeErrors=True)
    return fetches.addCallback(write)


task.react(main, sys.argv[1:])
