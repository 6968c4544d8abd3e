using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// A deferred whose result is a <typeparamref name="T"/>: a typed handle of a chain. A function that returns the same type is
/// added to this object. A function that returns another type continues the chain under a handle of the new type, which
/// <c>AddCallback</c> returns; the next functions are added to that handle. Always continue with the object that the last
/// call returned: then the compiler checks every step of the chain.
/// </summary>
/// <remarks>
/// Cancelling and pausing reach the whole chain through any of its handles. When another deferred or an <c>await</c> takes
/// the result, the default value is left, and functions that are added later are called with that value.
/// </remarks>
[AsyncMethodBuilder(typeof(DeferredMethodBuilder<>))]
public partial class Deferred<T> : Deferred
{
    private protected T _value = default!;

    /// <summary>
    /// Makes a deferred that has not fired. Cancelling it makes it fail at once, and does not stop the operation; one later
    /// result of the operation is ignored.
    /// </summary>
    public Deferred()
    {
    }

    /// <summary>Makes a deferred with a canceller, which stops the operation.</summary>
    /// <param name="canceller">Called with the deferred when that is cancelled before it has fired. It may fire the deferred
    /// with any value or error; if it does not, the deferred fails with <see cref="CancelledError"/>.</param>
    public Deferred(Action<Deferred<T>> canceller)
    {
        ArgumentNullException.ThrowIfNull(canceller);
        _aux = canceller;
    }

    /// <summary>As <see cref="Deferred{T}(Action{Deferred{T}})"/>, for a canceller that returns a deferred, such as an
    /// <c>async</c> lambda, or null. Cancelling does not wait for it; a failure of it is reported as unhandled.</summary>
    [OverloadResolutionPriority(1)]
    public Deferred(Func<Deferred<T>, Deferred?> canceller)
    {
        ArgumentNullException.ThrowIfNull(canceller);
        _aux = (Action<Deferred<T>>)(deferred => Run(() => canceller(deferred) ?? Succeed(default(Unit))));
    }

    /// <summary>Makes a deferred with a canceller that has a state: see <see cref="Deferred.WithCanceller"/>.</summary>
    internal Deferred(Canceller<T> canceller)
    {
        _aux = canceller;
    }

    /// <summary>Makes a handle for the next type of a chain.</summary>
    private protected Deferred(Deferred before, int state)
    {
        _aux = before;
        _state = state;
    }

    internal override object? CurrentValue => _value;

    /// <summary>A reference to the value. Reading does not take it.</summary>
    internal ref T PeekValue => ref _value;

    internal bool HasFailed => (_state & Failed) != 0;

    /// <summary>Fires the deferred with a value. The functions that wait run before this returns.</summary>
    /// <exception cref="AlreadyCalledError">It has been fired before, and was not cancelled in between.</exception>
    public void Callback(T value)
    {
        if (MayFire())
        {
            FireValue(value);
        }
    }

    /// <summary>Fires the deferred with a failure. The functions that wait run before this returns.</summary>
    /// <exception cref="AlreadyCalledError">It has been fired before, and was not cancelled in between.</exception>
    public void Errback(Failure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        if (MayFire())
        {
            FireFailure(failure);
        }
    }

    /// <summary>Fires the deferred with a failure made of an exception: see <see cref="Errback(Failure)"/>.</summary>
    /// <exception cref="AlreadyCalledError">It has been fired before, and was not cancelled in between.</exception>
    public void Errback(Exception exception) => Errback(new Failure(exception));

    /// <summary>Fires the deferred with a value or a failure.</summary>
    /// <exception cref="AlreadyCalledError">It has been fired before, and was not cancelled in between.</exception>
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

    /// <summary>Fires <paramref name="other"/> with the result when it is available; the default value is left here.</summary>
    /// <remarks>Cancelling <paramref name="other"/> does not reach this one.</remarks>
    public Deferred<T> ChainDeferred(Deferred<T> other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return AddBoth(other, static (other, outcome) => other.Fire(outcome));
    }

    /// <summary>Takes the value, or takes the failure and throws it. The default value is left.</summary>
    internal T TakeResult()
    {
        ThrowUnlessSucceeded();
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

    /// <summary>Makes the outcome of a function the result. If it is a deferred, takes its result or waits for it.</summary>
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
            Accept(outcome.Deferred!, 0);
        }
    }

    /// <summary>Moves the chain to its next type: the outcome of a function becomes the result of the next handle.</summary>
    /// <returns>That handle, whose functions run next.</returns>
    internal Deferred PassOn<TNext>(Deferred<TNext> next, Outcome<TNext> outcome)
    {
        PassOnTo(next);
        _value = default!;
        next.Accept(outcome);
        return next;
    }

    /// <summary>Moves the chain to its next type with a failure that no function handled. The failure is not changed.</summary>
    /// <returns>The next handle, whose functions run next.</returns>
    internal Deferred PassFailureOn<TNext>(Deferred<TNext> next)
    {
        object? held = _aux;
        PassOnTo(next);
        next.SetFailure(held);
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
        if (_aux is null)
        {
            _state |= IgnoresNextFire;
        }
        else if ((_state & Cancelling) == 0)
        {
            CallCanceller();
        }

        if ((_state & (Fired | Cancelling)) == 0)
        {
            FireFailure(Failure.Cancelled);
        }
    }

    private protected override void TakeValueFrom(Deferred inner)
    {
        ref T value = ref Unsafe.As<Deferred<T>>(inner)._value;
        _value = value;
        value = default!;
    }

    /// <summary>Calls the canceller. If the canceller cancels the deferred again, nothing happens.</summary>
    private void CallCanceller()
    {
        _state |= Cancelling;
        try
        {
            if (_aux is Action<Deferred<T>> canceller)
            {
                canceller(this);
            }
            else
            {
                ((Canceller<T>)_aux!).Cancel(this);
            }
        }
        finally
        {
            _state &= ~Cancelling;
        }
    }
}

/// <summary>A canceller with a state, which needs no closure.</summary>
internal abstract class Canceller<T>
{
    public abstract void Cancel(Deferred<T> deferred);
}

internal sealed class Canceller<TState, T>(TState state, Action<TState, Deferred<T>> canceller) : Canceller<T>
{
    public override void Cancel(Deferred<T> deferred) => canceller(state, deferred);
}
