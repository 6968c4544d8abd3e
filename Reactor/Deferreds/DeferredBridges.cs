using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>Calls functions on the reactor thread: the part of a reactor that <see cref="DeferredBridges"/> needs.</summary>
public interface IReactorThreads
{
    /// <summary>Calls a function on the reactor thread, soon. May be called from any thread.</summary>
    void CallFromThread(Action call);
}

/// <summary>
/// Bridges between deferreds, which belong to the reactor thread, and the tasks, tokens and threads of the rest of .NET.
/// </summary>
/// <remarks>
/// This file crosses threads. The rule: a deferred is used on the reactor thread only. Code on another thread makes a result
/// and delivers it by <see cref="IReactorThreads.CallFromThread"/>; nothing else is shared.
/// </remarks>
public static class DeferredBridges
{
    private const string ReturnsTask = "The function already returns a task: use AsDeferred";

    /// <summary>Runs a function on a thread of the pool. Call it on the reactor thread.</summary>
    /// <param name="threads">The reactor on whose thread the deferred is fired.</param>
    /// <param name="function">The function. It may block. It must not use objects that belong to the reactor.</param>
    /// <returns>A deferred that fires with the return value of the function, or fails with its exception. Cancelling it does
    /// not stop the function: its result is dropped.</returns>
    public static Deferred<T> DeferToThread<T>(this IReactorThreads threads, Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(threads);
        ArgumentNullException.ThrowIfNull(function);
        return DeferredOf(Task.Run(function), threads, whenCancelled: null);
    }

    /// <summary>Does not compile: the result would be the task.</summary>
    [Obsolete(ReturnsTask, error: true)]
    public static Deferred<Unit> DeferToThread(this IReactorThreads threads, Func<Task> function) =>
        throw new NotSupportedException(ReturnsTask);

    /// <summary>Does not compile: the result would be the task.</summary>
    [OverloadResolutionPriority(1)]
    [Obsolete(ReturnsTask, error: true)]
    public static Deferred<T> DeferToThread<T>(this IReactorThreads threads, Func<Task<T>> function) =>
        throw new NotSupportedException(ReturnsTask);

    /// <summary>Does not compile: the result would be the task.</summary>
    [Obsolete(ReturnsTask, error: true)]
    public static Deferred<Unit> DeferToThread(this IReactorThreads threads, Func<ValueTask> function) =>
        throw new NotSupportedException(ReturnsTask);

    /// <summary>Does not compile: the result would be the task.</summary>
    [Obsolete(ReturnsTask, error: true)]
    public static Deferred<T> DeferToThread<T>(this IReactorThreads threads, Func<ValueTask<T>> function) =>
        throw new NotSupportedException(ReturnsTask);

    /// <summary>Makes a deferred of a task. Call it on the reactor thread.</summary>
    /// <param name="task">The task. It may run on any thread.</param>
    /// <param name="threads">The reactor on whose thread the deferred is fired.</param>
    /// <param name="whenCancelled">Cancelled together with the deferred, so that the task can stop; null if it cannot.</param>
    /// <returns>A deferred that fires with the result of the task; it has fired already if the task has ended. Cancelling it
    /// stops the task if <paramref name="whenCancelled"/> does; the deferred always fails with <see cref="CancelledError"/> at
    /// once.</returns>
    public static Deferred<T> AsDeferred<T>(
        this Task<T> task, IReactorThreads threads, CancellationTokenSource? whenCancelled = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(threads);
        return task.IsCompleted
            ? Deferred.MaybeDeferred(() => OutcomeOf(task))
            : DeferredOf(task, threads, whenCancelled);
    }

    /// <summary>As <see cref="AsDeferred{T}"/>, for a task without a value.</summary>
    public static Deferred<Unit> AsDeferred(
        this Task task, IReactorThreads threads, CancellationTokenSource? whenCancelled = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        return WithUnit(task).AsDeferred(threads, whenCancelled);

        static async Task<Unit> WithUnit(Task task)
        {
            await task.ConfigureAwait(false);
            return default;
        }
    }

    /// <summary>Makes a task of a deferred. May be called from any thread.</summary>
    /// <param name="deferred">The deferred. The task takes its result: do not add more functions.</param>
    /// <param name="threads">The reactor that the deferred belongs to.</param>
    /// <param name="cancellation">The token that cancels the deferred.</param>
    /// <returns>A task that ends as the deferred does. A method that awaits it continues in the thread pool.</returns>
    public static Task<T> AsTask<T>(
        this Deferred<T> deferred, IReactorThreads threads, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(deferred);
        ArgumentNullException.ThrowIfNull(threads);
        var source = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        threads.CallFromThread(() =>
        {
            try
            {
                deferred.CancelWith(threads, cancellation);
                deferred.AddBoth(source, static (source, outcome) => End(source, outcome));
            }
            catch (InvalidOperationException exception)
            {
                // Its chain continues under another type: without this the task would never end.
                source.SetException(exception);
            }
        });
        return source.Task;
    }

    /// <summary>Cancels a deferred when a token is cancelled, until it has a result. Call it on the reactor thread.</summary>
    /// <param name="deferred">The deferred. Its result is not changed.</param>
    /// <param name="threads">The reactor that the deferred belongs to.</param>
    /// <param name="cancellation">The token. It may be cancelled on any thread.</param>
    /// <returns>The same deferred. Cancelling it directly works as before.</returns>
    public static Deferred<T> CancelWith<T>(
        this Deferred<T> deferred, IReactorThreads threads, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(deferred);
        ArgumentNullException.ThrowIfNull(threads);
        if (!cancellation.CanBeCanceled)
        {
            return deferred;
        }

        deferred.ThrowIfSuperseded();
        CancellationTokenRegistration registration = cancellation.UnsafeRegister(
            _ => threads.CallFromThread(deferred.Cancel), null);
        return deferred.AddBoth(outcome =>
        {
            registration.Unregister();
            return outcome;
        });
    }

    private static Deferred<T> DeferredOf<T>(Task<T> task, IReactorThreads threads, CancellationTokenSource? whenCancelled)
    {
        var deferred = new Deferred<T>(_ => whenCancelled?.Cancel());
        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() => threads.CallFromThread(() =>
        {
            // A task that was cancelled still ends.
            if (!deferred.Called)
            {
                deferred.Fire(OutcomeOf(task));
            }
        }));
        return deferred;
    }

    private static void End<T>(TaskCompletionSource<T> source, Outcome<T> outcome)
    {
        if (outcome.Failure is not { } failure)
        {
            source.SetResult(outcome.Value);
        }
        else if (failure.Check<OperationCanceledException>())
        {
            source.SetCanceled();
        }
        else
        {
            source.SetException(failure.Exception);
        }
    }

    private static Outcome<T> OutcomeOf<T>(Task<T> task)
    {
        if (task.IsCompletedSuccessfully)
        {
            return new Outcome<T>(task.Result);
        }

        return task.IsCanceled
            ? new Outcome<T>(Failure.Cancelled)
            : new Outcome<T>(new Failure(task.Exception!.InnerException!));
    }
}
