using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

#pragma warning disable CS1591 // Awaiters and builders have the members that the compiler calls; C#'s specification explains them.

namespace Poetry.Net;

/// <content>
/// The awaiters and builders of <c>async</c> methods that return a deferred. One object, a
/// <see cref="Coroutine{T,TStateMachine}"/>, is the state of the method, the deferred that it returned, and the link in the
/// chain that it awaits. A method that never had to wait allocates only a fired deferred.
/// </content>
public abstract partial class Deferred
{
    /// <summary>Called by <c>await</c>. The <c>await</c> returns no value.</summary>
    public DeferredAwaiter GetAwaiter() => new(this);

    /// <summary>Adds the continuation of an <c>await</c> in another kind of method, such as <c>async Task</c>.</summary>
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
    /// <summary>Called by <c>await</c>.</summary>
    public new DeferredAwaiter<T> GetAwaiter() => new(this);
}

/// <summary>An awaiter of a deferred.</summary>
internal interface IDeferredAwaiter
{
    Deferred Deferred { get; }
}

/// <summary>Awaits a deferred with a value. Used by code that the compiler generates.</summary>
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

/// <summary>Awaits a deferred without its value. Used by code that the compiler generates.</summary>
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

/// <summary>Makes the deferred of an <c>async Deferred&lt;T&gt;</c> method and runs the method. Used by code that the
/// compiler generates.</summary>
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
            // The builder is a part of the state machine: it has to know its deferred before the state machine is copied.
            var coroutine = new Coroutine<T, TStateMachine>();
            _deferred = coroutine;
            coroutine.StateMachine = stateMachine;
        }

        Unsafe.As<Coroutine<T>>(_deferred).Await(awaited);
    }
}

/// <summary>Makes the deferred of an <c>async Deferred</c> method, which returns no value, and runs the method. Used by code
/// that the compiler generates.</summary>
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
