using System;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Asks a transform server over netstrings.</summary>
/// <param name="reactor">The reactor to connect with.</param>
/// <param name="server">The transform server.</param>
/// <param name="connectTimeout">For the name, all of its addresses, and the connection.</param>
/// <param name="timeout">A server that neither takes nor sends anything for so long has failed;
/// <see cref="TimeSpan.MaxValue"/> for never.</param>
internal sealed class TransformClient(Reactor reactor, Endpoint server, TimeSpan connectTimeout, TimeSpan timeout)
{
    public Reactor Reactor => reactor;

    public Endpoint Server => server;

    public TimeSpan ConnectTimeout => connectTimeout;

    public TimeSpan Timeout => timeout;

    /// <summary>
    /// Limits how many requests are under way at once. The others wait, and their deadlines run. Without a limit, servers in a
    /// circle, each of which asks the next, would take all descriptors for one request. Null for no limit.
    /// </summary>
    public DeferredSemaphore? Turns { get; init; }

    internal const string OutOfMemory = "out of memory";

    /// <summary>An answer of so many bytes is accepted, however short the text was.</summary>
    private const int MinAnswerLimit = 64 * 1024;

    /// <summary>The longest answer that is accepted for a text, in bytes.</summary>
    public static long MaxAnswerLength(int textLength) =>
        Math.Min(Math.Max((long)textLength * TransformService.MaxGrowth, MinAnswerLimit), TextBuffer.MaxBytes);

    /// <summary>Has a text transformed.</summary>
    /// <param name="name">Of the transformation; without a point, because the server splits at the first.</param>
    /// <param name="text">It is copied.</param>
    /// <param name="output">Takes the result; see <see cref="Transformation.Apply"/>.</param>
    /// <returns>Fires with the output; fails with a <see cref="ConnectError"/>, a <see cref="ConnectionLost"/>
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
/// <param name="client">Where to connect, and how.</param>
/// <param name="request">Released here.</param>
/// <param name="output">Takes the answer. The caller's; not touched after the deferred has fired or was cancelled.</param>
internal sealed class TransformFetch(TransformClient client, TextBuffer request, TextBuffer output) : ClientFactory
{
    private Connector? _connector;
    private Deferred<DeferredSemaphore>? _turn;
    private Deferred<TextBuffer>? _answer;

    public TransformClient Client => client;

    /// <summary>Null once the answer is not wanted any more.</summary>
    public TextBuffer? Output => _answer is null ? null : output;

    public ReadOnlyMemory<byte> Request => request.Frame();

    /// <summary>Connects, when it is its turn.</summary>
    /// <returns>As of <see cref="TransformClient.Transform"/>. Cancelling it stops the connect or resets the connection.</returns>
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

    /// <summary>The first outcome counts.</summary>
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

    /// <summary>The connection has ended: nothing reads the request any more.</summary>
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
                // What follows the answer is ignored, whether it has arrived yet or not.
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
            // It is still receiving a long request.
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

/// <summary>A transformation that another server does. It makes a transform server a transformation proxy.</summary>
/// <param name="client">Asks that server.</param>
/// <param name="name">As our client sent it; the other server decides whether it exists.</param>
internal sealed class UpstreamTransformation(TransformClient client, byte[] name) : Transformation(name)
{
    /// <summary>Makes a service that asks another server for everything.</summary>
    public static TransformService Service(TransformClient client) => new(name =>
        Array.IndexOf(name, (byte)'.') < 0 ? new UpstreamTransformation(client, name) : null);

    public override long MaxResultLength(int textLength) => TransformClient.MaxAnswerLength(textLength);

    /// <summary>The request is copied.</summary>
    public override long MaxMemory(int textLength) =>
        base.MaxMemory(textLength) + Utf8Name.Length + 1 + textLength + TextBuffer.Overhead;

    /// <inheritdoc/>
    public override Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output) =>
        client.Transform(Utf8Name, text, output);
}
