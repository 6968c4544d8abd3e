using System;
using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// The delayed calls of one clock, earliest first: a four-way heap in one array, whose entries carry their keys, so that
/// moving them touches no other memory. Used on the reactor thread only.
/// </summary>
/// <remarks>
/// Calls do not know their place in the heap. A cancelled call leaves its entry behind, a call moved to a later time
/// keeps its old entry until that surfaces and is then pushed again, and one moved to an earlier time gets a second entry
/// and lets the first go stale. So cancelling and pushing back, which is what time-outs do all day, are O(1) and write to
/// one object. When more than half of the entries are stale the heap is rebuilt without them.
/// </remarks>
internal sealed class TimerQueue(IClock clock)
{
    /// <summary>Four children fill about one and a half cache lines and halve the depth of a binary heap.</summary>
    private const int Arity = 4;

    /// <summary>Below this a rebuild saves nothing worth its time.</summary>
    private const int SmallestHeap = 64;

    private Entry[] _heap = new Entry[SmallestHeap];
    private int _count;
    private int _stale;
    private long _lastSequence;
    private long _lastEntryId;

    /// <summary>Calls that are still to come.</summary>
    public int Count => _count - _stale;

    /// <summary>Entries in the heap, stale ones included: what the queue weighs.</summary>
    internal int EntryCount => _count;

    /// <summary>Entries that there is room for: what the queue takes.</summary>
    internal int Capacity => _heap.Length;

    /// <summary>Makes a pending call.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative.</exception>
    public DelayedCall Add<TState>(TimeSpan delay, TState state, Action<TState> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        var delayed = new DelayedCall<TState>(this, state, call);
        delayed.RearmAt(DueAfter(delay));
        return delayed;
    }

    /// <summary>Makes a call that is not scheduled yet, for an owner that will <see cref="DelayedCall.Rearm"/> it.</summary>
    public DelayedCall Create<TState>(TState state, Action<TState> call) => new DelayedCall<TState>(this, state, call);

    /// <summary>When is the earliest call due?</summary>
    /// <param name="dueTicks">On the clock, in ticks of 100 ns.</param>
    /// <returns>False if there is none.</returns>
    public bool TryPeek(out long dueTicks)
    {
        while (_count > 0)
        {
            ref Entry root = ref _heap[0];
            if (root.Id == root.Call.EntryId && root.Sequence == root.Call.Sequence)
            {
                dueTicks = root.DueTicks;
                return true;
            }

            DropOrPushBackRoot();
        }

        dueTicks = 0;
        return false;
    }

    /// <summary>Takes the earliest call out, if it is due and was scheduled before the bound.</summary>
    /// <param name="nowTicks">Due means: not after this moment.</param>
    /// <param name="sequenceBound">Calls scheduled after <see cref="LastSequence"/> was this wait for the next turn.</param>
    /// <returns>The call, ready to <see cref="DelayedCall.Fire"/>; or null.</returns>
    public DelayedCall? TakeDue(long nowTicks, long sequenceBound)
    {
        if (!TryPeek(out long dueTicks) || dueTicks > nowTicks || _heap[0].Sequence > sequenceBound)
        {
            return null;
        }

        DelayedCall call = _heap[0].Call;
        RemoveRoot();
        ShrinkIfSparse();
        return call;
    }

    /// <summary>The number of the newest scheduling: a snapshot that separates this turn's calls from the next's.</summary>
    public long LastSequence => _lastSequence;

    internal long NextSequence() => ++_lastSequence;

    /// <summary>The moment <paramref name="delay"/> from now; a moment beyond all time is the end of time.</summary>
    internal long DueAfter(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        return AddSaturated(clock.Now.Ticks, delay.Ticks);
    }

    internal static long AddSaturated(long ticks, long more)
    {
        long sum = unchecked(ticks + more);
        bool overflowed = ((ticks ^ sum) & (more ^ sum)) < 0;
        return overflowed ? (more > 0 ? long.MaxValue : long.MinValue) : sum;
    }

    /// <summary>Puts a newly scheduled call into the heap.</summary>
    internal void Insert(DelayedCall call)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _count * 2);
        }

        call.EntryId = ++_lastEntryId;
        SiftUp(_count++, new Entry(call));
    }

    /// <summary>The call became due earlier than its entry says: a new entry replaces that one.</summary>
    internal void Advance(DelayedCall call)
    {
        _stale++;
        Insert(call);
        RebuildIfStale();
    }

    /// <summary>The call was cancelled: its entry is stale from now on.</summary>
    internal void Forget(DelayedCall call)
    {
        call.EntryId = 0;
        _stale++;
        RebuildIfStale();
    }

    private void DropOrPushBackRoot()
    {
        DelayedCall call = _heap[0].Call;
        if (_heap[0].Id != call.EntryId)
        {
            _stale--;
            RemoveRoot();
        }
        else
        {
            Debug.Assert(call.DueTicks >= _heap[0].DueTicks, "a call moved forward has an entry of its own");
            SiftDown(0, new Entry(call));
        }
    }

    private void RemoveRoot()
    {
        Entry last = _heap[--_count];
        _heap[_count] = default;
        if (_count > 0)
        {
            SiftDown(0, last);
        }
    }

    private void RebuildIfStale()
    {
        if (_stale <= _count / 2 || _count <= SmallestHeap)
        {
            return;
        }

        int kept = 0;
        for (int i = 0; i < _count; i++)
        {
            DelayedCall call = _heap[i].Call;
            if (_heap[i].Id == call.EntryId)
            {
                _heap[kept++] = new Entry(call);
            }
        }

        Array.Clear(_heap, kept, _count - kept);
        _count = kept;
        _stale = 0;
        for (int i = (kept - 2) / Arity; i >= 0 && kept > 1; i--)
        {
            SiftDown(i, _heap[i]);
        }

        ShrinkIfSparse();
    }

    /// <summary>Gives memory back after a crowd has left; the factor of eight keeps a swinging crowd from resizing.</summary>
    private void ShrinkIfSparse()
    {
        if (_heap.Length > SmallestHeap * Arity && _count < _heap.Length / 8)
        {
            Array.Resize(ref _heap, _heap.Length / 4);
        }
    }

    private void SiftUp(int index, Entry entry)
    {
        Entry[] heap = _heap;
        while (index > 0)
        {
            int parent = (index - 1) / Arity;
            if (!entry.IsBefore(in heap[parent]))
            {
                break;
            }

            heap[index] = heap[parent];
            index = parent;
        }

        heap[index] = entry;
    }

    private void SiftDown(int index, Entry entry)
    {
        Entry[] heap = _heap;
        int count = _count;
        while (true)
        {
            int first = (index * Arity) + 1;
            if (first >= count)
            {
                break;
            }

            int least = first;
            int end = Math.Min(first + Arity, count);
            for (int child = first + 1; child < end; child++)
            {
                if (heap[child].IsBefore(in heap[least]))
                {
                    least = child;
                }
            }

            if (!heap[least].IsBefore(in entry))
            {
                break;
            }

            heap[index] = heap[least];
            index = least;
        }

        heap[index] = entry;
    }

    /// <summary>A call as it was when it entered the heap.</summary>
    private readonly struct Entry(DelayedCall call)
    {
        public readonly long DueTicks = call.DueTicks;
        public readonly long Sequence = call.Sequence;
        public readonly long Id = call.EntryId;
        public readonly DelayedCall Call = call;

        public bool IsBefore(in Entry other) =>
            DueTicks < other.DueTicks || (DueTicks == other.DueTicks && Sequence < other.Sequence);
    }
}
