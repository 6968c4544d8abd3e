using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <content>Adds functions to a chain. A function gets one argument: the result of the previous function.</content>
public partial class Deferred<T>
{
    /// <summary>Adds a function for success.</summary>
    /// <param name="function">Gets the value. Its return value replaces that value; an exception that it throws becomes a
    /// failure. It is not called for a failure.</param>
    public Deferred<T> AddCallback(Func<T, T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new SameCallback<T>(function));
        return this;
    }

    /// <summary>Adds a function for success that returns a value of another type.</summary>
    /// <param name="function">Gets the value. Its return value or exception replaces that value. It is not called for a
    /// failure.</param>
    /// <returns>The chain under its new type: add the next functions to it.</returns>
    public Deferred<TNext> AddCallback<TNext>(Func<T, TNext> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new ValueCallback<T, TNext>(function));
    }

    /// <summary>Adds a function for success that starts another operation.</summary>
    /// <param name="function">Gets the value. The chain waits for the deferred that it returns, and takes its result.
    /// Cancelling the chain while it waits cancels that deferred.</param>
    /// <returns>The chain under its new type: add the next functions to it.</returns>
    [OverloadResolutionPriority(2)]
    public Deferred<TNext> AddCallback<TNext>(Func<T, Deferred<TNext>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new DeferredCallback<T, TNext>(function));
    }

    /// <summary>Adds a function for success that starts another operation without a value, such as an <c>async</c>
    /// lambda.</summary>
    /// <param name="function">Gets the value. The chain waits for the deferred that it returns, takes its failure if it fails,
    /// and else continues with the default value. It returns null if there is nothing to wait for.</param>
    [OverloadResolutionPriority(1)]
    public Deferred<T> AddCallback(Func<T, Deferred?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddUntyped(_ => function(_value), onValue: true, onFailure: false);
        return this;
    }

    /// <summary>As <see cref="AddCallback(Func{T, Deferred})"/>, for a function that does not need the value.</summary>
    [OverloadResolutionPriority(1)]
    public new Deferred<T> AddCallback(Func<Deferred?> function)
    {
        base.AddCallback(function);
        return this;
    }

    /// <summary>Adds a function for success that returns an outcome.</summary>
    /// <param name="function">Gets the value; returns a value, a failure or a deferred.</param>
    /// <returns>The chain under its new type: add the next functions to it.</returns>
    public Deferred<TNext> AddCallback<TNext>(Func<T, Outcome<TNext>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new OutcomeCallback<T, TNext>(function));
    }

    /// <summary>Adds a function for success that returns nothing; the default value is left.</summary>
    /// <param name="action">Gets the value.</param>
    public Deferred<T> AddCallback(Action<T> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new ActionCallback<T>(action));
        return this;
    }

    /// <summary>Adds a function for success that needs no value and returns none.</summary>
    public new Deferred<T> AddCallback(Action action)
    {
        base.AddCallback(action);
        return this;
    }

    /// <summary>Adds a function for success, with a state: a static lambda is enough, and nothing is captured.</summary>
    /// <returns>The chain under its new type: add the next functions to it.</returns>
    public Deferred<TNext> AddCallback<TState, TNext>(TState state, Func<TState, T, Outcome<TNext>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new StateCallback<TState, T, TNext>(state, function));
    }

    /// <summary>Adds a function for failure.</summary>
    /// <param name="function">Gets the failure, which then counts as handled. The chain continues with the value that it
    /// returns, or with the exception that it throws. It is not called for a value.</param>
    public Deferred<T> AddErrback(Func<Failure, T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddErrback(failure => new Outcome<T>(function(failure)));
    }

    /// <summary>Adds a function for failure that starts another operation.</summary>
    /// <param name="function">Gets the failure. The chain waits for the deferred that it returns, and takes its result.
    /// Cancelling the chain while it waits cancels that deferred.</param>
    public Deferred<T> AddErrback(Func<Failure, Deferred<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddErrback(failure => new Outcome<T>(function(failure) ?? throw NullReturned()));
    }

    /// <summary>Adds a function for failure that returns an outcome. To pass the failure on, return it.</summary>
    public Deferred<T> AddErrback(Func<Failure, Outcome<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new Errback<T>(function));
        return this;
    }

    /// <summary>Adds a function for failure that returns nothing: the chain continues with the default value.</summary>
    [OverloadResolutionPriority(-2)]
    public new Deferred<T> AddErrback(Action<Failure> action)
    {
        base.AddErrback(action);
        return this;
    }

    /// <summary>Adds a function for failure that starts another operation without a value, such as an <c>async</c>
    /// lambda.</summary>
    /// <param name="function">Gets the failure. The chain waits for the deferred that it returns and continues with the
    /// default value. It returns null if there is nothing to wait for.</param>
    [OverloadResolutionPriority(-1)]
    public new Deferred<T> AddErrback(Func<Failure, Deferred?> function)
    {
        base.AddErrback(function);
        return this;
    }

    /// <summary>Adds a function for one type of failure, like <c>catch</c> for one type of exception. It is not called for other
    /// failures, which are not thrown for this.</summary>
    public Deferred<T> AddErrback<TException>(Func<TException, Outcome<T>> function)
        where TException : Exception
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddErrback(failure => failure.Check<TException>() ? function((TException)failure.Exception) : failure);
    }

    /// <summary>Adds a function for both success and failure.</summary>
    /// <param name="function">Gets the value or the failure; returns a value, a failure or a deferred. To change nothing, return
    /// the argument.</param>
    public Deferred<T> AddBoth(Func<Outcome<T>, Outcome<T>> function) => AddBoth<T>(function);

    /// <summary>Adds a function for both success and failure that changes the type.</summary>
    /// <param name="function">Gets the value or the failure; returns a value, a failure or a deferred.</param>
    /// <returns>The chain under its new type: add the next functions to it.</returns>
    public Deferred<TNext> AddBoth<TNext>(Func<Outcome<T>, Outcome<TNext>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new OutcomeBoth<T, TNext>(function));
    }

    /// <summary>Adds a function for both success and failure that starts another operation.</summary>
    /// <param name="function">Gets the value or the failure. The chain waits for the deferred that it returns, and takes its
    /// result.</param>
    /// <returns>The chain under its new type: add the next functions to it.</returns>
    public Deferred<TNext> AddBoth<TNext>(Func<Outcome<T>, Deferred<TNext>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new OutcomeBoth<T, TNext>(outcome => new(function(outcome) ?? throw NullReturned())));
    }

    /// <summary>As <see cref="AddBoth{TNext}(Func{Outcome{T}, Deferred{TNext}})"/>, for an operation without a value, such as
    /// an <c>async</c> lambda.</summary>
    [OverloadResolutionPriority(-1)]
    public Deferred<T> AddBoth(Func<Outcome<T>, Deferred?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddUntyped(
            failure => function(failure is null ? new Outcome<T>(_value) : new Outcome<T>(failure)), onValue: true, onFailure: true);
        return this;
    }

    /// <summary>As <see cref="AddBoth(Func{Outcome{T}, Deferred})"/>, for a function that does not need the result.</summary>
    [OverloadResolutionPriority(1)]
    public new Deferred<T> AddBoth(Func<Deferred?> function)
    {
        base.AddBoth(function);
        return this;
    }

    /// <summary>Adds a function for both success and failure that returns nothing: the default value is left, and a
    /// failure counts as handled.</summary>
    [OverloadResolutionPriority(-2)]
    public Deferred<T> AddBoth(Action<Outcome<T>> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return AddBoth(action, static (action, outcome) => action(outcome));
    }

    /// <summary>As <see cref="AddBoth(Action{Outcome{T}})"/>, for a function that does not need the result.</summary>
    public new Deferred<T> AddBoth(Action action)
    {
        base.AddBoth(action);
        return this;
    }

    /// <summary>As <see cref="AddBoth(Action{Outcome{T}})"/>, with a state: a static lambda is enough, and nothing is
    /// captured.</summary>
    public Deferred<T> AddBoth<TState>(TState state, Action<TState, Outcome<T>> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new ActionBoth<TState, T>(state, action));
        return this;
    }

    /// <summary>Adds a function for success and one for failure. The second does not handle a failure of the first.</summary>
    /// <returns>The chain under its new type: add the next functions to it.</returns>
    public Deferred<TNext> AddCallbacks<TNext>(Func<T, TNext> callback, Func<Failure, TNext> errback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentNullException.ThrowIfNull(errback);
        return AddBoth<TNext>(outcome => outcome.Failure is { } failure ? errback(failure) : callback(outcome.Value));
    }

    /// <summary>As <see cref="AddCallbacks{TNext}(Func{T, TNext}, Func{Failure, TNext})"/>, for functions that return outcomes.</summary>
    /// <returns>The chain under its new type: add the next functions to it.</returns>
    public Deferred<TNext> AddCallbacks<TNext>(Func<T, Outcome<TNext>> callback, Func<Failure, Outcome<TNext>> errback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentNullException.ThrowIfNull(errback);
        return AddBoth(outcome => outcome.Failure is { } failure ? errback(failure) : callback(outcome.Value));
    }

    /// <summary>As <see cref="AddCallbacks{TNext}(Func{T, TNext}, Func{Failure, TNext})"/>, for functions that start another
    /// operation.</summary>
    /// <returns>The chain under its new type: add the next functions to it.</returns>
    [OverloadResolutionPriority(2)]
    public Deferred<TNext> AddCallbacks<TNext>(Func<T, Deferred<TNext>> callback, Func<Failure, Deferred<TNext>> errback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentNullException.ThrowIfNull(errback);
        return AddBoth(outcome => outcome.Failure is { } failure ? errback(failure) : callback(outcome.Value));
    }

    /// <summary>As <see cref="AddCallbacks{TNext}(Func{T, TNext}, Func{Failure, TNext})"/>, for functions that start another
    /// operation without a value, such as <c>async</c> lambdas.</summary>
    [OverloadResolutionPriority(1)]
    public Deferred<T> AddCallbacks(Func<T, Deferred?> callback, Func<Failure, Deferred?> errback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentNullException.ThrowIfNull(errback);
        return AddBoth(outcome => outcome.Failure is { } failure ? errback(failure) : callback(outcome.Value));
    }

    /// <summary>As <see cref="AddCallbacks{TNext}(Func{T, TNext}, Func{Failure, TNext})"/>, for functions that return nothing: the default
    /// value is left.</summary>
    public Deferred<T> AddCallbacks(Action<T> callback, Action<Failure> errback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentNullException.ThrowIfNull(errback);
        return AddBoth((callback, errback), static (functions, outcome) =>
        {
            if (outcome.Failure is { } failure)
            {
                functions.errback(failure);
            }
            else
            {
                functions.callback(outcome.Value);
            }
        });
    }

    /// <summary>
    /// Cancels the deferred if it has no result in time. Functions added before this see the result of the cancel, mostly a
    /// <see cref="CancelledError"/>; functions added after it see a <see cref="TimeoutError"/> instead.
    /// </summary>
    /// <param name="timeout">The timeout, which starts now.</param>
    /// <param name="clock">The clock that measures the time.</param>
    /// <param name="onTimeout">Called with the result and the timeout if there was no result in time; its return value is the
    /// result. Null to turn <see cref="CancelledError"/> into <see cref="TimeoutError"/>.</param>
    public Deferred<T> AddTimeout(
        TimeSpan timeout, IClock clock, Func<Outcome<T>, TimeSpan, Outcome<T>>? onTimeout = null)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ThrowIfSuperseded();
        bool hasExpired = false;
        DelayedCall call = clock.CallLater(timeout, () =>
        {
            hasExpired = true;
            Cancel();
        });

        // Twisted adds two functions, for the error and for the clock. One is enough: nothing can come between the two.
        return AddBoth(outcome =>
        {
            if (!hasExpired)
            {
                call.CancelIfActive();
                return outcome;
            }

            if (onTimeout is not null)
            {
                return onTimeout(outcome, timeout);
            }

            return outcome.Failure is { } failure && failure.Check<CancelledError>()
                ? new Outcome<T>(new Failure(new TimeoutError(timeout)))
                : outcome;
        });
    }

    /// <summary>Adds a link that may change the type, and makes the handle of the new type if it does.</summary>
    private Deferred<TNext> Add<TNext>(TypedLink<T, TNext> link)
    {
        if (typeof(TNext) == typeof(T))
        {
            AddLink(link);
            return Unsafe.As<Deferred<TNext>>(this);
        }

        ThrowIfSuperseded();
        var next = new Deferred<TNext>(this, Fired | Waiting | NotReached | (_state & IsGroup));
        link.Target = next;
        _state |= Superseded;
        Append(link);
        RunIfItCan();
        return next;
    }
}
