using System;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>The ways to add a function to a chain. Each has one argument, and what it returns is the next one's.</summary>
public partial class Deferred<T>
{
    /// <summary>Adds a function for success.</summary>
    /// <param name="function">Gets the value; the value it returns replaces that, an exception it throws becomes a failure.
    /// A failure passes it by.</param>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddCallback(Func<T, T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new SameCallback<T>(function));
        return this;
    }

    /// <summary>Adds a function for success that gives a value of another type.</summary>
    /// <param name="function">Gets the value; what it returns or throws replaces that. A failure passes it by.</param>
    /// <returns>The chain under its new type: add what comes next there.</returns>
    public Deferred<TNext> AddCallback<TNext>(Func<T, TNext> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new ValueCallback<T, TNext>(function));
    }

    /// <summary>Adds a function for success that starts another operation.</summary>
    /// <param name="function">Gets the value; the chain waits for the deferred it returns, and takes its result. Cancelling
    /// the chain while it waits cancels that one.</param>
    /// <returns>The chain under its new type: add what comes next there.</returns>
    public Deferred<TNext> AddCallback<TNext>(Func<T, Deferred<TNext>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new DeferredCallback<T, TNext>(function));
    }

    /// <summary>Adds a function for success that may end in any way.</summary>
    /// <param name="function">Gets the value; returns a value, a failure or a deferred.</param>
    /// <returns>The chain under its new type: add what comes next there.</returns>
    public Deferred<TNext> AddCallback<TNext>(Func<T, Outcome<TNext>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new OutcomeCallback<T, TNext>(function));
    }

    /// <summary>Adds a function for success that gives nothing back, which leaves the default value.</summary>
    /// <param name="action">Gets the value.</param>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddCallback(Action<T> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new ActionCallback<T>(action));
        return this;
    }

    /// <summary>Adds a function for success that needs no value and gives none back.</summary>
    /// <returns>This deferred.</returns>
    public new Deferred<T> AddCallback(Action action)
    {
        base.AddCallback(action);
        return this;
    }

    /// <summary>Adds a function for success, with a state, so that a static lambda does and nothing is captured.</summary>
    /// <returns>The chain under its new type: add what comes next there.</returns>
    public Deferred<TNext> AddCallback<TState, TNext>(TState state, Func<TState, T, Outcome<TNext>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new StateCallback<TState, T, TNext>(state, function));
    }

    /// <summary>Adds a function for failure.</summary>
    /// <param name="function">Gets the failure, which is thereby handled; the chain goes on with the value it returns, or
    /// with the exception it throws. A value passes it by.</param>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddErrback(Func<Failure, T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new ValueErrback<T>(function));
        return this;
    }

    /// <summary>Adds a function for failure that starts another operation.</summary>
    /// <param name="function">Gets the failure; the chain waits for the deferred it returns, and takes its result. Cancelling
    /// the chain while it waits cancels that one.</param>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddErrback(Func<Failure, Deferred<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new DeferredErrback<T>(function));
        return this;
    }

    /// <summary>Adds a function for failure that may end in any way: to pass a failure on, return it.</summary>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddErrback(Func<Failure, Outcome<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new OutcomeErrback<T>(function));
        return this;
    }

    /// <summary>Adds a function for failure that gives nothing back: the chain goes on with the default value.</summary>
    /// <returns>This deferred.</returns>
    public new Deferred<T> AddErrback(Action<Failure> action)
    {
        base.AddErrback(action);
        return this;
    }

    /// <summary>Adds a function for one kind of failure, as <c>catch</c> is for one kind of exception: others pass it by,
    /// and nothing is thrown to find out.</summary>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddErrback<TException>(Func<TException, Outcome<T>> function)
        where TException : Exception
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new ExceptionErrback<TException, T>(function));
        return this;
    }

    /// <summary>Adds a function for success and failure alike.</summary>
    /// <param name="function">Gets either; returns a value, a failure or a deferred. To change nothing, return the argument.</param>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddBoth(Func<Outcome<T>, Outcome<T>> function) => AddBoth<T>(function);

    /// <summary>Adds a function for success and failure alike that changes the type.</summary>
    /// <param name="function">Gets either; returns a value, a failure or a deferred.</param>
    /// <returns>The chain under its new type: add what comes next there.</returns>
    public Deferred<TNext> AddBoth<TNext>(Func<Outcome<T>, Outcome<TNext>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Add(new OutcomeBoth<T, TNext>(function));
    }

    /// <summary>Adds a function for success and failure alike that gives nothing back: the default value is left, and a
    /// failure counts as handled.</summary>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddBoth(Action<Outcome<T>> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new ActionBoth<T>(action));
        return this;
    }

    /// <summary>As <see cref="AddBoth(Action{Outcome{T}})"/>, for whom the result is all one.</summary>
    /// <returns>This deferred.</returns>
    public new Deferred<T> AddBoth(Action action)
    {
        base.AddBoth(action);
        return this;
    }

    /// <summary>As <see cref="AddBoth(Action{Outcome{T}})"/>, with a state, so that a static lambda does and nothing is
    /// captured.</summary>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddBoth<TState>(TState state, Action<TState, Outcome<T>> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new StateActionBoth<TState, T>(state, action));
        return this;
    }

    /// <summary>Adds a fork: one of the two is called, and neither sees what the other does.</summary>
    /// <returns>The chain under its new type: add what comes next there.</returns>
    public Deferred<TNext> AddCallbacks<TNext>(Func<T, TNext> callback, Func<Failure, TNext> errback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentNullException.ThrowIfNull(errback);
        return Add(new ValueFork<T, TNext>(callback, errback));
    }

    /// <summary>Adds a fork whose ways may end in any way.</summary>
    /// <returns>The chain under its new type: add what comes next there.</returns>
    public Deferred<TNext> AddCallbacks<TNext>(Func<T, Outcome<TNext>> callback, Func<Failure, Outcome<TNext>> errback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentNullException.ThrowIfNull(errback);
        return Add(new OutcomeFork<T, TNext>(callback, errback));
    }

    /// <summary>Adds a fork whose ways give nothing back, which leaves the default value.</summary>
    /// <returns>This deferred.</returns>
    public Deferred<T> AddCallbacks(Action<T> callback, Action<Failure> errback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentNullException.ThrowIfNull(errback);
        AddLink(new ActionFork<T>(callback, errback));
        return this;
    }

    /// <summary>Adds a link that may change the type, and opens the handle of the new one if it does.</summary>
    private Deferred<TNext> Add<TNext>(TypedLink<T, TNext> link)
    {
        if (typeof(TNext) == typeof(T))
        {
            AddLink(link);
            return Unsafe.As<Deferred<TNext>>(this);
        }

        if ((_state & Superseded) != 0)
        {
            AddLink(link); // throws
        }

        var next = new Deferred<TNext>(this, Fired | Waiting | Ahead | (_state & OfGroup));
        link.Target = next;
        _state |= Superseded;
        Append(link);
        RunIfItCan();
        return next;
    }
}
