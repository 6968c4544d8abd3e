using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Sends a poem to each client in pieces, and closes gracefully after the last one. Each client has its own timer, one
/// delayed call that lives as long as the protocol: a piece costs one system call and allocates nothing.
/// </summary>
/// <remarks>
/// Piece i is due i delays after the connection was made, even if earlier pieces were late: the pace does not drift. A client
/// gets a piece only when the kernel has taken the previous one; late pieces follow one in each turn of the loop.
/// </remarks>
internal sealed class SlowPoemServer : Protocol
{
    /// <summary>
    /// The shortest delay before the next check whether the kernel has taken the last piece. Chosen: with a longer delay
    /// between pieces this value is not used; with a shorter one, the kernel's buffers hold more than a client reads in 10 ms.
    /// </summary>
    private static readonly TimeSpan MinRetryDelay = TimeSpan.FromMilliseconds(10);

    private readonly SlowPoemServerFactory _factory;
    private readonly DelayedCall _tick;
    private Poem? _poem;
    private ConnectionStart _start;
    private long _dueTicks;
    private long _offset;

    public SlowPoemServer(SlowPoemServerFactory factory)
    {
        _factory = factory;
        _tick = factory.Timers.Create(this, static server => server.Tick());
    }

    protected internal override void ConnectionMade()
    {
        _start = new ConnectionStart(_factory.Clock);
        _dueTicks = _start.Time.Ticks;
        _poem = _factory.Source.Acquire();
        _offset = 0;
        SlowPoemLog.ClientConnected(_factory.Log, _start.Number, Transport.Peer, _factory.Source.Name);
        SendPiece();
    }

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
    }

    /// <summary>A client that half-closes may go on reading: only a reset, or the end of the poem, ends the connection.</summary>
    protected internal override void ReadConnectionLost()
    {
    }

    protected internal override void ConnectionLost(Failure reason)
    {
        _ = _tick.CancelIfActive();
        Poem poem = _poem!;
        _poem = null;
        ConnectionOutcome outcome = ConnectionRecord.OutcomeOf(reason);
        _start.End(Transport, _factory.Clock.Now, "served", _factory.Source.Name, poem.WireLength, outcome).Log(_factory.Log);
        poem.Release();
    }

    private void Tick()
    {
        if (Transport.BytesPending == 0)
        {
            SendPiece();
            return;
        }

        long soon = SaturatedTime.Add(_factory.Clock.Now.Ticks, Math.Max(_factory.Pace.Delay.Ticks, MinRetryDelay.Ticks));
        _tick.RearmAt(soon);
    }

    /// <summary>Sends the next piece, by reference, and schedules the one after it.</summary>
    private void SendPiece()
    {
        Poem poem = _poem!;
        long left = Math.Min(_factory.Pace.Bytes, poem.WireLength - _offset);
        SlowPoemLog.SendingPiece(_factory.Log, _start.Number, left, Transport.Peer);
        ReadOnlyMemory<byte> bytes = poem.Slice(_offset, left);
        while (bytes.Length < left)
        {
            Transport.Write(bytes);
            left -= bytes.Length;
            _offset += bytes.Length;
            bytes = poem.Slice(_offset, left);
        }

        _offset += left;
        if (_offset == poem.WireLength)
        {
            Transport.WriteLast(bytes);
            return;
        }

        Transport.Write(bytes);
        _dueTicks = SaturatedTime.Add(_dueTicks, _factory.Pace.Delay.Ticks);
        _tick.RearmAt(_dueTicks);
    }
}

/// <summary>The pace of a slow server.</summary>
/// <param name="Bytes">The size of each piece except the last one: 1 or more.</param>
/// <param name="Delay">The time between two pieces; zero sends one in every turn of the loop.</param>
internal readonly record struct Pace(long Bytes, TimeSpan Delay);

/// <summary>Builds the protocols of one poem that is sent slowly, and reuses them.</summary>
internal sealed class SlowPoemServerFactory(PoemSource source, Pace pace, IClock clock, TimerQueue timers, ILogger log)
    : ReusingFactory<SlowPoemServer>
{
    public PoemSource Source => source;

    public Pace Pace => pace;

    public IClock Clock => clock;

    public TimerQueue Timers => timers;

    public ILogger Log => log;

    private protected override SlowPoemServer Make() => new(this);
}
