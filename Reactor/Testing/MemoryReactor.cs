namespace Poetry.Net.Testing;

/// <summary>
/// A reactor without a kernel: a <see cref="ManualClock"/> and connections in memory, like Twisted's <c>MemoryReactorClock</c>.
/// A test connects to a factory, acts as the peer, and moves the clock.
/// </summary>
public sealed class MemoryReactor : ManualClock
{
    private readonly List<Pipe> _pipes = [];

    /// <summary>Connects a client to a server's factory. The test acts as that client.</summary>
    /// <returns>The server's side of the connection; null if the factory refused it.</returns>
    public MemoryTransport? Connect(Factory factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        var transport = new MemoryTransport(this, factory);
        if (factory.BuildUnconnected(transport.Peer) is not { } protocol)
        {
            return null;
        }

        transport.Open(protocol);
        return transport;
    }

    /// <summary>
    /// Connects two factories with each other. The next <see cref="Advance(TimeSpan)"/> delivers the data that a side writes.
    /// </summary>
    /// <returns>Both sides; null if one of the factories refused.</returns>
    public (MemoryTransport Client, MemoryTransport Server)? Connect(Factory client, Factory server)
    {
        if (Connect(server) is not { } serverSide)
        {
            return null;
        }

        if (Connect(client) is not { } clientSide)
        {
            serverSide.AbortConnection();
            return null;
        }

        _pipes.Add(new Pipe(clientSide, serverSide));
        _pipes.Add(new Pipe(serverSide, clientSide));
        return (clientSide, serverSide);
    }

    /// <summary>
    /// Moves the clock, makes the calls that are due, and delivers the data between connected sides, until nothing is left to
    /// do at this time.
    /// </summary>
    public override void Advance(TimeSpan by)
    {
        base.Advance(by);
        bool moved;
        do
        {
            moved = false;
            foreach (Pipe pipe in _pipes)
            {
                moved |= pipe.Deliver();
            }

            base.Advance(TimeSpan.Zero);
        }
        while (moved);
    }

    /// <summary>One direction of a connection between two sides.</summary>
    private sealed class Pipe(MemoryTransport from, MemoryTransport to)
    {
        private int _delivered;
        private bool _ended;

        public bool Deliver()
        {
            if (_ended)
            {
                return false;
            }

            byte[] bytes = from.Sent[_delivered..].ToArray();
            _delivered += bytes.Length;
            if (bytes.Length > 0)
            {
                to.PeerSends(bytes);
            }

            _ended = from.End != WireEnd.None;
            if (from.End == WireEnd.Fin)
            {
                to.PeerEnds();
            }
            else if (_ended)
            {
                to.PeerResets();
            }

            return _ended || bytes.Length > 0;
        }
    }
}
