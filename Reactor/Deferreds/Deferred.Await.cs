using System;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

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

    /// <summary>For <c>await</c> without a value: throws the failure, if there is one.</summary>
    internal void GetVoidResult()
    {
        if ((_state & (Fired | Waiting)) != Fired)
        {
            throw NoResult();
        }

        if ((_state & Failed) != 0)
        {
            TakeFailure().Throw();
        }

        Discard();
    }

    private protected static InvalidOperationException NoResult() =>
        new("the deferred has no result yet, and a reactor never blocks to wait for one");

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

    internal DeferredAwaiter(Deferred<T> deferred)
    {
        _deferred = deferred;
    }

    /// <summary>True if the result can be taken at once.</summary>
    public bool IsCompleted => _deferred.IsAtRest;

    Deferred IDeferredAwaiter.Deferred => _deferred;

    /// <summary>Takes the result.</summary>
    public T GetResult() => _deferred.TakeResult();

    /// <summary>For methods that are not <c>async Deferred</c>.</summary>
    public void OnCompleted(Action continuation) => _deferred.AddContinuation(continuation);

    /// <summary>For methods that are not <c>async Deferred</c>.</summary>
    public void UnsafeOnCompleted(Action continuation) => _deferred.AddContinuation(continuation);
}

/// <summary>For the compiler.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct DeferredAwaiter : ICriticalNotifyCompletion, IDeferredAwaiter
{
    private readonly Deferred _deferred;

    internal DeferredAwaiter(Deferred deferred)
    {
        _deferred = deferred;
    }

    /// <summary>True if the result can be taken at once.</summary>
    public bool IsCompleted => _deferred.IsAtRest;

    Deferred IDeferredAwaiter.Deferred => _deferred;

    /// <summary>Takes the result.</summary>
    public void GetResult() => _deferred.GetVoidResult();

    /// <summary>For methods that are not <c>async Deferred</c>.</summary>
    public void OnCompleted(Action continuation) => _deferred.AddContinuation(continuation);

    /// <summary>For methods that are not <c>async Deferred</c>.</summary>
    public void UnsafeOnCompleted(Action continuation) => _deferred.AddContinuation(continuation);
}

/// <summary>For the compiler: makes the deferred of an <c>async Deferred&lt;T&gt;</c> method and runs it.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct DeferredMethodBuilder<T>
{
    private Deferred<T>? _deferred;

    /// <summary>The deferred that the method returns.</summary>
    public readonly Deferred<T> Task => _deferred!;

    /// <summary>Makes a builder.</summary>
    [SuppressMessage("Design", "CA1000", Justification = "The compiler asks for it here.")]
    public static DeferredMethodBuilder<T> Create() => default;

    /// <summary>Runs the method until it has to wait.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    /// <summary>Not used: a state machine is moved into its coroutine without being boxed.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => _ = stateMachine;

    /// <summary>The method returned.</summary>
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

    /// <summary>The method threw.</summary>
    public void SetException(Exception exception)
    {
        var failure = new Failure(exception);
        if (_deferred is null)
        {
            _deferred = Deferred.Fail<T>(failure);
        }
        else
        {
            Unsafe.As<Coroutine<T>>(_deferred).End(new Outcome<T>(failure));
        }
    }

    /// <summary>The method has to wait.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => Await(ref awaiter, ref stateMachine);

    /// <summary>The method has to wait.</summary>
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

    /// <summary>The deferred that the method returns.</summary>
    public readonly Deferred Task => _builder.Task;

    /// <summary>Makes a builder.</summary>
    public static DeferredMethodBuilder Create() => default;

    /// <summary>Runs the method up to where it has to wait.</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => _builder.Start(ref stateMachine);

    /// <summary>Not used: a state machine is moved into its coroutine without being boxed.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => _builder.SetStateMachine(stateMachine);

    /// <summary>The method returned.</summary>
    public void SetResult() => _builder.SetResult(default);

    /// <summary>The method threw.</summary>
    public void SetException(Exception exception) => _builder.SetException(exception);

    /// <summary>The method has to wait.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitOnCompleted(ref awaiter, ref stateMachine);

    /// <summary>The method has to wait.</summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);
}
