using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Builds the protocols of one port of a transform service, netstring or text, and reuses them: a request that fits in its
/// buffer allocates nothing.
/// </summary>
internal sealed class TransformServerFactory(
    TransformService service, bool asText, TransformLimits limits, IClock clock, TimerQueue timers, ILogger log)
    : ReusingFactory<TransformServer>
{
    private readonly LinkedList<TransformServer> _open = new();
    private readonly BudgetQueue _small = new(limits.Small, timers);
    private readonly BudgetQueue _large = new(limits.Large, timers);
    private readonly byte[] _smallReceiveBuffer = GC.AllocateUninitializedArray<byte>(RequestLease.MaxSmallText);

    public bool IsDraining { get; private set; }

    public TransformService Service => service;

    public TransformLimits Limits => limits;

    public IClock Clock => clock;

    public TimerQueue Timers => timers;

    public ILogger Log => log;

    /// <summary>Reports failures that many requests may have in common.</summary>
    public RepeatedErrorLog Failures { get; } = new(
        clock,
        problem => TransformLog.Failed(log, problem),
        (count, problem) => TransformLog.FailedAgain(log, count, problem));

    public TextBufferPool Buffers { get; } = new();

    /// <summary>
    /// True if there is memory for all data of one read, and its answer. If false, a read takes no more than a small lease can
    /// hold.
    /// </summary>
    public bool HasMemoryForAnyRead => _large.FreeBytes >= MaxReadMemory;

    /// <summary>The receive buffer of connections that have only a small lease.</summary>
    public Span<byte> SmallReceiveBuffer => _smallReceiveBuffer;

    /// <summary>The memory for the largest read, 256 KiB, and its answer.</summary>
    private static long MaxReadMemory => 256 * 1024 * (2L + TransformService.MaxGrowth);

    /// <summary>Drains: closes connections that have not begun a request. Call it on the reactor's thread.</summary>
    /// <param name="silence">The maximum time from accept to the first data: a new connection may be about to send.</param>
    public void CloseIdle(TimeSpan silence)
    {
        IsDraining = true;
        foreach (TransformServer server in _open)
        {
            server.CloseIfIdle(silence);
        }
    }

    internal void Opened(LinkedListNode<TransformServer> server) => _open.AddLast(server);

    internal void Closed(LinkedListNode<TransformServer> server) => _open.Remove(server);

    internal RequestLease MakeLease(Action granted) => new(_small, _large, granted);

    protected internal override bool PeerSpeaksFirst => true;

    private protected override TransformServer Make() =>
        asText ? new TextTransformServer(this) : new NetstringTransformServer(this);
}
