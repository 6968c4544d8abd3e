using System;

namespace Poetry.Net;

/// <summary>Who holds up the loop is told of.</summary>
public sealed partial class Reactor
{
    /// <summary>A callback that is slow once is slow each time: one line tells of all of them.</summary>
    private readonly RateLimit _slowCallbacks = new(TimeSpan.FromSeconds(10));

    /// <summary>When this turn began; before the first one, never.</summary>
    private long _turnTicks = long.MaxValue;

    /// <summary>
    /// A warning is logged when the callbacks of one turn take longer than this, mostly since one of them blocks; at most one
    /// in ten seconds. Zero for never. One second unless set: shorter ones are seen in the lag of the loop.
    /// </summary>
    /// <remarks>
    /// What is measured is the turn, for that costs nothing: the moment it ends is asked anyway, to know how long to sleep. A
    /// clock read for every callback would cost each of them some 20 ns.
    /// </remarks>
    public TimeSpan SlowCallback { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>A turn has ended.</summary>
    /// <param name="beganTicks">After its wait, in ticks of 100 ns.</param>
    /// <param name="endedTicks">Before the next wait.</param>
    internal void TurnTook(long beganTicks, long endedTicks)
    {
        long tookTicks = endedTicks - beganTicks;
        if (tookTicks > SlowCallback.Ticks
            && SlowCallback > TimeSpan.Zero
            && _slowCallbacks.TryPass(TimeSpan.FromTicks(endedTicks), out long suppressed))
        {
            ReactorLog.LoopBlocked(_log, TimeSpan.FromTicks(tookTicks).TotalSeconds, suppressed);
        }
    }
}
