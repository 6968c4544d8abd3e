using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Sends a poem to each client, and closes gracefully: this is the poem protocol. Input from the client is dropped.
/// </summary>
internal sealed class PoemServer(PoemServerFactory factory) : Protocol
{
    private Poem? _poem;
    private ConnectionStart _start;

    protected internal override void ConnectionMade()
    {
        _start = new ConnectionStart(factory.Clock);
        _poem = factory.Source.Acquire();
        ReadOnlySpan<ReadOnlyMemory<byte>> parts = _poem.Parts;
        foreach (ReadOnlyMemory<byte> part in parts[..^1])
        {
            Transport.Write(part);
        }

        Transport.WriteLast(parts[^1]);
    }

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
    }

    protected internal override void ConnectionLost(Failure reason)
    {
        Poem poem = _poem!;
        _poem = null;
        factory.Record(Transport, poem, _start, reason);
        poem.Release();
    }
}

/// <summary>Builds the protocols of one poem, and reuses them: a connection allocates no object.</summary>
internal sealed class PoemServerFactory(PoemSource source, IClock clock, ILogger log) : ReusingFactory<PoemServer>
{
    public PoemSource Source => source;

    public IClock Clock => clock;

    private protected override PoemServer Make() => new(this);

    internal void Record(ITransport transport, Poem poem, ConnectionStart start, Failure reason) =>
        start.End(transport, clock.Now, "served", source.Name, poem.WireLength, ConnectionRecord.OutcomeOf(reason)).Log(log);
}
