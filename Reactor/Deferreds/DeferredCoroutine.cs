using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// An async method that had to wait: its deferred, and its link in the chain that it awaits. While it has not ended,
/// <see cref="Deferred._aux"/> is the deferred that it awaits, or null while its own code runs.
/// </summary>
internal abstract class Coroutine<T> : Deferred<T>
{
    private protected Coroutine()
    {
        _state = FiredByOwnerOnly;
    }

    public void Await(Deferred awaited)
    {
        _aux = awaited;
        awaited.AddLink(this);
        if ((_state & CancelsNext) != 0)
        {
            _state &= ~CancelsNext;
            Cancel();
        }
    }

    /// <summary>Called when the method has ended. Its functions run next or, during a cancel, when the cancel is done.</summary>
    public void End(Outcome<T> outcome)
    {
        Accept(outcome);
        _state |= (_state & Cancelling) != 0 ? EndedInCancel : Fired;
    }

    /// <summary>Called when the deferred that it awaits has a result or, after it has ended, when the one that its chain waits
    /// for has a result.</summary>
    internal override Deferred? Run(Deferred source)
    {
        if ((_state & Fired) != 0)
        {
            return base.Run(source);
        }

        // The source counts as running until the loop returns to it: for the source, the method and its functions are one
        // function.
        Debug.Assert(ReferenceEquals(_aux, source), "a coroutine continues with the deferred that it awaited");
        _aux = null;
        MoveNext();
        return (_state & Fired) != 0 && HasSomethingToDo ? this : null;
    }

    private protected abstract void MoveNext();

    private protected override Deferred? CancelHere()
    {
        if ((_state & Fired) != 0)
        {
            return base.CancelHere();
        }

        if ((_state & (Cancelling | EndedInCancel)) != 0)
        {
            return null;
        }

        if (_aux is not Deferred awaited)
        {
            _state |= CancelsNext;
            return null;
        }

        _state |= Cancelling;
        return awaited;
    }

    private protected override void CancelIsDone()
    {
        _state &= ~Cancelling;
        if ((_state & EndedInCancel) != 0)
        {
            _state &= ~EndedInCancel;
            Fire(_state & Failed);
        }
    }
}

/// <summary>A coroutine with the state machine that the compiler generated for its method.</summary>
internal sealed class Coroutine<T, TStateMachine> : Coroutine<T>
    where TStateMachine : IAsyncStateMachine
{
    /// <summary>The locals of the method, and its position.</summary>
    public TStateMachine StateMachine = default!;

    private protected override void MoveNext()
    {
        StateMachine.MoveNext();
        if ((_state & (Fired | EndedInCancel)) != 0)
        {
            StateMachine = default!;
        }
    }
}
