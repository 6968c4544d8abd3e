using System;

namespace Poetry.Net;

/// <summary>
/// What is said on one connection: Twisted's <c>Protocol</c>. A factory builds one for each connection; a transport calls
/// it, always on the reactor thread, in this order: <see cref="ConnectionMade"/> once, <see cref="DataReceived"/> any
/// number of times, perhaps <see cref="ReadConnectionLost"/>, and <see cref="ConnectionLost"/> once, last.
/// </summary>
/// <remarks>What a protocol throws is logged with its stack and costs its own connection, nobody else's.</remarks>
public abstract class Protocol
{
    /// <summary>The connection. From the end of <see cref="ConnectionLost"/> on it is one that ignores everything.</summary>
    public ITransport Transport { get; private set; } = ClosedTransport.Instance;

    /// <summary>
    /// Where the next bytes are to come: a protocol that keeps them as they are saves a copy with a buffer of its own, as
    /// asyncio's <c>BufferedProtocol</c> does. It is asked before every read, and what was filled of it is then given to
    /// <see cref="DataReceived"/>. None, as is the default, for the buffer that all connections of the reactor share.
    /// </summary>
    /// <value>It has to stay where it is until <see cref="DataReceived"/> returns.</value>
    protected internal virtual Span<byte> Room => default;

    /// <summary>The connection is there: the first word is the protocol's, if it has one.</summary>
    protected internal virtual void ConnectionMade()
    {
    }

    /// <summary>Bytes have come: as few or as many as the network liked, never none.</summary>
    /// <param name="data">Valid until this call returns; the compiler sees to it.</param>
    protected internal abstract void DataReceived(ReadOnlySpan<byte> data);

    /// <summary>
    /// The peer will send no more, but may still read. Unless overridden, what was written is sent and the connection
    /// closed.
    /// </summary>
    protected internal virtual void ReadConnectionLost() => Transport.LoseConnection();

    /// <summary>
    /// The kernel has taken all that was written before <see cref="ITransport.LoseConnection"/>, some time after that was
    /// called: what it lay in may go, though the client may take its time to close. If it was taken at once, this does not
    /// come: <see cref="ITransport.BytesPending"/> tells.
    /// </summary>
    protected internal virtual void AllSent()
    {
    }

    /// <summary>The connection is over. It comes from the loop, never from inside a call to the transport.</summary>
    /// <param name="reason"><see cref="ConnectionDone"/> after a clean end, <see cref="Net.ConnectionLost"/> or one of its
    /// kin after any other. Shared: neither keep nor change it.</param>
    protected internal virtual void ConnectionLost(Failure reason)
    {
    }

    /// <summary>Ties the protocol to its connection; a test may do it with a transport of memory.</summary>
    internal void MakeConnection(ITransport transport)
    {
        Transport = transport;
        ConnectionMade();
    }

    /// <summary>Tells the protocol of its end and cuts the tie.</summary>
    internal void LoseTransport(Failure reason)
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
