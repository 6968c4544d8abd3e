using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Poetry.Net;

/// <summary>The way onto the reactor thread: the part of a reactor that the bridges below need.</summary>
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
    /// <param name="function">May block; must not use what belongs to the reactor.</param>
    /// <returns>What the function returns or throws. Cancelling it does not stop the function: its result is dropped.</returns>
    public static Deferred<T> DeferToThread<T>(this IReactorThreads threads, Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(threads);
        ArgumentNullException.ThrowIfNull(function);
        return DeferredOf(Task.Run(function), threads, whenCancelled: null);
    }

    /// <summary>Refused when it is compiled: the result would be the task.</summary>
    [Obsolete(ReturnsTask, error: true)]
    public static Deferred<Unit> DeferToThread(this IReactorThreads threads, Func<Task> function) =>
        throw new NotSupportedException(ReturnsTask);

    /// <summary>Refused when it is compiled: the result would be the task.</summary>
    [OverloadResolutionPriority(1)]
    [Obsolete(ReturnsTask, error: true)]
    public static Deferred<T> DeferToThread<T>(this IReactorThreads threads, Func<Task<T>> function) =>
        throw new NotSupportedException(ReturnsTask);

    /// <summary>Refused when it is compiled: the result would be the task.</summary>
    [Obsolete(ReturnsTask, error: true)]
    public static Deferred<Unit> DeferToThread(this IReactorThreads threads, Func<ValueTask> function) =>
        throw new NotSupportedException(ReturnsTask);

    /// <summary>Refused when it is compiled: the result would be the task.</summary>
    [Obsolete(ReturnsTask, error: true)]
    public static Deferred<T> DeferToThread<T>(this IReactorThreads threads, Func<ValueTask<T>> function) =>
        throw new NotSupportedException(ReturnsTask);

    /// <summary>Makes a deferred of a task. Call it on the reactor thread.</summary>
    /// <param name="task">May run on any thread.</param>
    /// <param name="threads">The reactor on whose thread the deferred is fired.</param>
    /// <param name="whenCancelled">Is cancelled when the deferred is, so that the task can stop; null if it cannot.</param>
    /// <returns>The result of the task; at once, if it has ended. Cancelling it stops the task if
    /// <paramref name="whenCancelled"/> does; either way it fails with <see cref="CancelledError"/> at once.</returns>
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
    /// <param name="deferred">Its result goes to the task; add nothing else to it.</param>
    /// <param name="threads">The reactor that the deferred belongs to.</param>
    /// <param name="cancellation">Cancels the deferred.</param>
    /// <returns>Ends as the deferred does. A method that awaits it continues in the thread pool.</returns>
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
                // Its chain goes on under another type: without this the task would never end.
                source.SetException(exception);
            }
        });
        return source.Task;
    }

    /// <summary>Cancels a deferred when a token is cancelled, until it has a result. Call it on the reactor thread.</summary>
    /// <param name="deferred">Its result is not changed.</param>
    /// <param name="threads">The reactor that the deferred belongs to.</param>
    /// <param name="cancellation">May be cancelled on any thread.</param>
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
