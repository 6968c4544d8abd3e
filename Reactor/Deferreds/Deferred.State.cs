using System;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// What there is to know of a deferred, and the steps from one state to the next: whose result it is, where the chain is,
/// whom a cancel is for.
/// </summary>
public abstract partial class Deferred
{
    /// <summary>Does it rest with a failure that nobody has taken?</summary>
    internal bool HasUnhandledFailure => (_state & Failed) != 0 && _aux is RestingFailure;

    /// <summary>The deferred that it waits for, or null.</summary>
    internal Deferred? WaitsFor => (_state & Waiting) != 0 ? (Deferred)_aux! : null;

    /// <summary>Pauses that were not undone.</summary>
    internal int PauseCount => (Active()._state & AnyPause) / OnePause;

    /// <summary>The failure it has now, or null. Looking does not take it.</summary>
    internal Failure? CurrentFailure => (_state & Failed) == 0 ? null : _aux as Failure ?? ((RestingFailure)_aux!).Failure;

    /// <summary>The value it has now, boxed. Looking does not take it.</summary>
    internal abstract object? CurrentValue { get; }

    /// <summary>Does it have a result that can be had at once? Then no function of it is waiting, and none is running.</summary>
    internal bool IsAtRest => _line is null && CanBeTaken;

    /// <summary>Now that it has a result: is there a function to call, or a failure that may have to be reported?</summary>
    private protected bool HasSomethingToDo
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _line is not null || (_state & Failed) != 0;
    }

    /// <summary>Has it handed its result over in the middle of its chain, and waits for the loop to come back?</summary>
    internal bool IsInterrupted => _line is not null && CanBeTaken;

    /// <summary>Does it have a result that is nobody else's business just now?</summary>
    private protected bool CanBeTaken =>
        (_state & (Fired | Running | Waiting | Superseded | AnyPause)) == Fired;

    private bool CanRun => (_state & (Fired | Running | Waiting | AnyPause)) == Fired;

    /// <summary>Takes the failure away, so that it is no longer this deferred's own: what is left is the default value.</summary>
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

    /// <summary>Makes a failure the result.</summary>
    internal void SetFailure(Failure failure)
    {
        _aux = failure;
        _state |= Failed;
    }

    /// <summary>Holds the failure of the handle before, as that held it.</summary>
    internal void InheritFailure(object? held)
    {
        _aux = held;
        _state |= Failed;
    }

    /// <summary>Lets go of the result, whatever it is.</summary>
    internal abstract void Discard();

    /// <summary>Does what cancelling means here.</summary>
    /// <returns>Whom to cancel instead, or null.</returns>
    private protected virtual Deferred? CancelHere()
    {
        if ((_state & (Waiting | PassedOn)) != 0 && (_state & (OfGroup | Ahead)) != OfGroup)
        {
            return Unsafe.As<Deferred>(_aux);
        }

        if ((_state & Fired) == 0)
        {
            CancelUnfired();
        }

        return null;
    }

    /// <summary>Asks the canceller, if there is one, and makes sure that it is fired.</summary>
    private protected abstract void CancelUnfired();

    /// <summary>Of a coroutine: what it awaited has been cancelled.</summary>
    private protected virtual void CancelIsDone()
    {
    }

    /// <summary>Hands the rest of the chain to the handle of its next type, pauses included.</summary>
    private protected void PassOnTo(Deferred next)
    {
        Debug.Assert((next._state & Ahead) != 0, "a chain comes to each of its types once");
        int pauses = _state & AnyPause;
        _state = (_state & ~(Running | Failed | AnyPause)) | PassedOn;
        _aux = next;
        next._state = (next._state & ~(Waiting | Ahead)) + pauses;
        next._aux = null;
    }

    /// <summary>Says that its result has gone elsewhere: who adds a function from now on runs it.</summary>
    internal void StopRunning() => _state &= ~Running;

    /// <summary>Fired twice, or by one who may not. Returns if that is to be overlooked.</summary>
    private protected void FiredAgain()
    {
        if ((_state & Swallows) != 0)
        {
            _state &= ~Swallows;
            return;
        }

        if ((_state & (Ahead | Owned)) != 0)
        {
            throw new InvalidOperationException("a deferred is fired by who made it, through the handle it was made as");
        }

        throw new AlreadyCalledError();
    }

    /// <summary>The handle that the chain has come to: only there can it be held.</summary>
    internal Deferred Active()
    {
        Deferred current = this;
        while ((current._state & PassedOn) != 0)
        {
            current = (Deferred)current._aux!;
        }

        return current.Head();
    }

    private Deferred Head()
    {
        Deferred current = this;
        while ((current._state & Ahead) != 0)
        {
            current = (Deferred)current._aux!;
        }

        return current;
    }

    [DoesNotReturn]
    private static void ThrowSuperseded() => throw new InvalidOperationException(
        "the chain has changed its type since: go on with the deferred that AddCallback returned");
}
