using System;
using System.Collections.Generic;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Builds the protocols of one port of a transform service, netstring or text, and reuses them: a request that fits its buffer
/// allocates nothing.
/// </summary>
/// <param name="service">Shared by all ports.</param>
/// <param name="asText">True for the text port.</param>
/// <param name="limits">Shared by all ports.</param>
/// <param name="clock">The reactor's.</param>
/// <param name="timers">The reactor's.</param>
/// <param name="log">For the records.</param>
internal sealed class TransformServerFactory(
    TransformService service, bool asText, TransformLimits limits, IClock clock, TimerQueue timers, ILogger log)
    : ReusingFactory<TransformServer>, IRequestFactory
{
    private readonly LinkedList<TransformServer> _open = new();
    private readonly BudgetQueue _small = new(limits.Small, timers);
    private readonly BudgetQueue _large = new(limits.Large, timers);
    private readonly byte[] _smallReceiveBuffer = GC.AllocateUninitializedArray<byte>(RequestLease.MaxSmallText);

    /// <summary>True once the server drains.</summary>
    public bool IsDraining { get; private set; }

    public TransformService Service => service;

    public TransformLimits Limits => limits;

    public IClock Clock => clock;

    public TimerQueue Timers => timers;

    public ILogger Log => log;

    /// <summary>Reports requests that fail for a reason that many may share.</summary>
    public RepeatedErrorLog Failures { get; } = new(
        clock,
        problem => TransformLog.Failed(log, problem),
        (count, problem) => TransformLog.FailedAgain(log, count, problem));

    /// <summary>Buffers for requests and answers.</summary>
    public TextBufferPool Buffers { get; } = new();

    /// <summary>
    /// True if whatever one read brings could be kept, with its answer. Else only as much is read as a small lease can hold.
    /// </summary>
    public bool HasMemoryForAnyRead => _large.FreeBytes >= MaxReadMemory;

    /// <summary>For reads of connections that have only a small lease.</summary>
    public Span<byte> SmallReceiveBuffer => _smallReceiveBuffer;

    /// <summary>A read of the reactor brings up to 256 KiB.</summary>
    private static long MaxReadMemory => 256 * 1024 * (2L + TransformService.MaxGrowth);

    /// <inheritdoc/>
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

    /// <inheritdoc/>
    protected internal override bool PeerSpeaksFirst => true;

    private protected override TransformServer Make() =>
        asText ? new TextTransformServer(this) : new NetstringTransformServer(this);
}
