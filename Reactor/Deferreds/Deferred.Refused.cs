using System;
using System.Threading.Tasks;

namespace Poetry.Net;

/// <content>
/// Functions that return a task. Without these overloads the compiler would take them for functions whose value is a task, or
/// that return nothing: the chain would not wait, and an error would be lost. tests/Reactor/FunctionTests.cs holds the same for
/// the whole public surface.
/// </content>
public abstract partial class Deferred
{
    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred AddCallback(Func<Task> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred AddErrback(Func<Failure, Task> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred AddBoth(Func<Task> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public static Deferred MaybeDeferred(Func<Task> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public static Deferred<T> MaybeDeferred<T>(Func<Task<T>> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred AddCallback(Func<ValueTask> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred AddErrback(Func<Failure, ValueTask> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred AddBoth(Func<ValueTask> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public static Deferred MaybeDeferred(Func<ValueTask> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public static Deferred<T> MaybeDeferred<T>(Func<ValueTask<T>> function) => throw new NotSupportedException(TaskRefused);
}
