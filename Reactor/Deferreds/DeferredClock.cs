using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>Deferreds that use a clock: a deferred that fires after a time, and delayed calls that return deferreds.</summary>
public static class DeferredClock
{
    /// <summary>Waits for a time, in <c>async Deferred</c> methods.</summary>
    /// <returns>A deferred that fires after <paramref name="delay"/> with the time of the clock. Cancelling it cancels the
    /// delayed call.</returns>
    public static Deferred<TimeSpan> Sleep(this IClock clock, TimeSpan delay)
    {
        ArgumentNullException.ThrowIfNull(clock);
        DelayedCall? call = null;
        var over = new Deferred<TimeSpan>(_ => call!.CancelIfActive());
        call = clock.CallLater(delay, () => over.Callback(clock.Now));
        return over;
    }

    /// <summary>Calls a function that returns a deferred after <paramref name="delay"/>. A failure of that deferred is
    /// reported as unhandled at once.</summary>
    [OverloadResolutionPriority(1)]
    public static DelayedCall CallLater(this IClock clock, TimeSpan delay, Func<Deferred> call)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(call);
        return clock.CallLater(delay, call, Deferred.Run);
    }

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public static DelayedCall CallLater(this IClock clock, TimeSpan delay, Func<Task> call) => throw Deferred.Refused();

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public static DelayedCall CallLater(this IClock clock, TimeSpan delay, Func<ValueTask> call) => throw Deferred.Refused();
}
