using System;

namespace Poetry.Net;

/// <content>Logs callbacks that block the loop.</content>
public sealed partial class Reactor
{
    /// <summary>From here on it is a warning: clients notice.</summary>
    private static readonly TimeSpan WarningTime = TimeSpan.FromSeconds(1);

    /// <summary>A callback that blocks usually does so each time: one line stands for all.</summary>
    private readonly RateLimit _slowCallbacks = new(TimeSpan.FromSeconds(10));

    /// <summary>When this turn began; in the future before the first one.</summary>
    private long _turnTicks = long.MaxValue;

    /// <summary>When the running callback began, or the last one ended.</summary>
    private long _callbackTicks;
    private long _slowestTicks;
    private string? _slowest;

    /// <summary>
    /// When the callbacks of one turn take longer than this, usually since one of them blocks, the time and the slowest
    /// callback are logged, at most every ten seconds: as a warning from one second on. Zero for never. 100 ms by default.
    /// </summary>
    public TimeSpan SlowCallback { get; set; } = TimeSpan.FromMilliseconds(100);

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
            try
            {
                double seconds = TimeSpan.FromTicks(tookTicks).TotalSeconds;
                string callback = _slowest ?? "many callbacks";
                if (tookTicks > WarningTime.Ticks)
                {
                    ReactorLog.LoopBlocked(Log, seconds, callback, suppressed);
                }
                else
                {
                    ReactorLog.LoopSlow(Log, seconds, callback, suppressed);
                }
            }
            catch (OutOfMemoryException)
            {
                // Not from a callback: the loop would end.
            }
        }
    }

    /// <summary>The callbacks of a turn begin.</summary>
    private void BeginCallbacks(long nowTicks)
    {
        _callbackTicks = nowTicks;
        _slowestTicks = SlowCallback.Ticks / 2;
        _slowest = null;
    }

    /// <summary>Measures a callback: this costs one reading of the clock, about 20 ns.</summary>
    /// <param name="callback">A descriptor, a delayed call, or a call of another thread.</param>
    internal void CallbackEnded(object callback)
    {
        long nowTicks = Clock();
        if (nowTicks - _callbackTicks > _slowestTicks)
        {
            _slowestTicks = nowTicks - _callbackTicks;
            _slowest = Describe(callback);
        }

        _callbackTicks = nowTicks;
    }

    private static string Describe(object callback)
    {
        try
        {
            return callback switch
            {
                Descriptor descriptor => descriptor.Description,
                DelayedCall call => $"a delayed call of {call.Owner}",
                Delegate call => $"a call from another thread, of {call.Target?.GetType().Name ?? "a static method"}",
                _ => callback.GetType().Name,
            };
        }
        catch (OutOfMemoryException)
        {
            // The first name of a type takes megabytes of address space. Not from a callback: the loop would end.
            return "a callback";
        }
    }
}
