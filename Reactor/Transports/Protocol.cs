namespace Poetry.Net;

/// <summary>
/// The protocol of one connection: Twisted's <c>Protocol</c>. A factory builds one for each connection, and a transport
/// calls it on the reactor's thread in this order: <see cref="ConnectionMade"/> once, <see cref="DataReceived"/> any number
/// of times, perhaps <see cref="ReadConnectionLost"/>, and <see cref="ConnectionLost"/> once, last.
/// </summary>
/// <remarks>An exception that a protocol throws is logged with its stack and ends this connection only: with a reset, unless all
/// data and FIN were sent.</remarks>
public abstract class Protocol
{
    /// <summary>The connection. Before it is made and after <see cref="ConnectionLost"/>, a transport that ignores all calls.</summary>
    public ITransport Transport { get; private set; } = ClosedTransport.Instance;

    internal bool IsConnected => Transport != ClosedTransport.Instance;

    /// <summary>
    /// The buffer for the next read. A protocol that stores the bytes unchanged can return its own buffer to save a copy, as
    /// with asyncio's <c>BufferedProtocol</c>. The transport gets it before every read, and passes the filled part to
    /// <see cref="DataReceived"/>. Empty, the default, for the buffer that all connections of the reactor share.
    /// </summary>
    /// <value>The buffer has to stay valid until <see cref="DataReceived"/> returns.</value>
    protected internal virtual Span<byte> ReceiveBuffer => default;

    /// <summary>True to receive the input that was not read when the connection ended, by one more call of
    /// <see cref="DataReceived"/> before <see cref="ConnectionLost"/>: the peer may say why it has closed.</summary>
    internal virtual bool ReadsLastInput => false;

    /// <summary>The transport that the next input goes to without a copy, and without <see cref="DataReceived"/>; null, the
    /// default, for none. Called before every read.</summary>
    /// <param name="max">The maximum number of bytes that may go there.</param>
    internal virtual StreamTransport? SpliceTarget(out long max)
    {
        max = 0;
        return null;
    }

    /// <summary>Input has gone to <see cref="SpliceTarget"/>.</summary>
    /// <param name="count">The number of bytes: at least one.</param>
    internal virtual void Spliced(int count)
    {
    }

    /// <summary>The connection is open, and the protocol may write.</summary>
    protected internal virtual void ConnectionMade()
    {
    }

    /// <summary>Data has arrived: at least one byte. The boundaries between two calls have no meaning.</summary>
    /// <param name="data">The bytes, valid until this call returns.</param>
    protected internal abstract void DataReceived(ReadOnlySpan<byte> data);

    /// <summary>
    /// The peer has sent FIN; it may still read. Unless overridden, all written data is sent and the connection is closed.
    /// </summary>
    protected internal virtual void ReadConnectionLost() => Transport.LoseConnection();

    /// <summary>
    /// The kernel has taken everything that was written before <see cref="ITransport.LoseConnection"/>: shared memory may be
    /// released, although the client may not have closed yet. Not called if <see cref="ITransport.BytesPending"/> was 0 when
    /// <see cref="ITransport.LoseConnection"/> returned.
    /// </summary>
    protected internal virtual void AllSent()
    {
    }

    /// <summary>The connection has ended. Called by the loop, never from inside a call to the transport.</summary>
    /// <param name="reason"><see cref="ConnectionDone"/> after a clean end, <see cref="Net.ConnectionLost"/> or a class
    /// derived from it after any other; after a callback has thrown, that exception. Shared: do not change it.</param>
    protected internal virtual void ConnectionLost(Failure reason)
    {
    }

    /// <summary>Gives the protocol its transport and calls <see cref="ConnectionMade"/>. Called by a reactor for its
    /// connections, and by a test for a transport that the test makes.</summary>
    public void MakeConnection(ITransport transport)
    {
        ArgumentNullException.ThrowIfNull(transport);
        Transport = transport;
        ConnectionMade();
    }

    /// <summary>Drops the transport, which another protocol has taken over.</summary>
    internal void DropTransport() => Transport = ClosedTransport.Instance;

    /// <summary>Calls <see cref="ConnectionLost"/> and drops the transport.</summary>
    internal void NotifyLost(Failure reason)
    {
        try
        {
            ConnectionLost(reason);
        }
        finally
        {
            Transport = ClosedTransport.Instance;
        }
    }
}
