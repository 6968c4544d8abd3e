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
        var link = new TimeoutLink(this, timeout, onTimeout);
        link.Call = clock.CallLater(timeout, link, static link => link.Expire());
        AddLink(link);
        return this;
    }

    /// <summary>Twisted adds two functions, for the error and for the clock. One link is enough: nothing can come between.</summary>
    private sealed class TimeoutLink(
        Deferred<T> deferred, TimeSpan timeout, Func<Outcome<T>, TimeSpan, Outcome<T>>? onTimeout) : TypedLink<T, T>
    {
        private bool _expired;

        public DelayedCall? Call { get; set; }

        private protected override bool TakesFailures => true;

        public void Expire()
        {
            _expired = true;
            deferred.Cancel();
        }

        private protected override Outcome<T> OnValue(T value) => On(new Outcome<T>(value));

        private protected override Outcome<T> OnFailure(Failure failure) => On(new Outcome<T>(failure));

        private Outcome<T> On(Outcome<T> outcome)
        {
            if (!_expired)
            {
                Call!.CancelIfActive();
                return outcome;
            }

            if (onTimeout is not null)
            {
                return onTimeout(outcome, timeout);
            }

            return outcome.Failure is { } failure && failure.Check<CancelledError>()
                ? new Outcome<T>(new Failure(new TimeoutError(timeout)))
                : outcome;
        }
    }
}
