namespace Poetry.Net;

/// <summary>
/// A source of time that can call back later: the <see cref="Reactor"/>, or a clock that a test sets. Code that takes a clock
/// as an argument can be tested without waiting.
/// </summary>
/// <remarks>To implement one, keep a <see cref="TimerQueue"/>, add to it in <see cref="CallLater"/>, and call
/// <see cref="TimerQueue.RunDue"/> whenever the time has changed.</remarks>
public interface IClock
{
    /// <summary>
    /// The present time on a monotonic clock with an arbitrary origin. It does not change within one turn of the reactor.
    /// </summary>
    TimeSpan Now { get; }

    /// <summary>Calls <paramref name="call"/> with <paramref name="state"/> after <paramref name="delay"/>.</summary>
    /// <param name="delay">The delay, not negative. Zero means the next turn of the loop;
    /// <see cref="TimeSpan.MaxValue"/> means never.</param>
    /// <param name="state">The argument of the call. With it, a static lambda need not capture anything.</param>
    /// <param name="call">The function. It runs on the reactor thread. The reactor logs an exception and goes on.</param>
    /// <returns>The pending call, which can be cancelled or moved.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative.</exception>
    DelayedCall CallLater<TState>(TimeSpan delay, TState state, Action<TState> call);
}

/// <summary>Shorter forms of <see cref="IClock.CallLater"/>.</summary>
public static class ClockExtensions
{
    /// <summary>Calls <paramref name="call"/> after <paramref name="delay"/>: see <see cref="IClock.CallLater"/>.</summary>
    public static DelayedCall CallLater(this IClock clock, TimeSpan delay, Action call)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(call);
        return clock.CallLater(delay, call, static action => action());
    }
}
