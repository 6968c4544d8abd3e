using System;

namespace Poetry.Net;

/// <content>The warning about callbacks that block the loop.</content>
public sealed partial class Reactor
{
    /// <summary>A callback that blocks usually does so each time: one line stands for all.</summary>
    private readonly RateLimit _slowCallbacks = new(TimeSpan.FromSeconds(10));

    /// <summary>When this turn began; in the future before the first one.</summary>
    private long _turnTicks = long.MaxValue;

    /// <summary>
    /// When the callbacks of one turn take longer than this, usually since one of them blocks, a warning is logged, at most
    /// every ten seconds. Zero for never. The default is one second: shorter times show in the lag of the loop.
    /// </summary>
    /// <remarks>
    /// The turn is measured, which costs nothing: the time of its end is needed anyway, to know how long to wait. Reading the
    /// clock for every callback would cost each of them some 20 ns.
    /// </remarks>
    public TimeSpan SlowCallback { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Logs a turn that was too long.</summary>
    /// <param name="beganTicks">After its wait, in ticks of 100 ns.</param>
    /// <param name="endedTicks">Before the next wait.</param>
    internal void CheckTurn(long beganTicks, long endedTicks)
    {
        long tookTicks = endedTicks - beganTicks;
        if (tookTicks > SlowCallback.Ticks
            && SlowCallback > TimeSpan.Zero
            && _slowCallbacks.TryPass(TimeSpan.FromTicks(endedTicks), out long suppressed))
        {
            ReactorLog.SlowCallback(_log, TimeSpan.FromTicks(tookTicks).TotalSeconds, suppressed);
        }
    }
}
