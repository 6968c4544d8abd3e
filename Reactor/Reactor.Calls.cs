using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <content>Calls later, when the loop runs, and from other threads.</content>
public sealed partial class Reactor
{
    /// <inheritdoc/>
    /// <exception cref="ReactorNotRunning">The reactor has ended: the call would never be made.</exception>
    public DelayedCall CallLater<TState>(TimeSpan delay, TState state, Action<TState> call)
    {
        ThrowIfEnded();
        return Timers.Add(delay, state, call);
    }

    /// <summary>Makes the call when the loop starts; at once if it runs already.</summary>
    public void CallWhenRunning(Action call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (_state == RunState.New)
        {
            _ = Timers.Add(TimeSpan.Zero, call, static action => action());
        }
        else
        {
            call();
        }
    }

    /// <summary>Queues a call that the loop makes on its own thread, in the order queued. May be used on any thread.</summary>
    /// <param name="call">Runs in one of the next turns, unless the reactor stops before.</param>
    public void CallFromThread(Action call)
    {
        ArgumentNullException.ThrowIfNull(call);
        _threadCalls.Add(call);
    }

    /// <summary>As <see cref="CallWhenRunning(Action)"/>, for a function that returns a deferred, such as an <c>async</c>
    /// lambda. A failure of that deferred is reported as unhandled.</summary>
    [OverloadResolutionPriority(1)]
    public void CallWhenRunning(Func<Deferred> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        CallWhenRunning((Action)(() => Deferred.Run(call)));
    }

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void CallWhenRunning(Func<Task> call) => throw Deferred.Refused();

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void CallWhenRunning(Func<ValueTask> call) => throw Deferred.Refused();

    /// <summary>As <see cref="CallFromThread(Action)"/>, for a function that returns a deferred, such as an <c>async</c>
    /// lambda. A failure of that deferred is reported as unhandled.</summary>
    [OverloadResolutionPriority(1)]
    public void CallFromThread(Func<Deferred> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        CallFromThread((Action)(() => Deferred.Run(call)));
    }

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void CallFromThread(Func<Task> call) => throw Deferred.Refused();

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void CallFromThread(Func<ValueTask> call) => throw Deferred.Refused();
}
