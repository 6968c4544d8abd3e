using System;
using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>
/// Time that a test turns turn by turn, as the reactor's loop does: a turn makes the calls that are due and were there when
/// it began, and what they schedule for at once comes in the next.
/// </summary>
internal sealed class LoopClock : IClock
{
    private readonly TimerQueue _calls;

    public LoopClock()
    {
        _calls = new TimerQueue(this);
    }

    public TimeSpan Now { get; private set; }

    /// <summary>Calls that are still to come.</summary>
    public int PendingCount => _calls.Count;

    public DelayedCall CallLater<TState>(TimeSpan delay, TState state, Action<TState> call) => _calls.Add(delay, state, call);

    /// <summary>Turns the clock, and makes one turn of the loop.</summary>
    public void Turn(TimeSpan by)
    {
        Now += by;
        long bound = _calls.LastSequence;
        while (_calls.TakeDue(Now.Ticks, bound) is { } call)
        {
            call.Fire();
        }
    }
}
