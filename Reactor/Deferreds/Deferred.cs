using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// A result that will be available later, and the chain of functions that wait for it. It behaves exactly like Twisted's
/// <c>Deferred</c> (twisted/internet/defer.py). This is the untyped part: the state, the loop that runs a chain, cancelling
/// and pausing. <see cref="Deferred{T}"/> has the value.
/// </summary>
/// <remarks>
/// <para>
/// The code that starts an operation makes a deferred, returns it, and fires it once with a value or a
/// <see cref="Failure"/>. The caller adds functions to it, before or after it fires. Each function gets what the previous
/// one returned. A thrown exception becomes a failure, and a returned deferred is waited for.
/// </para>
/// <para>
/// A deferred belongs to the thread of its reactor. Nothing here is locked, and nothing may be called from another thread:
/// use <see cref="DeferredBridges"/> for that. A debug build of the library asserts this (Deferred.Thread.cs). Firing runs
/// the functions at once, on the stack of the caller.
/// </para>
/// <para>
/// A failure that no function handles is reported when its deferred is no longer referenced (UnhandledFailures.cs).
/// </para>
/// <para>
/// An <c>async Deferred&lt;T&gt;</c> method corresponds to Twisted's <c>inlineCallbacks</c>. It runs at once, up to its first
/// <c>await</c> of a deferred that has no result yet. It continues when that deferred fires, in the middle of its chain and on
/// the same stack: no scheduler, no context, no other thread. An <c>await</c> takes the result out of the deferred and leaves
/// the default value there. Cancelling the deferred of a method that has not ended cancels the deferred that it awaits. The
/// <c>await</c> then throws or returns, as that deferred ends; the method may catch the exception and end in any way.
/// </para>
/// </remarks>
[AsyncMethodBuilder(typeof(DeferredMethodBuilder))]
public abstract partial class Deferred : ChainLink
{
    private protected const int Fired = 1 << 0;

    /// <summary>The result is the failure in <see cref="_aux"/> rather than the value.</summary>
    private protected const int Failed = 1 << 1;

    /// <summary>One of its functions is on the stack: the loop that called it runs the functions that are added now.</summary>
    private protected const int Running = 1 << 2;

    /// <summary>It waits for the result of the deferred in <see cref="_aux"/>.</summary>
    private protected const int Waiting = 1 << 3;

    /// <summary>Cancelled without a canceller: the operation continues and may fire it once more, which is ignored.</summary>
    private protected const int IgnoresNextFire = 1 << 4;

    /// <summary>The chain continues under another type: functions are added to that handle.</summary>
    private protected const int Superseded = 1 << 5;

    /// <summary>The chain has reached its next type: the handle in <see cref="_aux"/>.</summary>
    private protected const int MovedToNextType = 1 << 6;

    /// <summary>A handle that the chain has not reached. The previous handle is in <see cref="_aux"/>.</summary>
    private protected const int NotReached = 1 << 7;

    /// <summary>Only its coroutine or its queue may fire it.</summary>
    private protected const int FiredByOwnerOnly = 1 << 8;

    /// <summary>Its canceller is being called; for a coroutine: the deferred that it awaits is being cancelled.</summary>
    private protected const int Cancelling = 1 << 9;

    /// <summary>A coroutine that ended during that cancel: it fires when the cancel is done.</summary>
    private protected const int EndedInCancel = 1 << 10;

    /// <summary>A coroutine that was cancelled by its own code: the next deferred that it awaits is cancelled.</summary>
    private protected const int CancelsNext = 1 << 11;

    /// <summary>A list or another group: once it has fired, cancelling does nothing, even while it waits for another deferred.</summary>
    private protected const int IsGroup = 1 << 12;

    /// <summary>The value of the deferred that it waits for is dropped; a failure is taken.</summary>
    private protected const int WaitsForVoid = 1 << 13;

    private protected const int AnyPause = ~(OnePause - 1);

    /// <summary>32 KiB: a larger stack is freed after the burst that needed it.</summary>
    private const int MaxInterruptedKept = 4096;

    /// <summary>The deferreds to which the loops of this thread return; those of nested loops are on top.</summary>
    [ThreadStatic]
    private static Stack<Deferred>? _interrupted;

    /// <summary>
    /// Before it fires: the canceller. With a failure: the failure, or the <see cref="RestingFailure"/> that holds it. While
    /// it waits: the deferred that it waits for. One field is enough, because a deferred has only one of them at a time: a
    /// deferred of an int takes 48 bytes.
    /// </summary>
    private protected object? _aux;

    private protected int _state;

    private protected Deferred()
    {
    }

    /// <summary>True if it has been fired. Its functions may still wait for another deferred, or for an unpause.</summary>
    public bool Called => (Head()._state & Fired) != 0;

    /// <summary>
    /// Cancels the operation, because its result is no longer needed. If the deferred has not fired, its canceller is called
    /// to stop the operation, if it can; unless the canceller fires it, it then fails with <see cref="CancelledError"/>.
    /// Without a canceller, one later result of the operation is ignored. If the deferred waits for another one, that one is
    /// cancelled, to any depth. Otherwise this has no effect.
    /// </summary>
    /// <remarks>If a canceller throws, the deferred stays unfired and this method throws that exception.</remarks>
    public void Cancel()
    {
        AssertThread();

        // A coroutine that is cancelled fires only after the deferred that it awaits has been cancelled. The coroutines on the
        // way are kept here and not on the stack, because there may be a hundred thousand.
        List<Deferred>? coroutines = null;

        // Deferreds that wait for each other in a cycle never fire, but this walk has to end. The mark moves after 16 steps,
        // then after 32 and so on, so in a cycle the walk comes back to it (Brent's algorithm).
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

    /// <summary>
    /// Pauses the chain: no function is called until <see cref="Unpause"/> is called the same number of times. A chain that
    /// pauses itself from inside a function runs to its end, as in Twisted: the pause stops functions that are added later.
    /// </summary>
    /// <exception cref="OverflowException">It is paused 65,535 times; in a debug build of this library 1,023 times.</exception>
    public void Pause()
    {
        AssertThread();
        Deferred active = Active();
        active._state = checked(active._state + OnePause);
    }

    /// <summary>Undoes one <see cref="Pause"/>. The last one runs the functions that have become due.</summary>
    /// <exception cref="InvalidOperationException">It is not paused.</exception>
    public void Unpause()
    {
        AssertThread();
        Deferred active = Active();
        if ((active._state & AnyPause) == 0)
        {
            throw new InvalidOperationException("the deferred is not paused");
        }

        active._state -= OnePause;
        active.RunIfItCan();
    }

    /// <summary>
    /// Runs a chain and all chains that its result reaches. When a deferred receives a result, its functions run before the
    /// rest of the chain that the result came from, as in a call. But a loop and a list replace the calls: long chains and
    /// deeply nested deferreds do not use up the stack.
    /// </summary>
    private protected static void RunChain(Deferred first)
    {
        // Most results go to no other deferred, and need no list.
        if (first.RunOwnLinks(hasBegun: false) is { } reached)
        {
            RunChain(first, reached);
        }
    }

    private static void RunChain(Deferred current, Deferred? next)
    {
        int pushedCount = 0;
        while (true)
        {
            // The next handle of a running chain is in the middle of that chain.
            bool hasBegun = next is not null && (current._state & MovedToNextType) != 0;
            if (next is not null)
            {
                // Return here only if something is left to do: this keeps the stack short, and usually empty.
                if (current._links is not null || (current._state & Running) != 0)
                {
                    (_interrupted ??= new()).Push(current);
                    pushedCount++;
                }

                current = next;
            }
            else if (pushedCount == 0)
            {
                return;
            }
            else
            {
                current = PopInterrupted();
                current._state &= ~Running;
                pushedCount--;
            }

            next = current.RunOwnLinks(hasBegun);
        }
    }

    private static Deferred PopInterrupted()
    {
        Stack<Deferred> interrupted = _interrupted!;
        Deferred last = interrupted.Pop();
        if (interrupted.Count == 0 && interrupted.Capacity > MaxInterruptedKept)
        {
            _interrupted = null;
        }

        return last;
    }

    /// <summary>Runs the links of this deferred until the chain ends or waits, or another deferred gets the result.</summary>
    /// <param name="hasBegun">True in the middle of a chain: Twisted checks for pauses only before the first function.</param>
    /// <returns>That deferred, or null.</returns>
    private Deferred? RunOwnLinks(bool hasBegun)
    {
        Debug.Assert((_state & Running) == 0, "a running deferred is left to the loop that runs it");
        if ((_state & (hasBegun ? Waiting : Waiting | AnyPause)) != 0)
        {
            return null;
        }

        if (_links is not null)
        {
            _state |= Running;
            do
            {
                ChainLink? rest = TakeLinks();
                do
                {
                    Deferred? next = RemoveFirst(ref rest).Run(this);
                    if (next is not null)
                    {
                        PutBack(rest);
                        return next;
                    }

                    // A function that pauses its own chain does not stop it here.
                    if ((_state & Waiting) != 0)
                    {
                        PutBack(rest);
                        _state &= ~Running;
                        return null;
                    }
                }
                while (rest is not null);
            }
            while (_links is not null);
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

    /// <summary>Marks the deferred as fired, after the result has been set, and runs the functions that can run.</summary>
    private protected void Fire(int how)
    {
        _state |= Fired | how;
        if (HasSomethingToDo)
        {
            RunIfItCan();
        }
    }
}
