using System;

namespace Poetry.Net;

/// <summary>
/// Something that knows the time and can call back later: the <see cref="Reactor"/>, or a clock that a test turns by
/// hand. Everything that waits takes one of these, so that no test has to wait.
/// </summary>
public interface IClock
{
    /// <summary>
    /// The present moment on a monotonic clock with an arbitrary origin. Within one turn of the reactor it stands still.
    /// </summary>
    TimeSpan Now { get; }

    /// <summary>Calls <paramref name="call"/> with <paramref name="state"/> after <paramref name="delay"/>.</summary>
    /// <param name="delay">Zero or more, up to <see cref="TimeSpan.MaxValue"/>, which never comes. Zero means the next
    /// turn, never this one.</param>
    /// <param name="state">Handed to the call, so that a static lambda does and nothing is captured.</param>
    /// <param name="call">Runs on the reactor thread. What it throws is logged and costs nobody else anything.</param>
    /// <returns>The pending call, to cancel or move it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative.</exception>
    DelayedCall CallLater<TState>(TimeSpan delay, TState state, Action<TState> call);
}

/// <summary>Shorter ways to say the same.</summary>
public static class ClockExtensions
{
    /// <summary>Calls <paramref name="call"/> after <paramref name="delay"/>: see <see cref="IClock.CallLater"/>.</summary>
    public static DelayedCall CallLater(this IClock clock, TimeSpan delay, Action call)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(call);
        return clock.CallLater(delay, call, static action => action());
    }

    /// <summary>Waits, for <c>async Deferred</c> methods.</summary>
    /// <returns>Fires after <paramref name="delay"/> with the moment it was. Cancelling it takes the delayed call back.</returns>
    public static Deferred<TimeSpan> Sleep(this IClock clock, TimeSpan delay)
    {
        ArgumentNullException.ThrowIfNull(clock);
        DelayedCall? call = null;
        var over = new Deferred<TimeSpan>(_ => call!.CancelIfActive());
        call = clock.CallLater(delay, () => over.Callback(clock.Now));
        return over;
    }
}
