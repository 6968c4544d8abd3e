using System;

namespace Poetry.Net;

/// <summary>Timeouts.</summary>
public partial class Deferred<T>
{
    /// <summary>
    /// Cancels the deferred if it has no result in time. Functions added before this see the result of the cancel, mostly a
    /// <see cref="CancelledError"/>; functions added after it see a <see cref="TimeoutError"/> instead.
    /// </summary>
    /// <param name="timeout">From now.</param>
    /// <param name="clock">Tells the time.</param>
    /// <param name="onTimeout">Called with the result and the timeout when it was not done in time, instead of turning
    /// <see cref="CancelledError"/> into <see cref="TimeoutError"/>; what it returns is the result.</param>
    public Deferred<T> AddTimeout(
        TimeSpan timeout, IClock clock, Func<Outcome<T>, TimeSpan, Outcome<T>>? onTimeout = null)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ThrowIfSuperseded();
        bool hasExpired = false;
        DelayedCall call = clock.CallLater(timeout, () =>
        {
            hasExpired = true;
            Cancel();
        });

        // Twisted adds two functions, for the error and for the clock. One is enough: nothing can come between.
        return AddBoth(outcome =>
        {
            if (!hasExpired)
            {
                call.CancelIfActive();
                return outcome;
            }

            if (onTimeout is not null)
            {
                return onTimeout(outcome, timeout);
            }

            return outcome.Failure is { } failure && failure.Check<CancelledError>()
                ? new Outcome<T>(new Failure(new TimeoutError(timeout)))
                : outcome;
        });
    }
}
