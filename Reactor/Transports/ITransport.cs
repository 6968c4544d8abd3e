namespace Poetry.Net;

/// <summary>
/// The interface of a connection for its protocol: Twisted's <c>ITransport</c>, with spans. Use it on the reactor's thread
/// only. A transport that is closing or closed ignores all calls.
/// </summary>
public interface ITransport : IProducer
{
    /// <summary>The peer's address.</summary>
    SocketAddress Peer { get; }

    /// <summary>The local address.</summary>
    SocketAddress Host { get; }

    /// <summary>Bytes that the kernel has taken; after a reset by the peer, on Linux, the bytes that the peer has acknowledged.</summary>
    long BytesSent { get; }

    /// <summary>Bytes that were written and that the kernel has not taken yet.</summary>
    long BytesPending { get; }

    /// <summary>
    /// The time at which this side sent FIN, after all data; <see cref="TimeSpan.MaxValue"/> if it has not. The connection
    /// ends later, when the peer has closed too.
    /// </summary>
    internal TimeSpan EndSentAt => TimeSpan.MaxValue;

    /// <summary>True once <see cref="LoseConnection"/> or <see cref="AbortConnection"/> was called, or the connection has ended.</summary>
    bool Disconnecting { get; }

    /// <summary>Sends bytes. Bytes that the kernel does not take at once are copied.</summary>
    /// <param name="data">The bytes; they may be changed as soon as the call returns.</param>
    void Write(ReadOnlySpan<byte> data);

    /// <summary>Sends bytes without copying them.</summary>
    /// <param name="shared">Memory that stays valid and unchanged until the connection has ended. It may be written to
    /// any number of connections.</param>
    void Write(ReadOnlyMemory<byte> shared);

    /// <summary>
    /// <see cref="Write(ReadOnlyMemory{byte})"/> and <see cref="LoseConnection"/> in one: FIN is sent with the last bytes.
    /// </summary>
    /// <param name="shared">The same as for <see cref="Write(ReadOnlyMemory{byte})"/>.</param>
    void WriteLast(ReadOnlyMemory<byte> shared);

    /// <summary>
    /// Closes gracefully: sends all written data, then FIN, then reads and drops input until the peer closes too. Unread
    /// input would turn the close into a reset.
    /// </summary>
    void LoseConnection();

    /// <summary>Half-closes: sends all written data, then FIN. The peer may go on sending.</summary>
    void LoseWriteConnection();

    /// <summary>Closes at once with a reset. The peer then sees that it has not received everything.</summary>
    void AbortConnection();

    /// <summary>Registers a producer. It is paused while too much data waits to be sent, and resumed when all of it is sent.</summary>
    /// <param name="producer">The source of the data; often another transport.</param>
    /// <exception cref="InvalidOperationException">Another producer is registered, which could stay paused for ever.</exception>
    void RegisterProducer(IProducer producer);

    /// <summary>Stops pausing and resuming the producer.</summary>
    void UnregisterProducer();

    /// <summary>Throws if another producer is registered.</summary>
    internal static void ThrowIfOther(IProducer? registered, IProducer producer)
    {
        ArgumentNullException.ThrowIfNull(producer);
        if (registered is not null && !ReferenceEquals(registered, producer))
        {
            throw new InvalidOperationException("another producer is registered: unregister it first");
        }
    }
}

/// <summary>A source of data that can be paused: Twisted's <c>IPushProducer</c>.</summary>
public interface IProducer
{
    /// <summary>Stops producing until <see cref="ResumeProducing"/>. A transport then reads no input: it stays in the kernel.</summary>
    void PauseProducing();

    /// <summary>Goes on producing.</summary>
    void ResumeProducing();
}

/// <summary>The transport of a protocol without a connection: it ignores all calls.</summary>
internal sealed class ClosedTransport : ITransport
{
    public static readonly ClosedTransport Instance = new();

    private ClosedTransport()
    {
    }

    public SocketAddress Peer => default;

    public SocketAddress Host => default;

    public long BytesSent => 0;

    public long BytesPending => 0;

    public bool Disconnecting => true;

    public void Write(ReadOnlySpan<byte> data)
    {
    }

    public void Write(ReadOnlyMemory<byte> shared)
    {
    }

    public void WriteLast(ReadOnlyMemory<byte> shared)
    {
    }

    public void LoseConnection()
    {
    }

    public void LoseWriteConnection()
    {
    }

    public void AbortConnection()
    {
    }

    public void RegisterProducer(IProducer producer)
    {
    }

    public void UnregisterProducer()
    {
    }

    public void PauseProducing()
    {
    }

    public void ResumeProducing()
    {
    }
}
