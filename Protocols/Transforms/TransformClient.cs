using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Sends texts to a transform server as netstrings, and receives the results.</summary>
/// <param name="reactor">The reactor to connect with.</param>
/// <param name="server">The transform server.</param>
/// <param name="connectTimeout">The timeout for the name look-up and the connects to all addresses together.</param>
/// <param name="timeout">The maximum time in which the server neither takes nor sends anything;
/// <see cref="TimeSpan.MaxValue"/> for no limit.</param>
internal sealed class TransformClient(Reactor reactor, Endpoint server, TimeSpan connectTimeout, TimeSpan timeout)
{
    public Reactor Reactor => reactor;

    public Endpoint Server => server;

    public TimeSpan ConnectTimeout => connectTimeout;

    public TimeSpan Timeout => timeout;

    /// <summary>
    /// Limits the number of simultaneous requests; null for no limit. The other requests wait, and their deadlines run. Without
    /// a limit, one request to a circle of servers, each of which asks the next, would use all descriptors.
    /// </summary>
    public DeferredSemaphore? Turns { get; init; }

    internal const string OutOfMemory = "out of memory";

    /// <summary>An answer of up to this number of bytes is accepted for any text.</summary>
    private const int MinAnswerLimit = 64 * 1024;

    /// <summary>The maximum length of the answer for a text, in bytes.</summary>
    public static long MaxAnswerLength(int textLength) =>
        Math.Min(Math.Max((long)textLength * TransformService.MaxGrowth, MinAnswerLimit), TextBuffer.MaxBytes);

    /// <summary>Asks the server to transform a text.</summary>
    /// <param name="name">The transformation's name, without a point, because the server splits at the first point.</param>
    /// <param name="text">The text, which is copied.</param>
    /// <param name="output">The buffer that takes the result; see <see cref="Transformation.Apply"/>.</param>
    /// <returns>A deferred that fires with the output, or fails with a <see cref="ConnectError"/>, a <see cref="ConnectionLost"/>
    /// or a <see cref="TransformError"/>. Cancelling it stops the connect or resets the connection at once.</returns>
    public Deferred<TextBuffer> Transform(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text, TextBuffer output)
    {
        long length = name.Length + 1L + text.Length;
        if (length > TextBuffer.MaxBytes)
        {
            return Deferred.Fail<TextBuffer>(new TransformError($"a text of {text.Length} bytes is too long"));
        }

        var request = new TextBuffer { Limit = (int)length };
        try
        {
            request.Write(name);
            request.Write("."u8);
            request.Write(text);
        }
        catch (OutOfMemoryException)
        {
            request.Release();
            return Deferred.Fail<TextBuffer>(new TransformError(OutOfMemory));
        }

        output.Limit = (int)Math.Min(output.Limit, MaxAnswerLength(text.Length));
        var fetch = new TransformFetch(this, request, output);
        return fetch.Start();
    }
}

/// <summary>One request to a transform server: the factory of one connection, and the deferred that it fires.</summary>
/// <param name="client">The client with the server's address and the timeouts.</param>
/// <param name="request">The request, which this object releases.</param>
/// <param name="output">The caller's buffer for the answer. Not touched after the deferred has fired or was cancelled.</param>
internal sealed class TransformFetch(TransformClient client, TextBuffer request, TextBuffer output) : ClientFactory
{
    private Connector? _connector;
    private Deferred<DeferredSemaphore>? _turn;
    private Deferred<TextBuffer>? _answer;

    public TransformClient Client => client;

    /// <summary>The buffer that takes the answer; null when the answer is no longer needed.</summary>
    public TextBuffer? Output => _answer is null ? null : output;

    public ReadOnlyMemory<byte> Request => request.Frame();

    /// <summary>Waits for its turn, if there is a limit, and connects.</summary>
    /// <returns>The deferred of <see cref="TransformClient.Transform"/>. Cancelling it stops the connect or resets the
    /// connection.</returns>
    public Deferred<TextBuffer> Start()
    {
        var answer = Deferred.WithCanceller<TransformFetch, TextBuffer>(this, static (fetch, _) => fetch.Cancel());
        _answer = answer;
        if (client.Turns is { } turns)
        {
            _turn = turns.Acquire();
            _ = _turn.AddBoth(this, static (fetch, turn) => fetch.OnTurn(turn.Failure is null));
        }
        else
        {
            Connect();
        }

        return answer;
    }

    protected internal override Protocol BuildProtocol(in SocketAddress peer) => new TransformClientProtocol(this);

    protected internal override void ClientConnectionFailed(Connector connector, Failure reason)
    {
        Fire(reason);
        End();
    }

    protected internal override void ClientConnectionLost(Connector connector, Failure reason) => End();

    /// <summary>Fires the answer. Only the first outcome counts.</summary>
    internal void Fire(Outcome<TextBuffer> outcome)
    {
        Deferred<TextBuffer>? answer = _answer;
        _answer = null;
        answer?.Fire(outcome);
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

    private void OnTurn(bool hasCome)
    {
        if (hasCome)
        {
            Connect();
        }
        else
        {
            // It was cancelled while it waited.
            request.Release();
        }
    }

    /// <summary>Frees the request, which nothing reads after the end of the connection, and the turn.</summary>
    private void End()
    {
        request.Release();
        client.Turns?.Release();
    }

    private void Connect() => _connector = client.Reactor.Connect(client.Server, this, client.ConnectTimeout);
}

/// <summary>Sends the request and collects the answer.</summary>
internal sealed class TransformClientProtocol(TransformFetch fetch) : Protocol
{
    private readonly TimeSpan _timeout = fetch.Client.Timeout;
    private FrameReader _frame;
    private DelayedCall? _timer;
    private long _sentBefore;

    protected internal override void ConnectionMade()
    {
        if (_timeout < TimeSpan.MaxValue)
        {
            _timer = fetch.Client.Reactor.CallLater(_timeout, this, static client => client.OnTimeout());
        }

        Transport.Write(fetch.Request);
        _sentBefore = Transport.BytesSent;
    }

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty && fetch.Output is { } output)
        {
            if (!_frame.TryRead(ref data, out ReadOnlySpan<byte> payload))
            {
                GiveUp("the server sent no netstring");
            }
            else if (_frame.Length > output.Limit)
            {
                GiveUp($"the answer is longer than {output.Limit} bytes");
            }
            else if (!TryKeep(payload, output))
            {
                GiveUp(TransformClient.OutOfMemory);
            }
            else if (_frame.Complete)
            {
                // All input after the answer is ignored.
                Transport.LoseConnection();
                fetch.Fire(output);
            }
        }

        if (fetch.Output is not null)
        {
            _timer?.Reset(_timeout);
        }
    }

    protected internal override void ReadConnectionLost()
    {
        if (fetch.Output is { } output)
        {
            GiveUp(_frame.HasLength
                ? $"got {output.Length} of {_frame.Length} bytes"
                : "the server closed without an answer");
        }
    }

    protected internal override void ConnectionLost(Failure reason)
    {
        _ = _timer?.CancelIfActive();
        fetch.Fire(reason);
    }

    private static bool TryKeep(ReadOnlySpan<byte> payload, TextBuffer output)
    {
        try
        {
            output.Write(payload);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private void OnTimeout()
    {
        if (Transport.BytesSent > _sentBefore)
        {
            // The server is still receiving a long request.
            _sentBefore = Transport.BytesSent;
            _timer!.Rearm(_timeout);
            return;
        }

        GiveUp($"timed out: nothing came for {_timeout.TotalSeconds:0.###} s");
    }

    private void GiveUp(string why)
    {
        Transport.AbortConnection();
        fetch.Fire(new Failure(new TransformError(why)));
    }
}

/// <summary>A transformation that another server does. With it a transform server is a transformation proxy.</summary>
/// <param name="client">The client that asks the other server.</param>
/// <param name="name">The name that our client sent. The other server decides whether it exists.</param>
internal sealed class UpstreamTransformation(TransformClient client, byte[] name) : Transformation(name)
{
    /// <summary>Makes a service that forwards every request to another server.</summary>
    public static TransformService Service(TransformClient client) => new(name =>
        Array.IndexOf(name, (byte)'.') < 0 ? new UpstreamTransformation(client, name) : null);

    public override long MaxResultLength(int textLength) => TransformClient.MaxAnswerLength(textLength);

    /// <summary>Includes the copy of the request.</summary>
    public override long MaxMemory(int textLength) =>
        base.MaxMemory(textLength) + Utf8Name.Length + 1 + textLength + TextBuffer.Overhead;

    /// <inheritdoc/>
    public override Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output) =>
        client.Transform(Utf8Name, text, output);
}
