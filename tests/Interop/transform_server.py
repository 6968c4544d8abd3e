"""Transformations by Twisted: netstrings name.text in, one netstring out, as the originals do. Prints its port."""
from twisted.internet import protocol, reactor
from twisted.protocols import basic


class Transform(basic.NetstringReceiver):
    def stringReceived(self, request):
        name, _, text = request.partition(b".")
        if name == b"cummingsify":
            self.sendString(text.lower())
        self.transport.loseConnection()


port = reactor.listenTCP(0, protocol.Factory.forProtocol(Transform), interface="127.0.0.1")
print(f"Serving on 127.0.0.1:{port.getHost().port}.", flush=True)
reactor.run()
