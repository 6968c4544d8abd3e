"""A text transformed by our server, asked by Twisted: transform_client.py PORT NAME FILE. Writes the reply."""
import sys

from twisted.internet import defer, endpoints, task
from twisted.protocols import basic


class Client(basic.NetstringReceiver):
    MAX_LENGTH = 4 * 1024 * 1024

    def __init__(self, request):
        self.request = request
        self.reply = None
        self.done = defer.Deferred()

    def connectionMade(self):
        self.sendString(self.request)

    def stringReceived(self, reply):
        self.reply = reply

    def connectionLost(self, reason):
        self.done.callback(self.reply)


def main(reactor, port, name, path):
    with open(path, "rb") as file:
        client = Client(name.encode() + b"." + file.read())

    def write(reply):
        if reply is None:
            raise SystemExit(1)
        sys.stdout.buffer.write(reply)
        sys.stdout.flush()

    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
    return endpoints.connectProtocol(endpoint, client).addCallback(lambda _: client.done).addCallback(write)


task.react(main, sys.argv[1:])
