using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// A timeout that a protocol restarts whenever something happens: Twisted's <c>TimeoutMixin</c>, but as an object that
/// a protocol has. Restarting allocates nothing.
/// </summary>
/// <param name="clock">The reactor, or a test's clock.</param>
/// <param name="timedOut">Called once when nothing has happened for the whole period; usually it aborts the connection.</param>
public sealed class ProtocolTimeout(IClock clock, Action timedOut)
{
    private DelayedCall? _call;

    /// <summary>Makes a timeout with a function that returns a deferred, such as an <c>async</c> lambda. A failure of that
    /// deferred is reported as unhandled.</summary>
    [OverloadResolutionPriority(1)]
    public ProtocolTimeout(IClock clock, Func<Deferred> timedOut)
        : this(clock, () => Deferred.Run(timedOut)) => ArgumentNullException.ThrowIfNull(timedOut);

    /// <summary>Refused at compile time: a task would go on in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public ProtocolTimeout(IClock clock, Func<Task> timedOut)
        : this(clock, static () => { }) => throw Deferred.Refused();

    /// <summary>Refused at compile time: a task would go on in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public ProtocolTimeout(IClock clock, Func<ValueTask> timedOut)
        : this(clock, static () => { }) => throw Deferred.Refused();

    /// <summary>The period; null if the timeout is off.</summary>
    public TimeSpan? Period { get; private set; }

    /// <summary>Sets the period and starts it now; null switches the timeout off, as a protocol does when its connection is
    /// lost.</summary>
    public void SetTimeout(TimeSpan? period)
    {
        Period = period;
        if (period is null)
        {
            _ = _call?.CancelIfActive();
        }
        else if (_call is null)
        {
            _call = clock.CallLater(period.Value, timedOut, static timedOut => timedOut());
        }
        else
        {
            _call.Rearm(period.Value);
        }
    }

    /// <summary>Something has happened: the period starts now. Does nothing if the timeout is off or over.</summary>
    public void ResetTimeout()
    {
        if (Period is { } period && _call is { Active: true })
        {
            _call.Reset(period);
        }
    }
}
