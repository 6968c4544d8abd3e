using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// A deferred whose result is a <typeparamref name="T"/>: one chain seen through a type. A function that gives back the
/// same type is added to this very object; one that gives back another continues the same chain under a handle of the new
/// type, which is returned, and from then on functions are added there. Go on with what the last call returned, and the
/// compiler checks every joint of the chain.
/// </summary>
/// <remarks>
/// Cancelling and pausing reach the whole chain through any of its handles. A result that was taken, by another deferred
/// that waited for it or by an <c>await</c>, leaves the default value behind, and a function added after that is called
/// with it.
/// </remarks>
[AsyncMethodBuilder(typeof(DeferredMethodBuilder<>))]
public partial class Deferred<T> : Deferred
{
    private protected T _value = default!;

    /// <summary>
    /// Makes one that has not fired. Cancelling it makes it fail at once, does not stop the operation, and swallows the one
    /// result which that may still deliver.
    /// </summary>
    public Deferred()
    {
    }

    /// <summary>Makes one that knows how to stop its operation.</summary>
    /// <param name="canceller">Called when it is cancelled before it has fired. It may fire the deferred it is given, with
    /// a value or an error of its own choice; if it does not, the deferred fails with <see cref="CancelledError"/>.</param>
    public Deferred(Action<Deferred<T>> canceller)
    {
        ArgumentNullException.ThrowIfNull(canceller);
        _aux = canceller;
    }

    /// <summary>For those who have a canceller with a state: see <see cref="Deferred.WithCanceller"/>.</summary>
    internal Deferred(Canceller<T> canceller)
    {
        _aux = canceller;
    }

    /// <summary>A handle for the next type of a chain.</summary>
    private protected Deferred(Deferred before, int state)
    {
        _aux = before;
        _state = state;
    }

    internal override object? CurrentValue => _value;

    /// <summary>Where the value is, without taking it.</summary>
    internal ref T PeekValue => ref _value;

    internal bool HasFailed => (_state & Failed) != 0;

    /// <summary>Fires it with a value; the functions that are waiting run before this returns.</summary>
    /// <exception cref="AlreadyCalledError">It has been fired before (and was not cancelled in between).</exception>
    public void Callback(T value)
    {
        if ((_state & (Fired | Owned | Ahead)) != 0)
        {
            FiredAgain();
            return;
        }

        FireValue(value);
    }

    /// <summary>Fires it with a failure; the functions that are waiting run before this returns.</summary>
    /// <exception cref="AlreadyCalledError">It has been fired before (and was not cancelled in between).</exception>
    public void Errback(Failure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        if ((_state & (Fired | Owned | Ahead)) != 0)
        {
            FiredAgain();
            return;
        }

        FireFailure(failure);
    }

    /// <summary>Fires it with a failure made of an exception: see <see cref="Errback(Failure)"/>.</summary>
    /// <exception cref="AlreadyCalledError">It has been fired before (and was not cancelled in between).</exception>
    public void Errback(Exception exception) => Errback(new Failure(exception));

    /// <summary>Fires it with whatever something else ended with.</summary>
    /// <exception cref="AlreadyCalledError">It has been fired before (and was not cancelled in between).</exception>
    public void Fire(Outcome<T> outcome)
    {
        if (outcome.Failure is { } failure)
        {
            Errback(failure);
        }
        else
        {
            Callback(outcome.Value);
        }
    }

    /// <summary>Fires <paramref name="other"/> with the result, when it comes; what is left here is the default value.</summary>
    /// <remarks>Cancelling <paramref name="other"/> does not reach this one.</remarks>
    /// <returns>This deferred.</returns>
    public Deferred<T> ChainDeferred(Deferred<T> other)
    {
        ArgumentNullException.ThrowIfNull(other);
        AddLink(new ChainingLink<T>(other));
        return this;
    }

    /// <summary>Gives the result, value or failure, and leaves the default behind.</summary>
    internal Outcome<T> TakeOutcome()
    {
        if ((_state & Failed) != 0)
        {
            return new Outcome<T>(TakeFailure());
        }

        T value = _value;
        _value = default!;
        return new Outcome<T>(value);
    }

    /// <summary>Gives the value or throws the exception, and leaves the default behind.</summary>
    internal T TakeResult()
    {
        if ((_state & (Fired | Waiting)) != Fired)
        {
            throw new InvalidOperationException("the deferred has no result yet, and a reactor never blocks to wait for one");
        }

        if ((_state & Failed) != 0)
        {
            TakeFailure().Throw();
        }

        T value = _value;
        _value = default!;
        return value;
    }

    internal override void Discard()
    {
        if ((_state & Failed) != 0)
        {
            TakeFailure();
        }

        _value = default!;
    }

    /// <summary>The deferred this one waits for hands its result over, and it is this one's turn.</summary>
    internal override Deferred? Run(Deferred source)
    {
        Debug.Assert((_state & Waiting) != 0, "only who waits is handed a result");
        _aux = null;
        _state &= ~Waiting;
        source.StopRunning();
        TakeFrom(Unsafe.As<Deferred<T>>(source));
        return this;
    }

    /// <summary>Makes what a function returned the result; if that was a deferred, takes its result or waits for it.</summary>
    internal void Accept(Outcome<T> outcome)
    {
        if (outcome.IsValue)
        {
            _value = outcome.ValueOrDefault;
        }
        else if (outcome.Failure is { } failure)
        {
            _value = default!;
            SetFailure(failure);
        }
        else
        {
            Accept(outcome.Deferred!);
        }
    }

    /// <summary>Makes what a function threw the result. It stands here, so that the function of every day has a small frame.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void AcceptException(Exception exception)
    {
        _value = default!;
        SetFailure(new Failure(exception));
    }

    /// <summary>The chain changes its type: what a function came to is the result of the next handle.</summary>
    /// <returns>That handle, whose functions are next.</returns>
    internal Deferred PassOn<TNext>(Deferred<TNext> next, Outcome<TNext> outcome)
    {
        PassOnTo(next);
        _value = default!;
        next.Accept(outcome);
        return next;
    }

    /// <summary>The chain changes its type over a failure that no function took: it goes on as it is.</summary>
    /// <returns>The next handle, whose functions are next.</returns>
    internal Deferred PassFailureOn<TNext>(Deferred<TNext> next)
    {
        object? held = _aux;
        PassOnTo(next);
        next.InheritFailure(held);
        return next;
    }

    internal void FireValue(T value)
    {
        _value = value;
        _aux = null;
        Fire(0);
    }

    internal void FireFailure(Failure failure)
    {
        _aux = failure;
        Fire(Failed);
    }

    private protected override void CancelUnfired()
    {
        switch (_aux)
        {
            case null:
                _state |= Swallows;
                break;
            case Action<Deferred<T>> canceller:
                canceller(this);
                break;
            default:
                ((Canceller<T>)_aux).Cancel(this);
                break;
        }

        if ((_state & Fired) == 0)
        {
            FireFailure(Failure.Cancelled);
        }
    }

    private void Accept(Deferred<T> inner)
    {
        _value = default!;
        if (ReferenceEquals(inner, this))
        {
            SetFailure(new Failure(new InvalidOperationException(
                "a function returned the deferred that it was called by, which would wait for itself")));
        }
        else if (inner.CanBeTaken)
        {
            TakeFrom(inner);
        }
        else if ((inner._state & Superseded) != 0)
        {
            SetFailure(new Failure(new InvalidOperationException(
                "a function returned a deferred whose chain goes on under another type")));
        }
        else
        {
            _aux = inner;
            _state |= Waiting;
            inner.Append(this);
        }
    }

    /// <summary>What it had is mine: value, or failure with the duty to handle it.</summary>
    private void TakeFrom(Deferred<T> inner)
    {
        if ((inner._state & Failed) != 0)
        {
            SetFailure(inner.TakeFailure());
        }
        else
        {
            _value = inner._value;
            inner._value = default!;
        }
    }
}

/// <summary>A canceller with the state it needs, so that no closure is made.</summary>
internal abstract class Canceller<T>
{
    public abstract void Cancel(Deferred<T> deferred);
}

/// <inheritdoc/>
internal sealed class Canceller<TState, T>(TState state, Action<TState, Deferred<T>> canceller) : Canceller<T>
{
    public override void Cancel(Deferred<T> deferred) => canceller(state, deferred);
}
