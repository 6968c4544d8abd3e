using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;

namespace Poetry.Net;

/// <content>Functions that return a task: see Deferred.Refused.cs.</content>
public partial class Deferred<T>
{
    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred(Func<Deferred<T>, Task> canceller) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred(Func<Deferred<T>, ValueTask> canceller) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddCallback(Func<T, Task> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred<TNext> AddCallback<TNext>(Func<T, Task<TNext>> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddCallback(Func<Task> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [OverloadResolutionPriority(-2)]
    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddErrback(Func<Failure, Task> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [OverloadResolutionPriority(-2)]
    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddBoth(Func<Outcome<T>, Task> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddBoth(Func<Task> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddCallbacks(Func<T, Task> callback, Func<Failure, Task> errback) =>
        throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred<TNext> AddCallbacks<TNext>(Func<T, Task<TNext>> callback, Func<Failure, Task<TNext>> errback) =>
        throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddCallback(Func<T, ValueTask> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred<TNext> AddCallback<TNext>(Func<T, ValueTask<TNext>> function) =>
        throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddCallback(Func<ValueTask> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [OverloadResolutionPriority(-2)]
    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddErrback(Func<Failure, ValueTask> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [OverloadResolutionPriority(-2)]
    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddBoth(Func<Outcome<T>, ValueTask> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddBoth(Func<ValueTask> function) => throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddCallbacks(Func<T, ValueTask> callback, Func<Failure, ValueTask> errback) =>
        throw new NotSupportedException(TaskRefused);

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(TaskRefused, error: true)]
    public Deferred<TNext> AddCallbacks<TNext>(Func<T, ValueTask<TNext>> callback, Func<Failure, ValueTask<TNext>> errback) =>
        throw new NotSupportedException(TaskRefused);
}
