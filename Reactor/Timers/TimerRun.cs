using System;
using System.Collections.Generic;
using System.Numerics;

namespace Poetry.Net;

/// <summary>
/// What is due next, in order: the near part of a <see cref="TimerQueue"/>. One slot of its wheel, sorted, with whatever
/// was scheduled for before the slot's end since: at the end of the run if it comes last, as most does, else in a heap of
/// the late ones. Used on the reactor thread only.
/// </summary>
internal sealed class TimerRun
{
    /// <summary>Room for so many is kept for ever.</summary>
    private const int FewEntries = 64;

    /// <summary>
    /// How many entries ahead of the one that is taken a call is fetched into the cache: a miss takes a hundred nanoseconds,
    /// and taking and making a call that is there about twenty. Measured: 4 to 12 are alike.
    /// </summary>
    private const int CallsAhead = 8;

    /// <summary>How many ahead its place in the table is, which has to be there to know where the call is.</summary>
    private const int PlacesAhead = 2 * CallsAhead;

    private static readonly Comparison<TimerEntry> Order = static (left, right) => left.Key.CompareTo(right.Key);

    private TimerEntry[] _run = new TimerEntry[FewEntries];
    private int _start;
    private int _end;
    private PriorityQueue<int, TimerKey> _late = new();

    /// <summary>Has it nothing?</summary>
    public bool IsEmpty => _start == _end && _late.Count == 0;

    /// <summary>Entries that there is room for.</summary>
    public int Capacity => _run.Length + _late.EnsureCapacity(0);

    /// <summary>Puts one entry to its place.</summary>
    public void Add(in TimerEntry entry)
    {
        if (_start == _end || _run[_end - 1].Key.IsBefore(entry.Key))
        {
            MakeRoom(1);
            _run[_end++] = entry;
        }
        else
        {
            _late.Enqueue(entry.Place, entry.Key);
        }
    }

    /// <summary>Takes the earliest slot of a wheel, if something in it is due; it must be empty itself.</summary>
    /// <returns>False if nothing is due.</returns>
    public bool TryFill(TimingWheel wheel, TimerTable table, long nowTicks)
    {
        bool isSorted = true;
        var last = default(TimerKey);
        _start = 0;
        _end = 0;
        for (TimerBlock? block = wheel.Take(nowTicks); block is not null; block = wheel.Free(block))
        {
            MakeRoom(block.Entries.Length);
            foreach (ref readonly TimerEntry entry in block.Entries)
            {
                isSorted &= last.IsBefore(entry.Key);
                last = entry.Key;
                _run[_end++] = entry;
            }
        }

        // Calls with the same delay come in their order and stay in it.
        if (!isSorted)
        {
            Sort(_run.AsSpan(0, _end));
        }

        int near = Math.Min(PlacesAhead, _end);
        for (int i = 0; i < near; i++)
        {
            table.Fetch(_run[i]);
        }

        near = Math.Min(CallsAhead, _end);
        for (int i = 0; i < near; i++)
        {
            table.FetchCall(_run[i]);
        }

        return _end > 0;
    }

    /// <summary>The earliest entry, which stays.</summary>
    /// <returns>False if there is none.</returns>
    public bool TryPeek(out TimerEntry first)
    {
        bool hasRun = _start != _end;
        first = hasRun ? _run[_start] : default;
        if (_late.Count > 0 && _late.TryPeek(out int place, out TimerKey key) && (!hasRun || key.IsBefore(first.Key)))
        {
            first = new TimerEntry(key, place);
            return true;
        }

        return hasRun;
    }

    /// <summary>Takes the earliest entry out.</summary>
    /// <param name="first">What <see cref="TryPeek"/> has just given.</param>
    /// <param name="table">Where the calls are.</param>
    public void RemoveFirst(in TimerEntry first, TimerTable table)
    {
        if (_start == _end || _run[_start].Key.Sequence != first.Key.Sequence)
        {
            _ = _late.Dequeue();
            return;
        }

        _start++;
        FetchNext(table);
        if (_start == _end)
        {
            _start = 0;
            _end = 0;
        }
    }

    /// <summary>Drops the entries that stand for no call any more.</summary>
    /// <param name="table">Where the calls are.</param>
    /// <returns>How many.</returns>
    public int Sweep(TimerTable table)
    {
        int kept = _start;
        for (int i = _start; i < _end; i++)
        {
            if (table.Gather(_run[i], out TimerEntry entry))
            {
                _run[kept++] = entry;
            }
        }

        int dropped = _end - kept;
        _end = kept;
        if (_late.Count == 0)
        {
            return dropped;
        }

        PriorityQueue<int, TimerKey> late = _late;
        _late = new();
        foreach ((int place, TimerKey key) in late.UnorderedItems)
        {
            if (table.Gather(new TimerEntry(key, place), out TimerEntry entry))
            {
                _late.Enqueue(entry.Place, key);
            }
        }

        return dropped + late.Count - _late.Count;
    }

    /// <summary>Gives memory back after a crowd has left; the factor of eight keeps a swinging crowd from resizing.</summary>
    /// <param name="entryCount">How many there are in all, in the wheel too.</param>
    public void Trim(int entryCount)
    {
        if (_start == _end && _run.Length > Math.Max(FewEntries, 8 * entryCount))
        {
            _run = new TimerEntry[FewEntries];
            _start = 0;
            _end = 0;
        }

        if (_late.Count == 0 && _late.EnsureCapacity(0) > Math.Max(FewEntries, 8 * entryCount))
        {
            _late.TrimExcess();
        }
    }

    /// <summary>Few are sorted by insertion, which compares without a call: 40 ns less for each of a slot of 27 than the library's.</summary>
    private static void Sort(Span<TimerEntry> entries)
    {
        if (entries.Length > FewEntries)
        {
            entries.Sort(Order);
            return;
        }

        for (int i = 1; i < entries.Length; i++)
        {
            TimerEntry entry = entries[i];
            int place = i;
            while (place > 0 && entry.Key.IsBefore(entries[place - 1].Key))
            {
                entries[place] = entries[place - 1];
                place--;
            }

            entries[place] = entry;
        }
    }

    /// <summary>Makes room at the end: from the start, where half of it or more is free there, else by growing.</summary>
    private void MakeRoom(int count)
    {
        if (_run.Length - _end >= count)
        {
            return;
        }

        int length = _end - _start;
        TimerEntry[] roomy = length + count <= _run.Length / 2
            ? _run
            : new TimerEntry[BitOperations.RoundUpToPowerOf2((uint)(length + count))];
        Array.Copy(_run, _start, roomy, 0, length);
        _run = roomy;
        _start = 0;
        _end = length;
    }

    /// <summary>Has the place of an entry fetched, and the call of the one whose place was fetched a while ago.</summary>
    private void FetchNext(TimerTable table)
    {
        if (_end - _start >= CallsAhead)
        {
            table.FetchCall(_run[_start + CallsAhead - 1]);
            if (_end - _start >= PlacesAhead)
            {
                table.Fetch(_run[_start + PlacesAhead - 1]);
            }
        }
    }
}
