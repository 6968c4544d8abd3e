using System.Net;
using System.Net.Sockets;
using System.Text;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Tutorial;

/// <summary>
/// An exercise of Part 11, and twisted-client-1: a server and a client that use the loop and nothing else of the engine.
/// They bring sockets of their own, and are told when those can be read or written. Protocols, transports and factories
/// are what saves one from this.
/// </summary>
[TestClass]
public sealed class DescriptorExamples : TutorialExample
{
    /// <summary>More than the kernel takes at once, so that the server has to come back to it.</summary>
    private static readonly byte[] Poem = Encoding.UTF8.GetBytes(string.Concat(System.Linq.Enumerable.Repeat("so late… so soon\n", 500_000)));

    [TestMethod]
    public void ReactorRawServer_AndClient1_HandAPoemOver()
    {
        using var reactor = new Reactor(new CollectingLog());
        var server = new RawServer(reactor, Poem);
        int waiting = 3;
        RawClient[] clients = new RawClient[waiting];
        for (int i = 0; i < clients.Length; i++)
        {
            clients[i] = new RawClient(reactor, server.Port, () =>
            {
                if (--waiting == 0)
                {
                    reactor.Stop();
                }
            });
        }

        reactor.Run();
        foreach (RawClient client in clients)
        {
            CollectionAssert.AreEqual(Poem, client.Received);
        }
    }

    /// <summary>Waits for clients, and gives each a descriptor of its own.</summary>
    private sealed class RawServer : Descriptor
    {
        private readonly Reactor _reactor;
        private readonly Socket _socket;
        private readonly byte[] _poem;

        public RawServer(Reactor reactor, byte[] poem)
            : this(reactor, Listen(), poem)
        {
        }

        private RawServer(Reactor reactor, Socket socket, byte[] poem)
            : base(socket.Handle)
        {
            _reactor = reactor;
            _socket = socket;
            _poem = poem;
            reactor.AddReader(this);
        }

        public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

        protected internal override void DoRead() => _ = new RawConnection(_reactor, _socket.Accept(), _poem);

        protected internal override void DoWrite()
        {
        }

        protected internal override void ConnectionLost(Failure reason)
        {
            _reactor.RemoveAll(this);
            _socket.Dispose();
        }

        private static Socket Listen()
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            socket.Listen();
            return socket;
        }
    }

    /// <summary>Sends as much as the kernel takes, whenever it takes any.</summary>
    private sealed class RawConnection : Descriptor
    {
        private readonly Reactor _reactor;
        private readonly Socket _socket;
        private readonly byte[] _poem;
        private int _sent;

        public RawConnection(Reactor reactor, Socket socket, byte[] poem)
            : base(socket.Handle)
        {
            _reactor = reactor;
            _socket = socket;
            _poem = poem;
            socket.Blocking = false;
            reactor.AddWriter(this);
        }

        protected internal override void DoRead()
        {
        }

        protected internal override void DoWrite()
        {
            int sent = _socket.Send(_poem.AsSpan(_sent), SocketFlags.None, out SocketError error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                throw new SocketException((int)error);
            }

            _sent += sent;
            if (_sent == _poem.Length)
            {
                ConnectionLost(ConnectionDone.Failure);
            }
        }

        protected internal override void ConnectionLost(Failure reason)
        {
            _reactor.RemoveAll(this);
            _socket.Dispose();
        }
    }

    /// <summary>Reads what is there, whenever there is something, until the end.</summary>
    private sealed class RawClient : Descriptor
    {
        private readonly Reactor _reactor;
        private readonly Socket _socket;
        private readonly Action _done;
        private readonly MemoryStream _received = new();
        private readonly byte[] _buffer = new byte[64 * 1024];

        public RawClient(Reactor reactor, int port, Action done)
            : this(reactor, Wire.Connect(port), done)
        {
        }

        private RawClient(Reactor reactor, Socket socket, Action done)
            : base(socket.Handle)
        {
            _reactor = reactor;
            _socket = socket;
            _done = done;
            socket.Blocking = false;
            reactor.AddReader(this);
        }

        public byte[] Received => _received.ToArray();

        protected internal override void DoRead()
        {
            int count = _socket.Receive(_buffer, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
            {
                return;
            }

            if (count == 0)
            {
                ConnectionLost(ConnectionDone.Failure);
                _done();
                return;
            }

            _received.Write(_buffer, 0, count);
        }

        protected internal override void DoWrite()
        {
        }

        protected internal override void ConnectionLost(Failure reason)
        {
            _reactor.RemoveAll(this);
            _socket.Dispose();
        }
    }
}
