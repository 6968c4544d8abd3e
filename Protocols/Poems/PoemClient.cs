using System;
using System.IO;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Takes a poem in, as it arrives.</summary>
internal interface IPoemReceiver
{
    /// <summary>Bytes of the poem have come.</summary>
    /// <param name="bytes">Never none; valid until this call returns.</param>
    /// <returns>False if they can't be taken: then the fetch is given up.</returns>
    /// <exception cref="OutOfMemoryException">There is no memory for them: then too.</exception>
    bool Received(ReadOnlySpan<byte> bytes);

    /// <summary>Where the next bytes of an unframed poem are to come, to be kept there; none if it does not matter.</summary>
    Span<byte> GetBuffer() => default;

    /// <summary>There is a connection, which may be told to wait: a receiver that can't keep up pauses it.</summary>
    /// <param name="upstream">Usable until the fetch has ended. While it is paused no time runs out on the server.</param>
    void Connected(IProducer upstream)
    {
    }

    /// <summary>The length of a framed poem is known, before its first byte; never called for others.</summary>
    /// <param name="length">Of the poem, in bytes, as the server says.</param>
    void Announced(long length)
    {
    }
}

/// <summary>How a poem is fetched.</summary>
/// <param name="ConnectTimeout">For the name, all of its addresses, and the connection.</param>
/// <param name="Timeout">A server that sends nothing for so long has failed; <see cref="TimeSpan.MaxValue"/> for never.</param>
/// <param name="Format">How it travels.</param>
internal sealed record PoemRequest(TimeSpan ConnectTimeout, TimeSpan Timeout, PoemFormat Format);

/// <summary>What came was not the whole poem, or none at all.</summary>
internal sealed class PoemIncompleteError(string message) : IOException(message);

/// <summary>One fetch of one poem: the factory of one connection, and the deferred that it fires.</summary>
internal sealed class PoemFetch : ClientFactory
{
    /// <summary>Why a poem was given up that there is no memory for.</summary>
    public const string OutOfMemory = "out of memory";

    private readonly PoemRequest _request;
    private readonly Action _abort;
    private readonly Deferred<long> _whole;

    private PoemFetch(IClock clock, Func<ClientFactory, Action> connect, PoemRequest request, IPoemReceiver receiver)
    {
        _request = request;
        Clock = clock;
        Receiver = receiver;
        _whole = Deferred.WithCanceller<PoemFetch, long>(this, static (fetch, _) => fetch._abort());
        _abort = connect(this);
    }

    /// <summary>The reactor's.</summary>
    public IClock Clock { get; }

    /// <summary>Takes the poem in.</summary>
    public IPoemReceiver Receiver { get; }

    /// <summary>Fetches a poem.</summary>
    /// <param name="reactor">The reactor to connect with.</param>
    /// <param name="endpoint">The poetry server.</param>
    /// <param name="request">How.</param>
    /// <param name="receiver">Takes it in as it comes.</param>
    /// <returns>Fires with the length in bytes when all has come; fails with a <see cref="ConnectError"/>, a
    /// <see cref="Net.ConnectionLost"/> or a <see cref="PoemIncompleteError"/>. Cancelling it
    /// stops the connect or resets the connection at once.</returns>
    public static Deferred<long> Start(Reactor reactor, Endpoint endpoint, PoemRequest request, IPoemReceiver receiver) =>
        Start(
            reactor,
            fetch =>
            {
                Connector connector = reactor.Connect(endpoint, fetch, request.ConnectTimeout);
                return () => connector.Disconnect(reset: true);
            },
            request,
            receiver);

    /// <summary>The same over any connection: a test makes one of memory.</summary>
    /// <param name="clock">Time-outs are measured on it.</param>
    /// <param name="connect">Begins to connect, to tell the factory of it in a later turn, and gives what gives it up.</param>
    /// <param name="request">How.</param>
    /// <param name="receiver">Takes it in as it comes.</param>
    /// <returns>As <see cref="Start(Reactor, Endpoint, PoemRequest, IPoemReceiver)"/>.</returns>
    public static Deferred<long> Start(
        IClock clock,
        Func<ClientFactory, Action> connect,
        PoemRequest request,
        IPoemReceiver receiver) => new PoemFetch(clock, connect, request, receiver)._whole;

    /// <inheritdoc/>
    protected internal override Protocol BuildProtocol(in SocketAddress peer) => new PoemClient(this, _request);

    /// <inheritdoc/>
    protected internal override void ClientConnectionFailed(Connector connector, Failure reason) => Failed(reason);

    /// <summary>All has come.</summary>
    internal void Complete(long length)
    {
        if (!_whole.Called)
        {
            _whole.Callback(length);
        }
    }

    /// <summary>It will not come, or not all of it. What comes of the connection after that is no news.</summary>
    internal void Failed(Failure reason)
    {
        if (!_whole.Called)
        {
            _whole.Errback(reason);
        }
    }
}

/// <summary>Collects one poem: everything until the server's end, or one netstring.</summary>
internal sealed class PoemClient(PoemFetch fetch, PoemRequest request) : Protocol, IProducer
{
    private readonly TimeSpan _timeout = request.Timeout;
    private FrameReader _frame;
    private DelayedCall? _stalled;
    private long _received;

    /// <inheritdoc/>
    protected internal override Span<byte> ReceiveBuffer => request.Format == PoemFormat.Netstring ? default : fetch.Receiver.GetBuffer();

    /// <inheritdoc/>
    protected internal override void ConnectionMade()
    {
        if (_timeout < TimeSpan.MaxValue)
        {
            _stalled = fetch.Clock.CallLater(_timeout, this, static client => client.Stalled());
        }

        fetch.Receiver.Connected(this);
    }

    /// <inheritdoc/>
    public void PauseProducing()
    {
        // What we do not read is not the server's silence.
        _ = _stalled?.CancelIfActive();
        Transport.PauseProducing();
    }

    /// <inheritdoc/>
    public void ResumeProducing()
    {
        if (_stalled is { Active: false } && !Transport.Disconnecting)
        {
            _stalled.Rearm(_timeout);
        }

        Transport.ResumeProducing();
    }

    /// <inheritdoc/>
    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        if (_stalled is { Active: true })
        {
            _stalled.Reset(_timeout);
        }

        try
        {
            Read(data);
        }
        catch (OutOfMemoryException)
        {
            // Of one poem there was too much: whoever fetches another may have the memory for it.
            GiveUp(new PoemIncompleteError(PoemFetch.OutOfMemory));
        }
    }

    /// <inheritdoc/>
    protected internal override void ReadConnectionLost()
    {
        Transport.LoseConnection();
        if (request.Format != PoemFormat.Netstring)
        {
            fetch.Complete(_received);
        }
        else if (!_frame.Complete)
        {
            fetch.Failed(new Failure(new PoemIncompleteError(_frame.HasLength
                ? $"got {_received} of {_frame.Length} bytes"
                : "the server closed before it said how long the poem is")));
        }
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason)
    {
        _ = _stalled?.CancelIfActive();
        fetch.Failed(reason);
    }

    private void Read(ReadOnlySpan<byte> data)
    {
        if (request.Format != PoemFormat.Netstring)
        {
            _ = Take(data);
            return;
        }

        while (!data.IsEmpty && !_frame.Complete)
        {
            bool hadLength = _frame.HasLength;
            if (!_frame.TryRead(ref data, out ReadOnlySpan<byte> payload))
            {
                GiveUp(new PoemIncompleteError("the server sent no netstring"));
                return;
            }

            if (_frame.HasLength && !hadLength)
            {
                fetch.Receiver.Announced(_frame.Length);
            }

            if (!payload.IsEmpty && !Take(payload))
            {
                return;
            }
        }

        if (_frame.Complete && !data.IsEmpty)
        {
            GiveUp(new PoemIncompleteError("the server sent more than one netstring"));
        }
        else if (_frame.Complete)
        {
            Transport.LoseConnection();
            fetch.Complete(_received);
        }
    }

    private bool Take(ReadOnlySpan<byte> data)
    {
        _received += data.Length;
        bool taken = fetch.Receiver.Received(data);
        if (!taken)
        {
            GiveUp(new PoemIncompleteError("the poem could not be stored"));
        }

        return taken;
    }

    private void Stalled() =>
        GiveUp(new PoemIncompleteError($"timed out: nothing came for {_timeout.TotalSeconds:0.###} s"));

    private void GiveUp(PoemIncompleteError why)
    {
        fetch.Failed(new Failure(why));
        Transport.AbortConnection();
    }
}
