using System;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

#pragma warning disable CS1591 // Awaiters and builders have the members that the compiler calls; C#'s specification explains them.

namespace Poetry.Net;

/// <summary>
/// <c>await</c> and <c>async Deferred&lt;T&gt;</c>: Twisted's <c>inlineCallbacks</c>, made of the compiler's coroutines.
/// </summary>
/// <remarks>
/// <para>
/// A method runs at once, up to its first <c>await</c> of a deferred that has no result yet. It continues when that fires, in
/// the middle of its chain and on the same stack: no scheduler, no context, no other thread. An <c>await</c> takes the
/// result out of the deferred and leaves the default value there.
/// </para>
/// <para>
/// Cancelling the deferred of a method that has not ended cancels the deferred that it awaits. The <c>await</c> then throws
/// or returns, as that deferred ends; the method may catch the exception and end in any way.
/// </para>
/// <para>
/// One object, a <see cref="Coroutine{T,TStateMachine}"/>, is the state of the method, the deferred that it returned, and the
/// link in the chain that it awaits. A method that never had to wait allocates only a fired deferred.
/// </para>
/// </remarks>
public abstract partial class Deferred
{
    /// <summary>For <c>await</c> without a value.</summary>
    public DeferredAwaiter GetAwaiter() => new(this);

    /// <summary>Adds the continuation of an <c>await</c> in a method of another kind, such as <c>async Task</c>.</summary>
    internal void AddContinuation(Action continuation) => AddLink(new ContinuationLink(continuation));

    internal void ThrowIfSuperseded()
    {
        if ((_state & Superseded) != 0)
        {
            ThrowSuperseded();
        }
    }

    /// <summary>Takes the failure and throws it, if there is one.</summary>
    internal void ThrowUnlessSucceeded()
    {
        if ((_state & (Fired | Waiting)) != Fired)
        {
            throw new InvalidOperationException(
                "the deferred has no result yet, and a reactor never blocks to wait for one");
        }

        if ((_state & Failed) != 0)
        {
            TakeFailure().Throw();
        }
    }

    private sealed class ContinuationLink(Action continuation) : ChainLink
    {
        internal override Deferred? Run(Deferred source)
        {
            continuation();
            return null;
        }
    }
}

public partial class Deferred<T>
{
    /// <summary>For <c>await</c>.</summary>
    public new DeferredAwaiter<T> GetAwaiter() => new(this);
}

/// <summary>An awaiter of this engine.</summary>
internal interface IDeferredAwaiter
{
    Deferred Deferred { get; }
}

/// <summary>For the compiler.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct DeferredAwaiter<T> : ICriticalNotifyCompletion, IDeferredAwaiter
{
    private readonly Deferred<T> _deferred;

    internal DeferredAwaiter(Deferred<T> deferred) => _deferred = deferred;

    public bool IsCompleted => _deferred.IsAtRest;

    Deferred IDeferredAwaiter.Deferred => _deferred;

    public T GetResult() => _deferred.TakeResult();

    public void OnCompleted(Action continuation) => _deferred.AddContinuation(continuation);

    public void UnsafeOnCompleted(Action continuation) => _deferred.AddContinuation(continuation);
}

/// <summary>For the compiler.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct DeferredAwaiter : ICriticalNotifyCompletion, IDeferredAwaiter
{
    private readonly Deferred _deferred;

    internal DeferredAwaiter(Deferred deferred) => _deferred = deferred;

    public bool IsCompleted => _deferred.IsAtRest;

    Deferred IDeferredAwaiter.Deferred => _deferred;

    public void GetResult()
    {
        _deferred.ThrowUnlessSucceeded();
        _deferred.Discard();
    }

    public void OnCompleted(Action continuation) => _deferred.AddContinuation(continuation);

    public void UnsafeOnCompleted(Action continuation) => _deferred.AddContinuation(continuation);
}

/// <summary>For the compiler: makes the deferred of an <c>async Deferred&lt;T&gt;</c> method and runs it.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct DeferredMethodBuilder<T>
{
    private Deferred<T>? _deferred;

    public readonly Deferred<T> Task => _deferred!;

    [SuppressMessage("Design", "CA1000", Justification = "The compiler asks for it here.")]
    public static DeferredMethodBuilder<T> Create() => default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>Not used: a state machine is moved into its coroutine without being boxed.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => _ = stateMachine;

    public void SetResult(T result)
    {
        if (_deferred is null)
        {
            _deferred = Deferred.Succeed(result);
        }
        else
        {
            Unsafe.As<Coroutine<T>>(_deferred).End(new Outcome<T>(result));
        }
    }

    public void SetException(Exception exception)
    {
        if (_deferred is null)
        {
            _deferred = Deferred.Fail<T>(exception);
        }
        else
        {
            Unsafe.As<Coroutine<T>>(_deferred).End(new Failure(exception));
        }
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => Await(ref awaiter, ref stateMachine);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => Await(ref awaiter, ref stateMachine);

    private void Await<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        // A task would continue in the thread pool, where no deferred may be used.
        if (awaiter is not IDeferredAwaiter)
        {
            throw new NotSupportedException(
                "an async method that returns a deferred can await only deferreds: make one of a task with AsDeferred");
        }

        Deferred awaited = ((IDeferredAwaiter)awaiter).Deferred;
        awaited.ThrowIfSuperseded();
        if (_deferred is not null && ReferenceEquals(awaited.Head(), _deferred))
        {
            throw new InvalidOperationException("an async method awaits its own deferred, which would wait for itself");
        }

        if (_deferred is null)
        {
            // The builder is part of the state machine: it has to know its deferred before it is copied.
            var coroutine = new Coroutine<T, TStateMachine>();
            _deferred = coroutine;
            coroutine.StateMachine = stateMachine;
        }

        Unsafe.As<Coroutine<T>>(_deferred).Await(awaited);
    }
}

/// <summary>For the compiler: the same for an <c>async Deferred</c> method, which returns nothing.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct DeferredMethodBuilder
{
    private DeferredMethodBuilder<Unit> _builder;

    public readonly Deferred Task => _builder.Task;

    public static DeferredMethodBuilder Create() => default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => _builder.Start(ref stateMachine);

    /// <summary>Not used: a state machine is moved into its coroutine without being boxed.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => _builder.SetStateMachine(stateMachine);

    public void SetResult() => _builder.SetResult(default);

    public void SetException(Exception exception) => _builder.SetException(exception);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitOnCompleted(ref awaiter, ref stateMachine);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);
}
