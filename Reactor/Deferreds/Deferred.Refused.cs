using System.Runtime.CompilerServices;

#pragma warning disable CS1591 // The attribute of each member says why the compiler refuses it.

namespace Poetry.Net;

/// <content>
/// Overloads that refuse functions that return a task. Without them such a function would be one whose value is a task, or one
/// that returns nothing: the chain would not wait, and an error would be lost. tests/Reactor/FunctionTests.cs checks the same
/// for all public members.
/// </content>
public abstract partial class Deferred
{
    /// <summary>The compile error for a function that returns a task.</summary>
    internal const string TaskRefused =
        "A task continues in the thread pool, where no deferred may be used, and its error would be lost. Return a deferred"
        + " (async Deferred), or make one of the task with AsDeferred.";

    [Obsolete(TaskRefused, error: true)]
    public Deferred AddCallback(Func<Task> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred AddErrback(Func<Failure, Task> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred AddBoth(Func<Task> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public static Deferred MaybeDeferred(Func<Task> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public static Deferred<T> MaybeDeferred<T>(Func<Task<T>> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred AddCallback(Func<ValueTask> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred AddErrback(Func<Failure, ValueTask> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred AddBoth(Func<ValueTask> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public static Deferred MaybeDeferred(Func<ValueTask> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public static Deferred<T> MaybeDeferred<T>(Func<ValueTask<T>> function) => throw Refused();

    internal static NotSupportedException Refused() => new(TaskRefused);
}

public partial class Deferred<T>
{
    [Obsolete(TaskRefused, error: true)]
    public Deferred(Func<Deferred<T>, Task> canceller) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred(Func<Deferred<T>, ValueTask> canceller) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddCallback(Func<T, Task> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred<TNext> AddCallback<TNext>(Func<T, Task<TNext>> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddCallback(Func<Task> function) => throw Refused();

    [OverloadResolutionPriority(-2), Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddErrback(Func<Failure, Task> function) => throw Refused();

    [OverloadResolutionPriority(-2), Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddBoth(Func<Outcome<T>, Task> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddBoth(Func<Task> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddCallbacks(Func<T, Task> callback, Func<Failure, Task> errback) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred<TNext> AddCallbacks<TNext>(Func<T, Task<TNext>> callback, Func<Failure, Task<TNext>> errback) =>
        throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddCallback(Func<T, ValueTask> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred<TNext> AddCallback<TNext>(Func<T, ValueTask<TNext>> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddCallback(Func<ValueTask> function) => throw Refused();

    [OverloadResolutionPriority(-2), Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddErrback(Func<Failure, ValueTask> function) => throw Refused();

    [OverloadResolutionPriority(-2), Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddBoth(Func<Outcome<T>, ValueTask> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public new Deferred<T> AddBoth(Func<ValueTask> function) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred<T> AddCallbacks(Func<T, ValueTask> callback, Func<Failure, ValueTask> errback) => throw Refused();

    [Obsolete(TaskRefused, error: true)]
    public Deferred<TNext> AddCallbacks<TNext>(Func<T, ValueTask<TNext>> callback, Func<Failure, ValueTask<TNext>> errback) =>
        throw Refused();
}
