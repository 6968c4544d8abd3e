using System.Text;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Guide;

/// <summary>Page 6: a server of one poem.</summary>
internal sealed class PoemServer(byte[] poem) : Protocol
{
    protected internal override void ConnectionMade() => Transport.WriteLast(poem);

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        // The client has nothing to say in this protocol.
    }
}

internal sealed class PoemServerFactory(byte[] poem) : Factory
{
    protected internal override Protocol BuildProtocol(in SocketAddress peer) => new PoemServer(poem);
}

/// <summary>Exercise 1 of page 4: the client of page 3 with a deferred.</summary>
internal sealed class PoemClientFactory : ClientFactory
{
    public Deferred<string> Poem { get; } = new();

    protected internal override Protocol BuildProtocol(in SocketAddress peer) => new Collector(Poem);

    protected internal override void ClientConnectionFailed(Connector connector, Failure reason) => Poem.Errback(reason);

    private sealed class Collector(Deferred<string> poem) : Protocol
    {
        private readonly MemoryStream _bytes = new();

        protected internal override void DataReceived(ReadOnlySpan<byte> data) => _bytes.Write(data);

        protected internal override void ConnectionLost(Failure reason) => poem.Fire(
            reason.Check<ConnectionDone>() ? Encoding.UTF8.GetString(_bytes.ToArray()) : new Outcome<string>(reason));
    }
}

/// <summary>Exercise 2 of page 6: one line each 100 ms.</summary>
internal sealed class SlowServer(IClock clock, string[] lines) : Protocol
{
    private DelayedCall? _next;
    private int _sent;

    protected internal override void ConnectionMade() => SendLine();

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
    }

    protected internal override void ConnectionLost(Failure reason) => _next?.CancelIfActive();

    private void SendLine()
    {
        Transport.Write(Encoding.UTF8.GetBytes(lines[_sent++] + "\n").AsSpan());
        if (_sent == lines.Length)
        {
            Transport.LoseConnection();
            return;
        }

        _next = clock.CallLater(TimeSpan.FromMilliseconds(100), SendLine);
    }
}

/// <summary>Exercise 1 of page 7: netstrings are echoed; anything else ends the connection.</summary>
internal sealed class NetstringEcho : Protocol
{
    private readonly Poetry.Protocols.NetstringDecoder _receiver = new(maxLengthBytes: 1000);

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        while (_receiver.TryNext(ref data, out ReadOnlySpan<byte> payload))
        {
            Transport.Write(Encoding.UTF8.GetBytes($"{payload.Length}:").AsSpan());
            Transport.Write(payload);
            Transport.Write(","u8);
        }

        if (_receiver.Error is not null)
        {
            Transport.AbortConnection();
        }
    }

    protected internal override void ConnectionLost(Failure reason) => _receiver.Dispose();
}

/// <summary>Page 12: fetches once for all waiters, and keeps the result.</summary>
internal sealed class CachingService(Func<Deferred<string>> fetch)
{
    private readonly List<Deferred<string>> _waiting = [];
    private string? _poem;

    public Deferred<string> Get()
    {
        if (_poem is not null)
        {
            return Deferred.Succeed(_poem);
        }

        var waiter = new Deferred<string>();
        _waiting.Add(waiter);
        if (_waiting.Count == 1)
        {
            fetch().AddBoth(Finish);
        }

        return waiter;
    }

    private void Finish(Outcome<string> outcome)
    {
        Deferred<string>[] waiting = [.. _waiting];
        _waiting.Clear();
        _poem = outcome.Succeeded ? outcome.Value : null;
        foreach (Deferred<string> waiter in waiting)
        {
            waiter.Fire(outcome);
        }
    }
}

/// <summary>Page 12: the protocol in front of the service.</summary>
internal sealed class ProxyProtocol(CachingService service) : Protocol
{
    protected internal override void ConnectionMade() => service.Get().AddCallbacks(
        poem => Transport.WriteLast(Encoding.UTF8.GetBytes(poem)),
        failure => Transport.AbortConnection());

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
    }
}

/// <summary>Page 13: a counter that servers share.</summary>
internal sealed class Visits(RedisClient redis)
{
    public async Deferred<long> Count(string page)
    {
        RedisReply[] replies = await Deferred.GatherResults(
            [redis.Send("INCR", page), redis.Send("EXPIRE", page, "86400")], consumeErrors: true);
        return replies[0].Number;
    }
}

/// <summary>Exercise 1 of page 13.</summary>
internal sealed class Latest(RedisClient redis)
{
    public async Deferred<string> Visit(string page, string visitor)
    {
        RedisReply[] replies = await Deferred.GatherResults(
            [redis.Send("LPUSH", page, visitor), redis.Send("LTRIM", page, "0", "2"), redis.Send("LRANGE", page, "0", "-1")]);
        return string.Join(", ", replies[2].Elements.Select(element => element.Text));
    }
}
