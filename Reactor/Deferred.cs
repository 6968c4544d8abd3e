using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
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
/// ways across are in <see cref="DeferredBridges"/>. Firing runs the functions at once, on the stack of whoever fires.
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

    /// <summary>The last in line, whose next is the first.</summary>
    private ChainLink? _last;

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
    public bool Called => ((Head()._state & Fired) != 0);

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
    internal bool IsAtRest => _last is null && CanBeTaken;

    /// <summary>Now that it has a result: is there a function to call, or a failure that may have to be reported?</summary>
    private protected bool HasSomethingToDo => _last is not null || (_state & Failed) != 0;

    /// <summary>Has it handed its result over in the middle of its chain, and waits for the loop to come back?</summary>
    internal bool IsInterrupted => _last is not null && CanBeTaken;

    /// <summary>Does it have a result that is nobody else's business just now?</summary>
    private protected bool CanBeTaken =>
        (_state & (Fired | Running | Waiting | Superseded | AnyPause)) == Fired;

    private bool CanRun => (_state & (Fired | Running | Waiting | AnyPause)) == Fired;

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
        try
        {
            for (Deferred? current = this; current is not null;)
            {
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
        Deferred current = first;
        RunStack stack = default;
        while (true)
        {
            Deferred? next = current.RunOwnLinks();
            if (next is not null)
            {
                // Not to be come back to, if there is nothing left to do: that keeps the list short, mostly empty.
                if (current._last is not null || (current._state & Running) != 0)
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

        while (_last is not null)
        {
            ChainLink link = RemoveFirst(_last);
            _state |= Running;
            Deferred? next = link.Run(this);
            if (next is not null)
            {
                return next;
            }

            _state &= ~Running;
            if ((_state & (Waiting | AnyPause)) != 0)
            {
                // Paused by its own last function: it has come to rest all the same.
                if ((_state & Waiting) != 0 || _last is not null)
                {
                    return null;
                }
            }
        }

        if ((_state & Failed) != 0 && _aux is Failure failure)
        {
            _aux = new RestingFailure(failure);
        }

        return null;
    }

    /// <summary>Puts a link at the end of the line, and lets it run if nothing is in the way.</summary>
    /// <exception cref="InvalidOperationException">The chain goes on under another type.</exception>
    internal void AddLink(ChainLink link)
    {
        if ((_state & Superseded) != 0)
        {
            ThrowSuperseded();
        }

        Append(link);
        RunIfItCan();
    }

    /// <summary>Puts a link at the end of the line.</summary>
    private protected void Append(ChainLink link)
    {
        Debug.Assert(link.Next is null, "a link stands in one line at a time");
        if (_last is null)
        {
            link.Next = link;
        }
        else
        {
            link.Next = _last.Next;
            _last.Next = link;
        }

        _last = link;
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

    private ChainLink RemoveFirst(ChainLink last)
    {
        ChainLink first = last.Next!;
        if (ReferenceEquals(first, last))
        {
            _last = null;
        }
        else
        {
            last.Next = first.Next;
        }

        first.Next = null;
        return first;
    }

    [DoesNotReturn]
    private static void ThrowSuperseded() => throw new InvalidOperationException(
        "the chain has changed its type since: go on with the deferred that AddCallback returned");

    /// <summary>
    /// The deferreds to come back to. They lie in one array a thread, which loops within loops share, so that a push is a
    /// store; most loops never touch it.
    /// </summary>
    private struct RunStack
    {
        private const int SmallestStack = 16;

        /// <summary>32 KiB: what a flood has needed is given back after it.</summary>
        private const int LargestStackKept = 4096;

        [ThreadStatic]
        private static Item[]? _items;

        [ThreadStatic]
        private static int _count;

        private int _mine;

        public readonly bool IsEmpty => _mine == 0;

        public void Push(Deferred deferred)
        {
            Item[] items = _items ??= new Item[SmallestStack];
            if (_count == items.Length)
            {
                Array.Resize(ref items, _count * 2);
                _items = items;
            }

            items[_count++].Deferred = deferred;
            _mine++;
        }

        public Deferred Pop()
        {
            Debug.Assert(_mine > 0, "a loop comes back to its own only");
            Item[] items = _items!;
            ref Item item = ref items[--_count];
            Deferred deferred = item.Deferred!;
            item.Deferred = null;
            _mine--;
            if (_count == 0 && items.Length > LargestStackKept)
            {
                _items = null;
            }

            return deferred;
        }

        /// <summary>An array of structs is written without asking whether the element fits.</summary>
        private struct Item
        {
            public Deferred? Deferred;
        }
    }
}
