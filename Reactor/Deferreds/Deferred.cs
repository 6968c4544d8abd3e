using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// A result that is not there yet, and the chain of functions that are waiting for it: Twisted's <c>Deferred</c>
/// (twisted/internet/defer.py), to the letter. This is the part that knows no type: the state, the loop that runs a chain,
/// cancelling and pausing. What has to do with the value is in <see cref="Deferred{T}"/>.
/// </summary>
/// <remarks>
/// <para>
/// Whoever starts an operation makes a deferred, hands it out and fires it once, with a value or a
/// <see cref="Failure"/>; whoever is given one adds functions to it, before or after it fires. Each function gets what the
/// one before it returned, a thrown exception becomes a failure, and a returned deferred is waited for.
/// </para>
/// <para>
/// A deferred belongs to the thread of its reactor. Nothing here is locked and nothing may be called from elsewhere; the
/// ways across are in <see cref="DeferredBridges"/>. Nor is it found out: a deferred knows neither its reactor nor its thread,
/// may be made before the reactor runs on another, and would pay for that knowledge 8 bytes and with every function a look
/// at the thread. Firing runs the functions at once, on the stack of whoever fires.
/// </para>
/// <para>
/// A failure that no function takes is reported once its deferred is forgotten: see <see cref="UnhandledFailures"/>.
/// </para>
/// </remarks>
[AsyncMethodBuilder(typeof(DeferredMethodBuilder))]
public abstract partial class Deferred : ChainLink
{
    /// <summary>It has a result, or had one.</summary>
    private protected const int Fired = 1 << 0;

    /// <summary>The result is the failure in <see cref="_aux"/> rather than the value.</summary>
    private protected const int Failed = 1 << 1;

    /// <summary>One of its functions is on the stack: who adds another now leaves it to the loop below.</summary>
    private protected const int Running = 1 << 2;

    /// <summary>Stands still until the deferred in <see cref="_aux"/> hands its result over.</summary>
    private protected const int Waiting = 1 << 3;

    /// <summary>Cancelled without a canceller: the operation knows nothing of it and may fire once more, in vain.</summary>
    private protected const int Swallows = 1 << 4;

    /// <summary>The chain goes on under another type: functions are added there.</summary>
    private protected const int Superseded = 1 << 5;

    /// <summary>The chain has come to its next type: the handle in <see cref="_aux"/>.</summary>
    private protected const int PassedOn = 1 << 6;

    /// <summary>A handle that the chain has not come to: waits for the one of the type before, in <see cref="_aux"/>.</summary>
    private protected const int Ahead = 1 << 7;

    /// <summary>Only its coroutine may fire it.</summary>
    private protected const int Owned = 1 << 8;

    /// <summary>A coroutine whose awaited deferred is being cancelled.</summary>
    private protected const int Cancelling = 1 << 9;

    /// <summary>A coroutine that ended meanwhile: it fires when that cancel is done.</summary>
    private protected const int EndedInCancel = 1 << 10;

    /// <summary>A coroutine that was cancelled by its own code: what it awaits next is cancelled.</summary>
    private protected const int CancelsNext = 1 << 11;

    /// <summary>A list and the like: once fired, cancelling does nothing, even while it waits for another.</summary>
    private protected const int OfGroup = 1 << 12;

    /// <summary>One pause; the bits from here up count them.</summary>
    private protected const int OnePause = 1 << 13;

    private protected const int AnyPause = ~(OnePause - 1);

    /// <summary>
    /// The one thing besides the value that there is to know at a time. Before it fires: the canceller. With a failure:
    /// that, or the <see cref="RestingFailure"/> that holds it. While it waits: for whom. A deferred has one at most, and
    /// memory is counted: 48 bytes with an int.
    /// </summary>
    private protected object? _aux;

    private protected int _state;

    private protected Deferred()
    {
    }

    /// <summary>Has it been fired? Its functions may still be waiting for another deferred, or for an unpause.</summary>
    public bool Called => (Head()._state & Fired) != 0;

    /// <summary>
    /// Says that nobody wants the result any more. Not fired yet: its canceller is called, to stop the operation if it can,
    /// and if that does not fire it, it fails with <see cref="CancelledError"/>; without a canceller the one result that may
    /// still come is swallowed. Waiting for another deferred: that one is cancelled, to any depth. Otherwise nothing.
    /// </summary>
    /// <remarks>A canceller that throws leaves the deferred unfired, and the exception leaves from here.</remarks>
    public void Cancel()
    {
        // A coroutine that is cancelled fires only after what it awaited has been cancelled: those on the way are kept
        // here, rather than on the stack, for there may be a hundred thousand.
        List<Deferred>? coroutines = null;

        // Deferreds that wait for each other in a circle never fire; but the walk has to end. The mark moves on after 16
        // steps, then 32 and so on, so in a circle the walk comes back to it (Brent's way).
        Deferred? mark = null;
        int steps = 0;
        int markAgainAt = 16;
        try
        {
            for (Deferred? current = this; current is not null && !ReferenceEquals(current, mark);)
            {
                if (++steps == markAgainAt)
                {
                    mark = current;
                    markAgainAt *= 2;
                }

                Deferred? next = current.CancelHere();
                if (next is not null && (current._state & Cancelling) != 0)
                {
                    (coroutines ??= []).Add(current);
                }

                current = next;
            }
        }
        finally
        {
            for (int i = (coroutines?.Count ?? 0) - 1; i >= 0; i--)
            {
                coroutines![i].CancelIsDone();
            }
        }
    }

    /// <summary>Holds the chain: no function is called until as many <see cref="Unpause"/> have followed.</summary>
    public void Pause() => Active()._state += OnePause;

    /// <summary>Takes one <see cref="Pause"/> back; the last one lets the functions run that have become due.</summary>
    /// <exception cref="InvalidOperationException">There was no pause.</exception>
    public void Unpause()
    {
        Deferred active = Active();
        if ((active._state & AnyPause) == 0)
        {
            throw new InvalidOperationException("there was no pause to take back");
        }

        active._state -= OnePause;
        active.RunIfItCan();
    }

    /// <summary>
    /// Runs chains, from one that may run to all that its result reaches. The functions of a deferred that is handed a
    /// result come before what is left of the one that handed it over, as in a call; but the calls are a loop and a list,
    /// so that neither a chain of any length nor deferreds within deferreds to any depth need stack.
    /// </summary>
    private protected static void RunChain(Deferred first)
    {
        // Most results go nowhere else: those need no list.
        if (first.RunOwnLinks() is { } reached)
        {
            RunChain(first, reached);
        }
    }

    private static void RunChain(Deferred current, Deferred? next)
    {
        RunStack stack = default;
        while (true)
        {
            if (next is not null)
            {
                // Not to be come back to, if there is nothing left to do: that keeps the list short, mostly empty.
                if (current._line is not null || (current._state & Running) != 0)
                {
                    stack.Push(current);
                }

                current = next;
            }
            else if (stack.IsEmpty)
            {
                return;
            }
            else
            {
                current = stack.Pop();
                current._state &= ~Running;
            }

            next = current.RunOwnLinks();
        }
    }

    /// <summary>Calls what is in line here, until the line ends, or the chain has to wait, or the result goes elsewhere.</summary>
    /// <returns>Where it went, or null.</returns>
    private Deferred? RunOwnLinks()
    {
        Debug.Assert((_state & Running) == 0, "a running deferred is left to the loop that runs it");
        if ((_state & (Waiting | AnyPause)) != 0)
        {
            return null;
        }

        if (_line is not null)
        {
            _state |= Running;
            do
            {
                ChainLink? rest = TakeLine();
                do
                {
                    Deferred? next = RemoveFirst(ref rest).Run(this);
                    if (next is not null)
                    {
                        PutBack(rest);
                        return next;
                    }

                    if ((_state & (Waiting | AnyPause)) != 0)
                    {
                        PutBack(rest);
                        _state &= ~Running;

                        // Paused by its own last function: it has come to rest all the same.
                        if ((_state & Waiting) != 0 || _line is not null)
                        {
                            return null;
                        }

                        break;
                    }
                }
                while (rest is not null);
            }
            while (_line is not null);
            _state &= ~Running;
        }

        if ((_state & Failed) != 0 && _aux is Failure failure)
        {
            _aux = new RestingFailure(failure);
        }

        return null;
    }

    private protected void RunIfItCan()
    {
        if (CanRun)
        {
            RunChain(this);
        }
    }

    /// <summary>The result has been set: from now on it is fired.</summary>
    private protected void Fire(int how)
    {
        _state |= Fired | how;
        if (HasSomethingToDo)
        {
            RunIfItCan();
        }
    }
}
