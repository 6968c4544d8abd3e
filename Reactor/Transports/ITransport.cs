using System;

namespace Poetry.Net;

/// <summary>
/// A connection as its protocol sees it: Twisted's <c>ITransport</c>, on spans. All of it on the reactor thread. A
/// transport that is closing or closed ignores what it is asked.
/// </summary>
public interface ITransport : IProducer
{
    /// <summary>The other side.</summary>
    SocketAddress Peer { get; }

    /// <summary>This side.</summary>
    SocketAddress Host { get; }

    /// <summary>Bytes that the kernel has taken so far.</summary>
    long BytesSent { get; }

    /// <summary>Bytes that were written and that the kernel has not taken yet.</summary>
    long BytesPending { get; }

    /// <summary>
    /// When this side's end was sent, behind everything else; <see cref="TimeSpan.MaxValue"/> if it was not. The connection
    /// itself ends a little later, when the peer has closed too.
    /// </summary>
    TimeSpan EndSentAt => TimeSpan.MaxValue;

    /// <summary>Has <see cref="LoseConnection"/> or <see cref="AbortConnection"/> been called, or has the end come?</summary>
    bool Disconnecting { get; }

    /// <summary>Sends bytes. What the kernel does not take at once is copied.</summary>
    /// <param name="data">May be changed as soon as the call returns.</param>
    void Write(ReadOnlySpan<byte> data);

    /// <summary>Sends bytes without copying them.</summary>
    /// <param name="shared">Must neither change nor go away before the connection has ended. The same memory may be
    /// written to any number of connections.</param>
    void Write(ReadOnlyMemory<byte> shared);

    /// <summary>
    /// <see cref="Write(ReadOnlyMemory{byte})"/> and <see cref="LoseConnection"/> in one, which lets the end travel with
    /// the last bytes.
    /// </summary>
    /// <param name="shared">As for <see cref="Write(ReadOnlyMemory{byte})"/>.</param>
    void WriteLast(ReadOnlyMemory<byte> shared);

    /// <summary>
    /// Closes kindly: sends what was written, then the end, and reads on and drops what comes until the peer closes too,
    /// so that nothing the peer sends can turn the close into a reset.
    /// </summary>
    void LoseConnection();

    /// <summary>Sends what was written, then the end; the peer may go on sending.</summary>
    void LoseWriteConnection();

    /// <summary>Closes at once with a reset, so that the peer can tell that it does not have everything.</summary>
    void AbortConnection();

    /// <summary>Has somebody told to pause when too much is waiting to be sent, and to go on when it has been.</summary>
    /// <param name="producer">Whoever calls <c>Write</c>; often another transport.</param>
    void RegisterProducer(IProducer producer);

    /// <summary>The producer has no more to say.</summary>
    void UnregisterProducer();
}

/// <summary>Something that can be told to stop bringing bytes for a while: Twisted's <c>IPushProducer</c>.</summary>
public interface IProducer
{
    /// <summary>Bring no more until <see cref="ResumeProducing"/>. Said of a transport: leave input with the kernel.</summary>
    void PauseProducing();

    /// <summary>Go on.</summary>
    void ResumeProducing();
}

/// <summary>The transport of a protocol that has none: it ignores everything.</summary>
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
