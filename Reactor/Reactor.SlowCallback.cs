namespace Poetry.Net;

/// <content>Logs callbacks that block the loop.</content>
public sealed partial class Reactor
{
    /// <summary>A longer turn is logged as a warning: clients notice it.</summary>
    private static readonly TimeSpan WarningTime = TimeSpan.FromSeconds(1);

    /// <summary>A callback that blocks usually does so each time, so one log line is enough.</summary>
    private readonly RateLimit _slowCallbacks = new(TimeSpan.FromSeconds(10));

    /// <summary>The start of this turn; before the first turn, a time in the future.</summary>
    private long _turnTicks = long.MaxValue;

    /// <summary>The time at which the running callback began, or the previous one ended.</summary>
    private long _callbackTicks;
    private long _slowestTicks;
    private string? _slowest;

    /// <summary>
    /// The limit for the callbacks of one turn; zero for none, 100 ms by default. If they take longer, usually because one of
    /// them blocks, the time and the slowest callback are logged, at most every ten seconds. Above one second it is a warning.
    /// </summary>
    public TimeSpan SlowCallback { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Logs a turn that was too long.</summary>
    /// <param name="beganTicks">The start of the turn, after its wait, in ticks of 100 ns.</param>
    /// <param name="endedTicks">The end of the turn, before the next wait.</param>
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
                // No callback threw it, so nothing would catch it, and the loop would end.
            }
        }
    }

    /// <summary>Called before the callbacks of a turn.</summary>
    private void BeginCallbacks(long nowTicks)
    {
        _callbackTicks = nowTicks;
        _slowestTicks = SlowCallback.Ticks / 2;
        _slowest = null;
    }

    /// <summary>Measures a callback that has ended. It costs one reading of the clock, about 20 ns.</summary>
    /// <param name="callback">A descriptor, a delayed call, or a call from another thread.</param>
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
            // The first call of Type.Name takes megabytes of address space. An uncaught exception here would end the loop.
            return "a callback";
        }
    }
}
