using System;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Poetry.Net;

/// <summary>
/// One call that is due at a moment of its clock: Twisted's <c>IDelayedCall</c>. It is owned by its
/// <see cref="TimerQueue"/> until it has run or was cancelled; whoever asked for it may cancel or move it until then.
/// </summary>
public abstract class DelayedCall
{
    /// <summary>Of a call that is not pending: it is in no table.</summary>
    internal const int NoPlace = -1;

    private readonly TimerQueue _queue;
    private State _state;

    private protected DelayedCall(TimerQueue queue)
    {
        _queue = queue;
    }

    private enum State : byte
    {
        Idle,
        Pending,
        Called,
        Cancelled,
    }

    /// <summary>The moment at which it is due (or was), on its clock.</summary>
    public TimeSpan Due => TimeSpan.FromTicks(DueTicks);

    /// <summary>Is it still to come? False from the moment its own call begins.</summary>
    public bool Active => _state == State.Pending;

    /// <summary>Due time in ticks of 100 ns; the entry in the <see cref="TimerQueue"/> may still have an earlier one.</summary>
    internal long DueTicks { get; private set; }

    /// <summary>Breaks ties: of two calls due at once, the one scheduled first runs first.</summary>
    internal long Sequence { get; private set; }

    /// <summary>Where it is in the queue's <see cref="TimerTable"/>, which alone sets it.</summary>
    internal int Place { get; set; } = NoPlace;

    /// <summary>Takes the call back. Its entry stays in the queue until it surfaces or half of the entries are stale.</summary>
    /// <exception cref="AlreadyCalled">It has run, or is running.</exception>
    /// <exception cref="AlreadyCancelled">It was cancelled before.</exception>
    public void Cancel()
    {
        ThrowUnlessPending();
        CancelIfActive();
    }

    /// <summary>As <see cref="Cancel"/>, for whom it is all one whether the call is still pending.</summary>
    /// <returns>True if it was.</returns>
    public bool CancelIfActive()
    {
        if (_state != State.Pending)
        {
            return false;
        }

        _state = State.Cancelled;
        _queue.Forget(this);
        return true;
    }

    /// <summary>Makes it due <paramref name="delay"/> from now, whatever was said before.</summary>
    /// <exception cref="AlreadyCalled">It has run, or is running.</exception>
    /// <exception cref="AlreadyCancelled">It was cancelled.</exception>
    public void Reset(TimeSpan delay)
    {
        ThrowUnlessPending();
        MoveTo(_queue.DueAfter(delay));
    }

    /// <summary>Makes it due <paramref name="delay"/> later than it was to be; a negative delay brings it forward.</summary>
    /// <exception cref="AlreadyCalled">It has run, or is running.</exception>
    /// <exception cref="AlreadyCancelled">It was cancelled.</exception>
    public void Delay(TimeSpan delay)
    {
        ThrowUnlessPending();
        MoveTo(SaturatedTime.Add(DueTicks, delay.Ticks));
    }

    /// <summary>
    /// Schedules a call that is not pending, again or for the first time, without making a new object: for owners that
    /// call back at a pace.
    /// </summary>
    /// <param name="delay">From now.</param>
    internal void Rearm(TimeSpan delay) => RearmAt(_queue.DueAfter(delay));

    /// <summary>As <see cref="Rearm"/>, at a moment of the clock.</summary>
    /// <param name="dueTicks">On the clock of its queue; a moment past is due at once.</param>
    internal void RearmAt(long dueTicks)
    {
        Debug.Assert(_state != State.Pending, "a pending call is moved, not armed");
        _state = State.Pending;
        DueTicks = dueTicks;
        Sequence = _queue.NextSequence();
        _queue.Insert(this);
    }

    /// <summary>Runs it: whoever took it out of the queue calls this.</summary>
    internal void Fire()
    {
        Debug.Assert(_state == State.Pending, "only a pending call fires");
        _state = State.Called;
        Run();
    }

    /// <summary>The class whose call it is, for the log.</summary>
    internal abstract string Owner { get; }

    /// <summary>What the call does.</summary>
    private protected abstract void Run();

    private void MoveTo(long dueTicks)
    {
        long before = DueTicks;
        DueTicks = dueTicks;
        Sequence = _queue.NextSequence();
        if (dueTicks < before)
        {
            _queue.Advance(this);
        }
    }

    private void ThrowUnlessPending()
    {
        if (_state != State.Pending)
        {
            ThrowNotPending();
        }
    }

    [DoesNotReturn]
    private void ThrowNotPending() => throw (_state == State.Cancelled ? new AlreadyCancelled() : new AlreadyCalled());
}

/// <summary>A delayed call with its state, so that neither a closure nor a box is made for it.</summary>
internal sealed class DelayedCall<TState>(TimerQueue queue, TState state, Action<TState> call) : DelayedCall(queue)
{
    private protected override void Run() => call(state);

    internal override string Owner => state is Delegate { Target: { } target } ? target.GetType().Name : typeof(TState).Name;
}

/// <summary>The delayed call has run already, or is running: Twisted's <c>AlreadyCalled</c>.</summary>
public sealed class AlreadyCalled : InvalidOperationException
{
    /// <summary>The usual message.</summary>
    public AlreadyCalled()
        : base("the delayed call has run already")
    {
    }
}

/// <summary>The delayed call was cancelled before: Twisted's <c>AlreadyCancelled</c>.</summary>
public sealed class AlreadyCancelled : InvalidOperationException
{
    /// <summary>The usual message.</summary>
    public AlreadyCancelled()
        : base("the delayed call was cancelled already")
    {
    }
}
