using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Poetry.Net;

/// <summary>
/// A call that is due at a time of its clock: Twisted's <c>IDelayedCall</c>. Its <see cref="TimerQueue"/> holds it until it
/// has run or was cancelled. Until then it can be cancelled and moved.
/// </summary>
public abstract class DelayedCall
{
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

    /// <summary>The time at which it is or was due, on its clock.</summary>
    public TimeSpan Due => TimeSpan.FromTicks(DueTicks);

    /// <summary>True if the call is pending. False from the moment it begins to run.</summary>
    public bool Active => _state == State.Pending;

    /// <summary>The due time in ticks of 100 ns. The entry in the <see cref="TimerQueue"/> may have an earlier time.</summary>
    internal long DueTicks { get; private set; }

    /// <summary>The position in the order of scheduling: of two calls due at the same time, the one scheduled first runs first.</summary>
    internal long Sequence { get; private set; }

    /// <summary>The index of its entry while it is pending. Only the queue sets it.</summary>
    internal int HeapIndex { get; set; }

    /// <summary>Cancels the call.</summary>
    /// <exception cref="AlreadyCalled">It has run, or is running.</exception>
    /// <exception cref="AlreadyCancelled">It was cancelled before.</exception>
    public void Cancel()
    {
        ThrowUnlessPending();
        CancelIfActive();
    }

    /// <summary>Cancels the call if it is pending; otherwise does nothing.</summary>
    /// <returns>True if it was pending.</returns>
    public bool CancelIfActive()
    {
        if (_state != State.Pending)
        {
            return false;
        }

        _state = State.Cancelled;
        _queue.Remove(this);
        return true;
    }

    /// <summary>Makes it due <paramref name="delay"/> from now.</summary>
    /// <exception cref="AlreadyCalled">It has run, or is running.</exception>
    /// <exception cref="AlreadyCancelled">It was cancelled.</exception>
    public void Reset(TimeSpan delay)
    {
        ThrowUnlessPending();
        MoveTo(_queue.DueAfter(delay));
    }

    /// <summary>Makes it due <paramref name="delay"/> later than it was; a negative delay makes it earlier.</summary>
    /// <exception cref="AlreadyCalled">It has run, or is running.</exception>
    /// <exception cref="AlreadyCancelled">It was cancelled.</exception>
    public void Delay(TimeSpan delay)
    {
        ThrowUnlessPending();
        MoveTo(SaturatedTime.Add(DueTicks, delay.Ticks));
    }

    /// <summary>Schedules the call, or moves it if it is pending, without an allocation. Used by owners that repeat a call.</summary>
    internal void Rearm(TimeSpan delay) => RearmAt(_queue.DueAfter(delay));

    /// <summary>As <see cref="Rearm"/>, at a time of the clock.</summary>
    /// <param name="dueTicks">The time on the clock of the queue. A past time is due at once.</param>
    internal void RearmAt(long dueTicks)
    {
        if (_state == State.Pending)
        {
            MoveTo(dueTicks);
            return;
        }

        _state = State.Pending;
        DueTicks = dueTicks;
        Sequence = _queue.NextSequence();
        _queue.Insert(this);
    }

    /// <summary>Makes the call, after <see cref="TimerQueue.TakeDue"/> has returned it.</summary>
    internal void Fire()
    {
        Debug.Assert(_state == State.Pending, "only a pending call fires");
        _state = State.Called;
        Run();
    }

    /// <summary>The class that owns the call, for the log.</summary>
    internal abstract string Owner { get; }

    /// <summary>Calls the function with its argument.</summary>
    private protected abstract void Run();

    private void MoveTo(long dueTicks)
    {
        long before = DueTicks;
        DueTicks = dueTicks;
        Sequence = _queue.NextSequence();
        if (dueTicks < before)
        {
            _queue.MoveEarlier(this);
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

/// <summary>A delayed call with its argument. It needs no closure and no box.</summary>
internal sealed class DelayedCall<TState>(TimerQueue queue, TState state, Action<TState> call) : DelayedCall(queue)
{
    private protected override void Run() => call(state);

    internal override string Owner => state is Delegate { Target: { } target } ? target.GetType().Name : typeof(TState).Name;
}

/// <summary>
/// The delayed call has run already, or is running: Twisted's <c>twisted.internet.error.AlreadyCalled</c>. A deferred that is
/// fired twice throws <see cref="AlreadyCalledError"/>.
/// </summary>
public sealed class AlreadyCalled() : InvalidOperationException("the delayed call has run already");

/// <summary>The delayed call was cancelled before: Twisted's <c>AlreadyCancelled</c>.</summary>
public sealed class AlreadyCancelled() : InvalidOperationException("the delayed call was cancelled already");
