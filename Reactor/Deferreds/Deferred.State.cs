using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <content>
/// The state of a deferred and its transitions: the handle that has the result, the position of the chain, and the deferred
/// that a cancel reaches.
/// </content>
public abstract partial class Deferred
{
    /// <summary>The present failure, or null. Reading does not take it.</summary>
    internal Failure? CurrentFailure => (_state & Failed) == 0 ? null : _aux as Failure ?? ((RestingFailure)_aux!).Failure;

    /// <summary>The present value, boxed. Reading does not take it.</summary>
    internal abstract object? CurrentValue { get; }

    /// <summary>True if its result can be taken at once: none of its functions waits or runs.</summary>
    internal bool IsAtRest => _links is null && CanBeTaken;

    /// <summary>True if there is a function to call, or a failure that may have to be reported.</summary>
    private protected bool HasSomethingToDo
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _links is not null || (_state & Failed) != 0;
    }

    /// <summary>True if it has a result that no other deferred waits to receive.</summary>
    private protected bool CanBeTaken =>
        (_state & (Fired | Running | Waiting | Superseded | AnyPause)) == Fired;

    private bool CanRun => (_state & (Fired | Running | Waiting | AnyPause)) == Fired;

    /// <summary>Takes the failure: it counts as handled here, and the default value is left.</summary>
    internal Failure TakeFailure()
    {
        Debug.Assert((_state & Failed) != 0, "only a failed deferred has a failure");
        object? held = _aux;
        _aux = null;
        _state &= ~Failed;
        if (held is RestingFailure resting)
        {
            return resting.Take();
        }

        return Unsafe.As<Failure>(held)!;
    }

    /// <summary>Makes a <see cref="Failure"/> the result, or a <see cref="RestingFailure"/> of the previous handle.</summary>
    internal void SetFailure(object? failure)
    {
        _aux = failure;
        _state |= Failed;
    }

    /// <summary>Makes the exception of a function the result. A separate method, so the common path has a small frame.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void AcceptException(Exception exception)
    {
        Discard();
        SetFailure(new Failure(exception));
    }

    /// <summary>Drops the result, value or failure.</summary>
    internal abstract void Discard();

    /// <summary>Takes the result of a deferred that a function returned, now or when it is available.</summary>
    /// <param name="inner">That deferred. Its failure is always taken. Null leaves the default value.</param>
    /// <param name="how"><see cref="WaitsForVoid"/> if its value is not needed, or 0.</param>
    internal void Accept(Deferred? inner, int how)
    {
        Discard();
        if (inner is { CanBeTaken: true })
        {
            TakeFrom(inner, how);
        }
        else if (inner is not null && CanWaitFor(inner))
        {
            _aux = inner;
            _state |= Waiting | how;
            inner.Append(this);
        }
    }

    /// <summary>Takes the result of the deferred that this one waited for.</summary>
    internal override Deferred? Run(Deferred source)
    {
        Debug.Assert((_state & Waiting) != 0, "only a deferred that waits is handed a result");
        int how = _state & WaitsForVoid;
        _aux = null;
        _state &= ~(Waiting | WaitsForVoid);

        // A function that is added to the source from now on runs at once.
        source._state &= ~Running;
        TakeFrom(source, how);
        return this;
    }

    /// <summary>Takes the value of a deferred of the same type; the default value is left there.</summary>
    private protected abstract void TakeValueFrom(Deferred inner);

    /// <summary>Checks a deferred that a function returned. If this one cannot wait for it, this one fails.</summary>
    private bool CanWaitFor(Deferred inner)
    {
        string? problem = ReferenceEquals(inner, this) ? "a function returned its own deferred, which would wait for itself"
            : (inner._state & Superseded) != 0 ? "a function returned a deferred whose chain continues under another type"
            : null;
        if (problem is not null)
        {
            SetFailure(new Failure(new InvalidOperationException(problem)));
        }

        return problem is null;
    }

    /// <summary>Takes the value or the failure of another deferred. A failure is then unhandled here.</summary>
    private void TakeFrom(Deferred inner, int how)
    {
        if ((inner._state & Failed) != 0)
        {
            SetFailure(inner.TakeFailure());
        }
        else if (how == WaitsForVoid)
        {
            inner.Discard();
        }
        else
        {
            TakeValueFrom(inner);
        }
    }

    /// <summary>Cancels only this deferred.</summary>
    /// <returns>The deferred that has to be cancelled next, or null.</returns>
    private protected virtual Deferred? CancelHere()
    {
        if ((_state & (Waiting | MovedToNextType)) != 0 && (_state & (IsGroup | NotReached)) != IsGroup)
        {
            return Unsafe.As<Deferred>(_aux);
        }

        if ((_state & Fired) == 0)
        {
            CancelUnfired();
        }

        return null;
    }

    /// <summary>Calls the canceller, if there is one, and makes sure that the deferred is fired.</summary>
    private protected abstract void CancelUnfired();

    /// <summary>Called on a coroutine when the cancel of the deferred that it awaited is done.</summary>
    private protected virtual void CancelIsDone()
    {
    }

    /// <summary>Moves the rest of the chain to the handle of its next type, with its pauses.</summary>
    private protected void PassOnTo(Deferred next)
    {
        Debug.Assert((next._state & NotReached) != 0, "a chain reaches each of its types once");
        int pauses = _state & AnyPause;
        _state = (_state & ~(Running | Failed | AnyPause)) | MovedToNextType;
        _aux = next;
        next._state = (next._state & ~(Waiting | NotReached)) + pauses;
        next._aux = null;
    }

    /// <summary>True if it may be fired; false if this call has to be ignored.</summary>
    /// <exception cref="AlreadyCalledError">It has been fired before.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected bool MayFire()
    {
        AssertThread();
        if ((_state & (Fired | FiredByOwnerOnly | NotReached)) == 0)
        {
            return true;
        }

        FiredAgain();
        return false;
    }

    /// <summary>Handles a second fire, or a fire by code that may not do that. Returns if it is ignored, else throws.</summary>
    private void FiredAgain()
    {
        if ((_state & IgnoresNextFire) != 0)
        {
            _state &= ~IgnoresNextFire;
            return;
        }

        if ((_state & (NotReached | FiredByOwnerOnly)) != 0)
        {
            throw new InvalidOperationException("this deferred is fired by the operation that made it, through its first handle");
        }

        throw new AlreadyCalledError();
    }

    /// <summary>Finds the handle that the chain has reached. It counts the pauses.</summary>
    internal Deferred Active()
    {
        Deferred current = this;
        while ((current._state & MovedToNextType) != 0)
        {
            current = (Deferred)current._aux!;
        }

        return current.Head();
    }

    /// <summary>Finds the last handle, up to this one, that the chain has reached. That is the first one before it fires.</summary>
    internal Deferred Head()
    {
        Deferred current = this;
        while ((current._state & NotReached) != 0)
        {
            current = (Deferred)current._aux!;
        }

        return current;
    }

    [DoesNotReturn]
    private static void ThrowSuperseded() => throw new InvalidOperationException(
        "the chain has changed its type: add to the deferred that AddCallback returned");
}
