using System;
using System.Collections.Generic;
using System.Threading;

namespace Poetry.Net.Testing;

/// <summary>
/// Time that stands still until a test moves it: Twisted's <c>task.Clock</c>. It uses the reactor's own queue of delayed
/// calls, so that what is tested on it is what will run.
/// </summary>
public class ManualClock : IClock
{
    private readonly TimerQueue _calls;

    /// <summary>Makes a clock that shows zero.</summary>
    public ManualClock()
    {
        _calls = new TimerQueue(this);
    }

    /// <inheritdoc/>
    public TimeSpan Now { get; private set; }

    /// <summary>The number of pending delayed calls.</summary>
    public int PendingCount => _calls.Count;

    /// <summary>The due times of the pending delayed calls, earliest first.</summary>
    public IReadOnlyList<TimeSpan> PendingDues => _calls.Dues();

    /// <inheritdoc/>
    public DelayedCall CallLater<TState>(TimeSpan delay, TState state, Action<TState> call) => _calls.Add(delay, state, call);

    /// <summary>
    /// Moves the clock, and then makes the calls that are due, earliest first. All of them see the new time. Calls that
    /// they schedule are made too if they are due by then. An exception of a call leaves from here.
    /// </summary>
    public virtual void Advance(TimeSpan by) => Advance(by, static _ => long.MaxValue);

    /// <summary>As <see cref="Advance(TimeSpan)"/>, in seconds.</summary>
    public void Advance(double seconds) => Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>Moves the clock step by step, as a loop would see it.</summary>
    public void Pump(params double[] seconds)
    {
        ArgumentNullException.ThrowIfNull(seconds);
        foreach (double step in seconds)
        {
            Advance(step);
        }
    }

    /// <summary>
    /// Moves the clock, and then makes one turn as the reactor's loop does: calls that the turn itself schedules wait for
    /// the next turn, even if they are due at once.
    /// </summary>
    public void Turn(TimeSpan by) => Advance(by, static calls => calls.LastSequence);

    private void Advance(TimeSpan by, Func<TimerQueue, long> sequenceBound)
    {
        Now += by;
        long bound = sequenceBound(_calls);
        SynchronizationContext? outer = LoopContext.Enter();
        try
        {
            while (_calls.TakeDue(Now.Ticks, bound) is { } call)
            {
                call.Fire();
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }
}
