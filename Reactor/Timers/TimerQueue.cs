using System;
using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// The delayed calls of one clock, earliest first, and of those due at once the one scheduled first. Used on the reactor
/// thread only.
/// </summary>
/// <remarks>
/// <para>What is due later waits unsorted in a <see cref="TimingWheel"/>. The earliest slot of that, less than a
/// millisecond wide, is sorted when it comes due and is then the <see cref="TimerRun"/> from which calls are taken. A call
/// that is scheduled for a moment before the slot's end joins the run.</para>
/// <para>Calls do not know where their entry is, and entries name them by their place in a <see cref="TimerTable"/>. A
/// cancelled call leaves its entry behind, a call moved to a later time keeps its old entry until that surfaces and is then
/// entered again, and one moved to an earlier time gets a second entry and lets the first go stale. So cancelling and
/// pushing back, which is what time-outs do all day, are O(1). When more than half of the entries are stale they are swept
/// out.</para>
/// <para>Why not one heap, which would be half the code: of a million calls due within a minute in no order, firing took
/// 436 ns each from a four-way heap and takes 132 ns so, of one delay 164 and 50 ns, and of 10,000 at a pace 194 and
/// 110 ns each with scheduling it anew (native, on one machine, medians of interleaved runs). A heap of a million misses the
/// cache at every level; here a call is sorted among the few of its slot, and itself touched once, fetched ahead.</para>
/// </remarks>
internal sealed class TimerQueue(IClock clock)
{
    /// <summary>Below this a sweep saves nothing worth its time.</summary>
    internal const int FewEntries = 64;

    private readonly TimerRun _run = new();
    private readonly TimingWheel _wheel = new();
    private readonly TimerTable _table = new();
    private int _entryCount;
    private int _staleCount;
    private long _lastSequence;

    /// <summary>Calls that are still to come.</summary>
    public int Count => _entryCount - _staleCount;

    /// <summary>Entries, stale ones included: what the queue weighs.</summary>
    internal int EntryCount => _entryCount;

    /// <summary>Entries that there is room for: what the queue takes.</summary>
    internal int Capacity => _run.Capacity + _wheel.Capacity;

    /// <summary>Calls that there is room for.</summary>
    internal int CallCapacity => _table.Capacity;

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

    /// <summary>When is the earliest call due? A loop that sleeps until then wakes in time, and sometimes for nothing.</summary>
    /// <param name="dueTicks">On the clock, in ticks of 100 ns. Before the true moment only if a call that was the earliest of
    /// its slot has been cancelled or moved: to know better, all of the slot would have to be looked at.</param>
    /// <returns>False if there is none.</returns>
    public bool TryPeek(out long dueTicks)
    {
        while (_run.TryPeek(out TimerEntry first))
        {
            DelayedCall? call = _table.Find(first);
            if (call?.Sequence == first.Key.Sequence)
            {
                dueTicks = first.DueTicks;
                return true;
            }

            DropOrPushBack(first, call);
        }

        return _wheel.TryPeek(out dueTicks);
    }

    /// <summary>Takes the earliest call out, if it is due and was scheduled before the bound.</summary>
    /// <param name="nowTicks">Due means: not after this moment.</param>
    /// <param name="sequenceBound">Calls scheduled after <see cref="LastSequence"/> was this wait for the next turn.</param>
    /// <returns>The call, ready to <see cref="DelayedCall.Fire"/>; or null.</returns>
    public DelayedCall? TakeDue(long nowTicks, long sequenceBound)
    {
        while (_run.TryPeek(out TimerEntry first) || (_run.TryFill(_wheel, _table, nowTicks) && _run.TryPeek(out first)))
        {
            if (first.DueTicks > nowTicks)
            {
                return null;
            }

            DelayedCall? call = _table.Find(first);
            if (call?.Sequence != first.Key.Sequence)
            {
                DropOrPushBack(first, call);
                continue;
            }

            if (first.Key.Sequence > sequenceBound)
            {
                return null;
            }

            _run.RemoveFirst(first, _table);
            _table.Leave(call);
            _entryCount--;
            TrimIfRunIsOver();
            return call;
        }

        return null;
    }

    /// <summary>The number of the newest scheduling: a snapshot that separates this turn's calls from the next's.</summary>
    public long LastSequence => _lastSequence;

    internal long NextSequence() => ++_lastSequence;

    /// <summary>The moment <paramref name="delay"/> from now; a moment beyond all time is the end of time.</summary>
    internal long DueAfter(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        return SaturatedTime.Add(clock.Now.Ticks, delay.Ticks);
    }

    /// <summary>Enters a newly scheduled call.</summary>
    internal void Insert(DelayedCall call)
    {
        if (_entryCount == 0)
        {
            _wheel.StartAt(clock.Now.Ticks);
        }

        _entryCount++;
        Place(_table.Enter(call));
    }

    /// <summary>The call became due earlier than its entry says: a new entry replaces that one.</summary>
    internal void Advance(DelayedCall call)
    {
        _staleCount++;
        Insert(call);
        SweepIfStale();
    }

    /// <summary>The call was cancelled: its entry is stale from now on.</summary>
    internal void Forget(DelayedCall call)
    {
        _table.Leave(call);
        _staleCount++;
        SweepIfStale();
    }

    private void Place(in TimerEntry entry)
    {
        if (entry.DueTicks > _wheel.BeginsAfterTicks)
        {
            _wheel.Add(entry);
        }
        else
        {
            _run.Add(entry);
        }
    }

    /// <summary>Takes out an entry whose call is not due with it.</summary>
    /// <param name="first">The entry.</param>
    /// <param name="call">Was pushed back; null if the entry is stale.</param>
    private void DropOrPushBack(in TimerEntry first, DelayedCall? call)
    {
        _run.RemoveFirst(first, _table);
        if (call is not null)
        {
            Debug.Assert(call.DueTicks >= first.DueTicks, "a call moved forward has an entry of its own");
            Place(_table.Enter(call));
        }
        else
        {
            _staleCount--;
            _entryCount--;
        }

        TrimIfRunIsOver();
    }

    private void TrimIfRunIsOver()
    {
        if (!_run.IsEmpty)
        {
            return;
        }

        if (_table.IsSparse)
        {
            Sweep();
        }

        Trim();
    }

    private void SweepIfStale()
    {
        if (_staleCount <= _entryCount / 2 || _entryCount <= FewEntries)
        {
            return;
        }

        Sweep();
        Trim();
    }

    /// <summary>Drops what is stale, and draws calls together that are few in a large table.</summary>
    private void Sweep()
    {
        bool gathers = _table.IsSparse;
        if (gathers)
        {
            _table.BeginGathering();
        }

        int dropped = _run.Sweep(_table) + _wheel.Sweep(_table);
        if (gathers)
        {
            _table.EndGathering();
        }

        _entryCount -= dropped;
        _staleCount -= dropped;
        Debug.Assert(_staleCount == 0, "all stale entries were found");
    }

    private void Trim()
    {
        _run.Trim(_entryCount);
        _wheel.Trim(_entryCount);
    }
}
