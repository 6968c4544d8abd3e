using System;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Asks a transform server, over netstrings: who has one of these need not know where it is, nor how it is asked.</summary>
/// <param name="reactor">The reactor to connect with.</param>
/// <param name="server">The transform server.</param>
/// <param name="connectTimeout">For the name, all of its addresses, and the connection.</param>
/// <param name="timeout">A server that neither takes nor sends anything for so long has failed;
/// <see cref="TimeSpan.MaxValue"/> for never.</param>
internal sealed class TransformClient(Reactor reactor, Endpoint server, TimeSpan connectTimeout, TimeSpan timeout)
{
    /// <summary>The reactor to connect with.</summary>
    public Reactor Reactor => reactor;

    /// <summary>The transform server.</summary>
    public Endpoint Server => server;

    /// <summary>For the name, all of its addresses, and the connection.</summary>
    public TimeSpan ConnectTimeout => connectTimeout;

    /// <summary>How long a server may do nothing.</summary>
    public TimeSpan Timeout => timeout;

    /// <summary>
    /// Bounds how many questions are under way at once; the others wait their turn, while the deadlines of those who asked
    /// run on. For servers in a circle, each of which asks the next, would else take all descriptors for one request. Null
    /// for no bound.
    /// </summary>
    public DeferredSemaphore? Turns { get; init; }

    /// <summary>Has a text transformed.</summary>
    /// <param name="name">Of the transformation; without a point, since the server splits at the first.</param>
    /// <param name="text">The text; it is copied.</param>
    /// <returns>Fires with the transformed text; fails with a <see cref="ConnectError"/>, a <see cref="ConnectionLost"/>
    /// or a <see cref="TransformError"/>. Cancelling it stops the connect or resets the connection at once.</returns>
    public Deferred<byte[]> Transform(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text)
    {
        long length = name.Length + 1L + text.Length;
        if (length > TextBuffer.MostBytes)
        {
            return Deferred.Fail<byte[]>(new TransformError($"a text of {text.Length} bytes is too long"));
        }

        Span<byte> header = stackalloc byte[Netstring.MaxHeaderLength];
        int at = Netstring.WriteHeader(length, header);
        byte[] request = GC.AllocateUninitializedArray<byte>(at + (int)length + 1);
        header[..at].CopyTo(request);
        name.CopyTo(request.AsSpan(at));
        at += name.Length;
        request[at++] = (byte)'.';
        text.CopyTo(request.AsSpan(at));
        request[^1] = (byte)',';
        long longest = Math.Max((long)text.Length * TransformService.MostGrowth, TransformFetch.AlwaysAllowed);
        var fetch = new TransformFetch(this, request, (int)Math.Min(longest, TextBuffer.MostBytes));
        return fetch.Start();
    }
}

/// <summary>One question to a transform server: the factory of one connection, and the deferred that it fires.</summary>
/// <param name="client">Whom to ask, and how.</param>
/// <param name="request">As it goes over the wire.</param>
/// <param name="maxReplyLength">A longer answer is refused.</param>
internal sealed class TransformFetch(TransformClient client, byte[] request, int maxReplyLength) : ClientFactory
{
    /// <summary>An answer of so many bytes is not too long, however short the question was.</summary>
    public const int AlwaysAllowed = 64 * 1024;

    private Connector? _connector;
    private Deferred<DeferredSemaphore>? _turn;
    private Deferred<byte[]>? _answer;

    /// <summary>The whole request.</summary>
    public byte[] Request => request;

    /// <summary>A longer answer is refused.</summary>
    public int MaxReplyLength => maxReplyLength;

    /// <summary>Whom to ask, and how.</summary>
    public TransformClient Client => client;

    /// <summary>Begins.</summary>
    /// <returns>As of <see cref="TransformClient.Transform"/>: cancelling it stops the connect or resets the connection.</returns>
    public Deferred<byte[]> Start()
    {
        // Whoever fires it takes it away first: an end that comes after the answer is no news.
        Deferred<byte[]> answer = Deferred.WithCanceller<TransformFetch, byte[]>(this, static (fetch, _) => fetch.Cancel());
        _answer = answer;
        if (client.Turns is { } turns)
        {
            _turn = turns.Acquire();
            _ = _turn.AddBoth(this, static (fetch, turn) => fetch.HasTurn(turn.Failure is null));
        }
        else
        {
            Connect();
        }

        return answer;
    }

    /// <inheritdoc/>
    protected internal override Protocol BuildProtocol(in SocketAddress peer) => new TransformClientProtocol(this);

    /// <inheritdoc/>
    protected internal override void ClientConnectionFailed(Connector connector, Failure reason)
    {
        Failed(reason);
        client.Turns?.Release();
    }

    /// <inheritdoc/>
    protected internal override void ClientConnectionLost(Connector connector, Failure reason) => client.Turns?.Release();

    /// <summary>The answer is here.</summary>
    internal void Answered(byte[] text)
    {
        Deferred<byte[]>? answer = _answer;
        _answer = null;
        answer?.Callback(text);
    }

    /// <summary>It will not come, or not all of it.</summary>
    internal void Failed(Failure reason)
    {
        Deferred<byte[]>? answer = _answer;
        _answer = null;
        answer?.Errback(reason);
    }

    private void Cancel()
    {
        _answer = null;
        if (_connector is { } connector)
        {
            connector.Disconnect(reset: true);
        }
        else
        {
            _turn!.Cancel();
        }
    }

    /// <summary>Its turn has come; or it was cancelled, and is out of the line.</summary>
    private void HasTurn(bool hasCome)
    {
        if (hasCome)
        {
            Connect();
        }
    }

    private void Connect() => _connector = client.Reactor.Connect(client.Server, this, client.ConnectTimeout);
}

/// <summary>Sends the question and collects the answer, in memory that grows with what has come.</summary>
internal sealed class TransformClientProtocol(TransformFetch fetch) : Protocol
{
    private readonly TimeSpan _timeout = fetch.Client.Timeout;
    private FrameReader _frame;
    private byte[] _text = [];
    private int _received;
    private DelayedCall? _stalled;
    private long _sentBefore;
    private bool _isOver;

    /// <inheritdoc/>
    protected internal override void ConnectionMade()
    {
        if (_timeout < TimeSpan.MaxValue)
        {
            _stalled = fetch.Client.Reactor.CallLater(_timeout, this, static client => client.Stalled());
        }

        Transport.Write(fetch.Request.AsMemory());
        _sentBefore = Transport.BytesSent;
    }

    /// <inheritdoc/>
    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty && !_isOver)
        {
            if (!_frame.TryRead(ref data, out ReadOnlySpan<byte> payload))
            {
                GiveUp("the server sent no netstring");
            }
            else if (_frame.Length > fetch.MaxReplyLength)
            {
                GiveUp($"the answer is longer than {fetch.MaxReplyLength} bytes");
            }
            else
            {
                Keep(payload);
                if (_frame.Complete && !data.IsEmpty)
                {
                    // An answer is one netstring and then the end. Where the pieces are cut so that the rest comes later, it
                    // is not waited for: a poem by netstring is taken no differently.
                    GiveUp("the server sent more than one netstring");
                }
                else if (_frame.Complete)
                {
                    _isOver = true;
                    Transport.LoseConnection();
                    fetch.Answered(_text);
                }
            }
        }

        if (!_isOver)
        {
            _stalled?.Reset(_timeout);
        }
    }

    /// <inheritdoc/>
    protected internal override void ReadConnectionLost()
    {
        if (!_isOver)
        {
            GiveUp(_frame.HasLength
                ? $"got {_received} of {_frame.Length} bytes"
                : "the server closed without an answer");
        }
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason)
    {
        _isOver = true;
        _ = _stalled?.CancelIfActive();
        fetch.Failed(reason);
    }

    /// <summary>An answer in one piece gets its memory once; one in many never more than twice what has come.</summary>
    private void Keep(ReadOnlySpan<byte> payload)
    {
        int needed = _received + payload.Length;
        if (needed > _text.Length)
        {
            Array.Resize(ref _text, (int)Math.Min(_frame.Length, Math.Max(needed, 2L * _text.Length)));
        }

        payload.CopyTo(_text.AsSpan(_received));
        _received = needed;
    }

    private void Stalled()
    {
        if (Transport.BytesSent > _sentBefore)
        {
            // It is busy taking a long question.
            _sentBefore = Transport.BytesSent;
            _stalled = fetch.Client.Reactor.CallLater(_timeout, this, static client => client.Stalled());
            return;
        }

        GiveUp($"timed out: nothing came for {_timeout.TotalSeconds:0.###} s");
    }

    private void GiveUp(string why)
    {
        _isOver = true;
        Transport.AbortConnection();
        fetch.Failed(new Failure(new TransformError(why)));
    }
}

/// <summary>A transformation that another server does: what makes of a transform server a transformation proxy.</summary>
/// <param name="client">Asks that server.</param>
/// <param name="name">As our client sent it. Whether there is such a transformation is for the other server to say.</param>
internal sealed class UpstreamTransformation(TransformClient client, byte[] name) : Transformation(name)
{
    /// <summary>Makes a service that has everything done by another server.</summary>
    public static TransformService Service(TransformClient client) => new(name =>
        Array.IndexOf(name, (byte)'.') < 0 ? new UpstreamTransformation(client, name) : null);

    /// <inheritdoc/>
    public override Deferred<byte[]>? Apply(ReadOnlySpan<byte> text, TextBuffer output) => client.Transform(Utf8Name, text);
}
