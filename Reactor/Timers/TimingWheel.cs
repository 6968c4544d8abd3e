using System;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// What is due later, in slots of time and in no order within a slot: the far part of a <see cref="TimerQueue"/>. Used on
/// the reactor thread only.
/// </summary>
/// <remarks>
/// <para>A hierarchical timing wheel (G. Varghese and T. Lauck, "Hashed and hierarchical timing wheels", 1987), whose
/// position is a number in base 64: an entry is in the level of the highest digit in which its moment differs from the
/// position, in the slot of its own digit there. So the earliest slot of the lowest level in use is the earliest of all,
/// the end of time has a slot like any other moment, and an entry moves down at most once a level. Unlike theirs the wheel
/// does not tick: it jumps from slot to slot when somebody asks for what is due, and what it hands out is yet to be
/// sorted.</para>
/// <para>Entries lie in blocks, side by side, and not in lists through the calls themselves: adding, moving down and
/// handing out a million read and write memory in its order and touch none of the calls, which would be a cache miss
/// each.</para>
/// </remarks>
internal sealed class TimingWheel
{
    /// <summary>
    /// The narrowest slot is 2^12 ticks, 0.4 ms. Measured with a million calls in a minute, 7 a slot: wider ones cost more
    /// to sort (2^14: 10 ns a call), narrower ones are more to visit (2^10: 50 ns).
    /// </summary>
    private const int GrainBits = 12;

    private const long GrainMask = (1L << GrainBits) - 1;

    /// <summary>64 slots a level, so that one word tells which are in use: 26 ms, 1.7 s, 107 s, 2 hours…</summary>
    private const int DigitBits = 6;

    private const int SlotsPerLevel = 1 << DigitBits;

    /// <summary>As many as a moment has digits above the grain.</summary>
    private const int LevelCount = (63 - GrainBits + DigitBits - 1) / DigitBits;

    /// <summary>
    /// Blocks that are kept for later besides those which the calls there are would fill: so many stale entries are not
    /// swept out, and each may lie in a slot of its own. With fewer a server with a few clients would make some now and then.
    /// </summary>
    private const int SpareBlocks = TimerQueue.FewEntries;

    /// <summary>Level after level, nine kilobytes in all: what even an idle server takes, and no more until it is busy.</summary>
    private readonly Slot[] _slots = new Slot[LevelCount * SlotsPerLevel];
    private readonly ulong[] _slotsInUse = new ulong[LevelCount];
    private uint _levelsInUse;
    private long _positionTicks;
    private TimerBlock? _free;
    private int _freeCount;
    private int _usedCount;

    /// <summary>The wheel has what is due after this moment, and nothing that is due before.</summary>
    public long BeginsAfterTicks { get; private set; }

    /// <summary>Entries that its blocks have room for.</summary>
    public int Capacity => (_usedCount + _freeCount) * TimerBlock.Length;

    /// <summary>Puts an empty wheel to a moment; the slot which that is in is not in the wheel.</summary>
    public void StartAt(long nowTicks)
    {
        _positionTicks = Math.Max(nowTicks, 0) & ~GrainMask;
        BeginsAfterTicks = _positionTicks | GrainMask;
    }

    /// <summary>Puts an entry into its slot.</summary>
    /// <param name="entry">Not due before the position.</param>
    public void Add(in TimerEntry entry)
    {
        Debug.Assert(entry.DueTicks >= _positionTicks, "what is due before the position has no slot");
        long differing = entry.DueTicks ^ _positionTicks;
        int level = Math.Max(BitOperations.Log2((ulong)differing) - GrainBits, 0) / DigitBits;
        int digit = (int)(entry.DueTicks >> (GrainBits + (level * DigitBits))) & (SlotsPerLevel - 1);
        _levelsInUse |= 1u << level;
        _slotsInUse[level] |= 1ul << digit;
        ref Slot slot = ref _slots[(level * SlotsPerLevel) + digit];
        if (slot.Last is not { IsFull: false } block)
        {
            block = Extend(ref slot);
        }

        block.Append(entry);
        slot.EarliestTicks = Math.Min(slot.EarliestTicks, entry.DueTicks);
    }

    /// <summary>When is the earliest entry due? Exact, but for calls that were cancelled or moved since.</summary>
    /// <returns>False if there is none.</returns>
    public bool TryPeek(out long dueTicks)
    {
        if (_levelsInUse == 0)
        {
            dueTicks = 0;
            return false;
        }

        int level = BitOperations.TrailingZeroCount(_levelsInUse);
        dueTicks = _slots[(level * SlotsPerLevel) + BitOperations.TrailingZeroCount(_slotsInUse[level])].EarliestTicks;
        return true;
    }

    /// <summary>Takes the earliest slot out, if something in it is due, and moves to its end.</summary>
    /// <param name="nowTicks">Due means: not after this moment.</param>
    /// <returns>The first block of its entries, which are in no order; the caller returns each by <see cref="Free"/>. Or null.</returns>
    public TimerBlock? Take(long nowTicks)
    {
        while (TryPeek(out long dueTicks) && dueTicks <= nowTicks)
        {
            int level = BitOperations.TrailingZeroCount(_levelsInUse);
            TimerBlock? block = Detach(level, BitOperations.TrailingZeroCount(_slotsInUse[level]));
            _positionTicks = dueTicks & ~GrainMask;
            BeginsAfterTicks = _positionTicks | GrainMask;
            if (level == 0)
            {
                return block;
            }

            // A wide slot: what is in it moves down to narrower ones, the earliest to the one that is taken next.
            for (; block is not null; block = Free(block))
            {
                foreach (ref readonly TimerEntry entry in block.Entries)
                {
                    Add(entry);
                }
            }
        }

        return null;
    }

    /// <summary>Drops the entries that stand for no call any more.</summary>
    /// <param name="table">Where the calls are.</param>
    /// <returns>How many were dropped.</returns>
    public int Sweep(TimerTable table)
    {
        int dropped = 0;
        for (int level = 0; level < LevelCount; level++)
        {
            for (ulong left = _slotsInUse[level]; left != 0; left &= left - 1)
            {
                for (TimerBlock? block = Detach(level, BitOperations.TrailingZeroCount(left)); block is not null; block = Free(block))
                {
                    foreach (ref readonly TimerEntry entry in block.Entries)
                    {
                        table.Fetch(entry);
                    }

                    foreach (ref readonly TimerEntry entry in block.Entries)
                    {
                        if (table.Gather(entry, out TimerEntry kept))
                        {
                            Add(kept);
                        }
                        else
                        {
                            dropped++;
                        }
                    }
                }
            }
        }

        return dropped;
    }

    /// <summary>Takes an empty block back. It is kept until <see cref="Trim"/>.</summary>
    /// <returns>The one that followed it in its slot.</returns>
    public TimerBlock? Free(TimerBlock block)
    {
        TimerBlock? next = block.Next;
        block.Clear();
        block.Next = _free;
        _free = block;
        _freeCount++;
        _usedCount--;
        return next;
    }

    /// <summary>Leaves to the collector the blocks that so many entries have no use for.</summary>
    public void Trim(int entryCount)
    {
        int most = SpareBlocks + (2 * entryCount / TimerBlock.Length);
        for (; _freeCount > most; _freeCount--)
        {
            _free = _free!.Next;
        }
    }

    /// <summary>Empties a slot.</summary>
    /// <returns>The first of its blocks.</returns>
    private TimerBlock? Detach(int level, int digit)
    {
        ref Slot slot = ref _slots[(level * SlotsPerLevel) + digit];
        TimerBlock last = slot.Last!;
        TimerBlock? first = last.Next;
        last.Next = null;
        slot = default;
        _slotsInUse[level] &= ~(1ul << digit);
        if (_slotsInUse[level] == 0)
        {
            _levelsInUse &= ~(1u << level);
        }

        return first;
    }

    private TimerBlock Extend(ref Slot slot)
    {
        TimerBlock block = _free ?? new TimerBlock();
        if (_free is not null)
        {
            _free = block.Next;
            _freeCount--;
        }

        _usedCount++;
        if (slot.Last is null)
        {
            block.Next = block;
            slot.EarliestTicks = long.MaxValue;
        }
        else
        {
            block.Next = slot.Last.Next;
            slot.Last.Next = block;
        }

        slot.Last = block;
        return block;
    }

    private struct Slot
    {
        /// <summary>The newest of its blocks, whose next is the oldest: a ring, so that one reference does for both ends.</summary>
        public TimerBlock? Last;

        /// <summary>When the earliest of its entries is due; means something if there is one.</summary>
        public long EarliestTicks;
    }
}

/// <summary>A few entries side by side.</summary>
internal sealed class TimerBlock
{
    /// <summary>Chosen: 800 bytes, which a call that is alone in its slot can bear, and few links for a crowd.</summary>
    public const int Length = 32;

    private Storage _entries;
    private int _count;

    /// <summary>The next block of the slot, or of those that are free.</summary>
    public TimerBlock? Next { get; set; }

    /// <summary>Has it no room for one more?</summary>
    public bool IsFull => _count == Length;

    /// <summary>What it holds.</summary>
    public ReadOnlySpan<TimerEntry> Entries => ((ReadOnlySpan<TimerEntry>)_entries)[.._count];

    /// <summary>Adds an entry; there must be room.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(in TimerEntry entry) => _entries[_count++] = entry;

    /// <summary>Forgets the entries.</summary>
    public void Clear() => _count = 0;

    [InlineArray(Length)]
    private struct Storage
    {
        private TimerEntry _first;
    }
}
