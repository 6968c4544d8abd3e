using System;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Returns memory to the system after a rush of connections. The collector keeps the pages that its generations once filled,
/// and a server that is idle again has no use for them.
/// </summary>
/// <remarks>
/// Where nothing is allocated nothing is collected, and this costs one comparison a turn. On its reactor's thread only. The
/// heap belongs to the whole process, so one of several reactors is enough.
/// </remarks>
internal sealed class IdleMemoryTrimmer
{
    /// <summary>The rush is over when no collection has happened for so long.</summary>
    private static readonly TimeSpan QuietPeriod = TimeSpan.FromSeconds(0.5);

    /// <summary>Minimum time between two trims. One takes 5 ms with 20,000 connections.</summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(10);

    private readonly Reactor _reactor;
    private readonly DelayedCall _timer;
    private int _collections = GC.CollectionCount(0);
    private TimeSpan _earliest = TimeSpan.Zero;

    private IdleMemoryTrimmer(Reactor reactor)
    {
        _reactor = reactor;
        _timer = reactor.Timers.Create(this, static trimmer => trimmer.Trim());
        reactor.BeforeSleep = OnTurn;
    }

    /// <summary>Trims the memory of the process from now on, as long as the reactor runs.</summary>
    public static void Attach(Reactor reactor) => _ = new IdleMemoryTrimmer(reactor);

    private void OnTurn()
    {
        int collections = GC.CollectionCount(0);
        if (collections != _collections)
        {
            _collections = collections;
            TimeSpan wait = _earliest - _reactor.Now;
            _ = _timer.CancelIfActive();
            _timer.Rearm(wait > QuietPeriod ? wait : QuietPeriod);
        }
    }

    private void Trim()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _collections = GC.CollectionCount(0);
        _earliest = _reactor.Now + MinInterval;
    }
}
