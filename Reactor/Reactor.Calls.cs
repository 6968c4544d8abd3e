using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;

namespace Poetry.Net;

/// <content>Calls of functions that return a deferred.</content>
public sealed partial class Reactor
{
    /// <summary>As <see cref="CallWhenRunning(Action)"/>, for a function that returns a deferred, such as an <c>async</c>
    /// lambda. A failure of that deferred is reported as unhandled.</summary>
    [OverloadResolutionPriority(1)]
    public void CallWhenRunning(Func<Deferred> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        CallWhenRunning((Action)(() => Deferred.Run(call)));
    }

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void CallWhenRunning(Func<Task> call) => throw new NotSupportedException(Deferred.TaskRefused);

    /// <summary>As <see cref="CallFromThread(Action)"/>, for a function that returns a deferred, such as an <c>async</c>
    /// lambda. A failure of that deferred is reported as unhandled.</summary>
    [OverloadResolutionPriority(1)]
    public void CallFromThread(Func<Deferred> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        CallFromThread((Action)(() => Deferred.Run(call)));
    }

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void CallFromThread(Func<Task> call) => throw new NotSupportedException(Deferred.TaskRefused);
}
