using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Poetry.Net;

/// <summary>
/// The calls that are to come, each at a place of its own for as long as it is: entries name them by place. Used on the
/// reactor thread only.
/// </summary>
/// <remarks>
/// A place is given away again at once when its call has run or was cancelled, though entries that are stale now still name
/// it: they are told by their sequence. So nothing holds a cancelled call, and the collector finds no reference in an entry.
/// Measured with a million calls due in no order: while entries referred to their calls, a collection of them all took
/// 116 ms, for it met the calls in the order of the entries, with a miss of the cache for each; now it takes 95.
/// </remarks>
internal sealed class TimerTable
{
    /// <summary>
    /// Places lie in chunks of 4 KiB: a table that grows copies none of them, and no chunk is large enough to be collected
    /// only with everything else.
    /// </summary>
    private const int ChunkBits = 8;

    private const int ChunkLength = 1 << ChunkBits;

    /// <summary>So many are kept for ever: 16 KiB, for a crowd that comes and goes.</summary>
    private const int FewPlaces = 1024;

    private const int NoPlace = -1;

    /// <summary>From a call's first field to its last: it may lie on two lines of the cache.</summary>
    private const int CallBytes = 48;

    private Place[][] _chunks = [];
    private int _end;
    private int _firstFree = NoPlace;
    private int _gatheringFrom = int.MaxValue;

    /// <summary>Calls in it.</summary>
    public int Count { get; private set; }

    /// <summary>Places that there are, free ones included.</summary>
    public int Capacity { get; private set; }

    /// <summary>Has it far more places than calls, so that drawing them together gives memory back?</summary>
    public bool IsSparse => Capacity > FewPlaces && Capacity / 8 >= Count;

    /// <summary>Makes the entry that stands for a call from now on, instead of any other.</summary>
    public TimerEntry Enter(DelayedCall call)
    {
        ref Place place = ref call.Place == DelayedCall.NoPlace ? ref Take(call) : ref At(call.Place);
        place.Sequence = call.Sequence;
        return new TimerEntry(new TimerKey(call.DueTicks, call.Sequence), call.Place);
    }

    /// <summary>The call that an entry stands for.</summary>
    /// <returns>Null for an entry that stands for none any more.</returns>
    public DelayedCall? Find(in TimerEntry entry)
    {
        ref Place place = ref At(entry.Place);
        return place.Sequence == entry.Key.Sequence ? place.Call : null;
    }

    /// <summary>A call has run or was cancelled.</summary>
    public void Leave(DelayedCall call)
    {
        ref Place place = ref At(call.Place);
        place.Call = null;
        place.Sequence = ~(long)_firstFree;
        _firstFree = call.Place;
        call.Place = DelayedCall.NoPlace;
        Count--;
    }

    /// <summary>From now on, until <see cref="EndGathering"/>, every entry has to pass <see cref="Gather"/> or to be dropped.</summary>
    public void BeginGathering()
    {
        _gatheringFrom = Count;
        _firstFree = NoPlace;
        _end = 0;
    }

    /// <summary>Moves a call that is too far behind to a free place in front; others stay.</summary>
    /// <param name="entry">An entry, which stands for a call or not.</param>
    /// <param name="kept">The entry to keep in its stead.</param>
    /// <returns>False for an entry that stands for none.</returns>
    public bool Gather(in TimerEntry entry, out TimerEntry kept)
    {
        kept = entry;
        ref Place place = ref At(entry.Place);
        if (place.Sequence != entry.Key.Sequence)
        {
            return false;
        }

        if (entry.Place < _gatheringFrom)
        {
            return true;
        }

        // As many as are behind have room in front.
        while (At(_end).Call is not null)
        {
            _end++;
        }

        At(_end) = place;
        place = default;
        At(_end).Call!.Place = _end;
        kept = new TimerEntry(entry.Key, _end);
        return true;
    }

    /// <summary>All calls are in front: what is behind them is given back.</summary>
    public void EndGathering()
    {
        _gatheringFrom = int.MaxValue;
        _end = Count;
        int chunks = (Math.Max(Count, FewPlaces) + ChunkLength - 1) >> ChunkBits;
        Array.Clear(_chunks, chunks, _chunks.Length - chunks);
        Capacity = chunks << ChunkBits;
    }

    /// <summary>Has the processor fetch the place of an entry, which will be wanted soon, without waiting for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Fetch(in TimerEntry entry)
    {
        // The collector may move the place at any moment: a prefetch of any address is harmless.
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref At(entry.Place)));
        }
    }

    /// <summary>As <see cref="Fetch"/>, the call itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void FetchCall(in TimerEntry entry)
    {
        if (Sse.IsSupported)
        {
            nint address = Unsafe.As<DelayedCall?, nint>(ref At(entry.Place).Call);
            Sse.Prefetch0((void*)address);
            Sse.Prefetch0((void*)(address + CallBytes));
        }
    }

    private ref Place At(int place) => ref _chunks[place >> ChunkBits][place & (ChunkLength - 1)];

    private ref Place Take(DelayedCall call)
    {
        Count++;
        if (_firstFree == NoPlace)
        {
            AddFree();
        }

        call.Place = _firstFree;
        ref Place place = ref At(_firstFree);
        _firstFree = (int)~place.Sequence;
        place.Call = call;
        return ref place;
    }

    private void AddFree()
    {
        if (_end == Capacity)
        {
            AddChunk();
        }

        _firstFree = _end++;
        At(_firstFree).Sequence = ~(long)NoPlace;
    }

    private void AddChunk()
    {
        int chunk = Capacity >> ChunkBits;
        if (chunk == _chunks.Length)
        {
            Array.Resize(ref _chunks, Math.Max(1, chunk * 2));
        }

        _chunks[chunk] = new Place[ChunkLength];
        Capacity += ChunkLength;
    }

    private struct Place
    {
        /// <summary>Null for a free place.</summary>
        public DelayedCall? Call;

        /// <summary>
        /// Of the one entry that stands for the call; every other entry of it is stale. In a free place the complement of
        /// the next free one, which is no sequence, for those begin with 1.
        /// </summary>
        public long Sequence;
    }
}
