using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// The delayed calls of one clock, ordered by due time. Calls that are due at the same time are in the order in which they were
/// scheduled. To write a clock, combine this queue with a property that returns the time: see <see cref="IClock"/>.
/// </summary>
/// <remarks>
/// A heap with four children per node, in one array. Cancelling removes the entry at once. Moving a call to a later time only
/// changes the call: its entry is moved when it reaches the top. Timers.md in this folder explains both.
/// </remarks>
public sealed class TimerQueue
{
    /// <summary>
    /// The number of children of a node. A heap with four is half as deep as one with two, and the entries of four children
    /// lie side by side, in two cache lines.
    /// </summary>
    private const int Arity = 4;

    private const int MinCapacity = 16;

    /// <summary>The capacity up to which the array does not shrink: 24 KB, for a number of calls that rises and falls.</summary>
    private const int MaxIdleCapacity = 1024;

    private readonly IClock _clock;
    private Entry[] _heap = [];

    /// <summary>Makes an empty queue.</summary>
    /// <param name="clock">The clock; delays count from its present time.</param>
    public TimerQueue(IClock clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _clock = clock;
    }

    /// <summary>The number of pending calls.</summary>
    public int Count { get; private set; }

    /// <summary>The number of entries that the array has space for.</summary>
    internal int Capacity => _heap.Length;

    /// <summary>
    /// The sequence number of the call that was scheduled last. A loop reads it at the start of a turn: calls with a higher
    /// number wait for the next turn.
    /// </summary>
    internal long LastSequence { get; private set; }

    /// <summary>Schedules a call. A clock with this queue implements <see cref="IClock.CallLater"/> by it.</summary>
    /// <param name="delay">The delay from the clock's present time, not negative.</param>
    /// <param name="state">The argument of the call.</param>
    /// <param name="call">The function.</param>
    /// <returns>The pending call.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative.</exception>
    public DelayedCall Add<TState>(TimeSpan delay, TState state, Action<TState> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        var delayed = new DelayedCall<TState>(this, state, call);
        delayed.RearmAt(DueAfter(delay));
        return delayed;
    }

    /// <summary>Gets the due time of the earliest call.</summary>
    /// <returns>False if no call is pending.</returns>
    public bool TryGetNextDue(out TimeSpan due)
    {
        bool found = TryPeek(out long dueTicks);
        due = TimeSpan.FromTicks(dueTicks);
        return found;
    }

    /// <summary>
    /// Makes all calls that are due, in order; also calls that they schedule, if those are due. If a call throws, this method
    /// throws its exception, and the calls after it stay pending.
    /// </summary>
    /// <returns>The number of calls made.</returns>
    public int RunDue()
    {
        int made = 0;
        while (TakeDue(_clock.Now.Ticks, long.MaxValue) is { } call)
        {
            made++;
            call.Fire();
        }

        return made;
    }

    /// <summary>Makes a call that is not scheduled yet. Its owner schedules it by <see cref="DelayedCall.Rearm"/>.</summary>
    internal DelayedCall Create<TState>(TState state, Action<TState> call) => new DelayedCall<TState>(this, state, call);

    /// <summary>Gets the due time of the earliest call, in ticks of 100 ns.</summary>
    /// <returns>False if no call is pending.</returns>
    internal bool TryPeek(out long dueTicks)
    {
        bool found = TryGetFirst(out Entry first);
        dueTicks = first.DueTicks;
        return found;
    }

    /// <summary>Removes the earliest call, if it is due and its sequence number is within the bound.</summary>
    /// <param name="nowTicks">The time up to which calls are due.</param>
    /// <param name="sequenceBound">The maximum sequence number. Calls with a higher one wait for the next turn.</param>
    /// <returns>The call, ready to <see cref="DelayedCall.Fire"/>; or null.</returns>
    internal DelayedCall? TakeDue(long nowTicks, long sequenceBound)
    {
        if (!TryGetFirst(out Entry first) || first.DueTicks > nowTicks || first.Sequence > sequenceBound)
        {
            return null;
        }

        RemoveAt(0);
        return first.Call;
    }

    internal long NextSequence() => ++LastSequence;

    /// <summary>The due times of all pending calls, earliest first. Used by tests.</summary>
    internal TimeSpan[] Dues()
    {
        TimeSpan[] dues = Array.ConvertAll(_heap[..Count], static entry => entry.Call.Due);
        Array.Sort(dues);
        return dues;
    }

    /// <summary>The time <paramref name="delay"/> from now, at most <see cref="TimeSpan.MaxValue"/>.</summary>
    internal long DueAfter(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        return SaturatedTime.Add(_clock.Now.Ticks, delay.Ticks);
    }

    /// <summary>Adds a newly scheduled call.</summary>
    internal void Insert(DelayedCall call)
    {
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, Math.Max(MinCapacity, Count * 2));
        }

        MoveUp(Count++, new Entry(call));
    }

    /// <summary>Called when a call became due earlier. Its entry moves only if the call is now due before the entry.</summary>
    internal void MoveEarlier(DelayedCall call)
    {
        if (call.DueTicks < _heap[call.HeapIndex].DueTicks)
        {
            MoveUp(call.HeapIndex, new Entry(call));
        }
    }

    /// <summary>Removes a cancelled call.</summary>
    internal void Remove(DelayedCall call)
    {
        Debug.Assert(_heap[call.HeapIndex].Call == call, "the entry is the call's own");
        RemoveAt(call.HeapIndex);
    }

    /// <summary>Gets the entry of the earliest call, after moving down the entries whose calls have become due later.</summary>
    private bool TryGetFirst(out Entry first)
    {
        while (Count > 0)
        {
            first = _heap[0];
            if (first.IsCurrent)
            {
                return true;
            }

            MoveDown(0, new Entry(first.Call));
        }

        first = default;
        return false;
    }

    private void RemoveAt(int index)
    {
        Entry last = _heap[--Count];
        _heap[Count] = default;
        if (index < Count)
        {
            if (index > 0 && last.IsBefore(_heap[(index - 1) / Arity]))
            {
                MoveUp(index, last);
            }
            else
            {
                MoveDown(index, last);
            }
        }

        if (_heap.Length > MaxIdleCapacity && Count < _heap.Length / 8)
        {
            Array.Resize(ref _heap, _heap.Length / 4);
        }
    }

    /// <summary>Puts an entry at an index, or above it while it comes before its parent.</summary>
    private void MoveUp(int index, Entry moving)
    {
        while (index > 0)
        {
            int parent = (index - 1) / Arity;
            if (!moving.IsBefore(_heap[parent]))
            {
                break;
            }

            Put(index, _heap[parent]);
            index = parent;
        }

        Put(index, moving);
    }

    /// <summary>Puts an entry at an index, or below it while a child comes before it.</summary>
    private void MoveDown(int index, Entry moving)
    {
        Entry[] heap = _heap;
        for (int child = (index * Arity) + 1; child < Count; child = (index * Arity) + 1)
        {
            int first = child;
            int end = Math.Min(child + Arity, Count);
            while (++child < end)
            {
                if (heap[child].IsBefore(heap[first]))
                {
                    first = child;
                }
            }

            if (!heap[first].IsBefore(moving))
            {
                break;
            }

            Put(index, heap[first]);
            index = first;
        }

        Put(index, moving);
    }

    private void Put(int index, in Entry entry)
    {
        _heap[index] = entry;
        entry.Call.HeapIndex = index;
    }

    /// <summary>A call with its sort key. The call may have become due later since: see <see cref="IsCurrent"/>.</summary>
    private readonly struct Entry(DelayedCall call)
    {
        public readonly long DueTicks = call.DueTicks;
        public readonly long Sequence = call.Sequence;
        public readonly DelayedCall Call = call;

        /// <summary>True if the call is due at the time of the entry.</summary>
        public bool IsCurrent => Sequence == Call.Sequence;

        public bool IsBefore(in Entry other) =>
            DueTicks < other.DueTicks || (DueTicks == other.DueTicks && Sequence < other.Sequence);
    }
}
