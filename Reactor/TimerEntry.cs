using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Poetry.Net;

/// <summary>The place of a call in the order: when it is due, and when that was said.</summary>
internal readonly struct TimerKey(long dueTicks, long sequence) : IComparable<TimerKey>
{
    /// <summary>On the clock.</summary>
    public readonly long DueTicks = dueTicks;

    /// <summary>Numbers the schedulings; each is used once.</summary>
    public readonly long Sequence = sequence;

    /// <summary>Does its call come first?</summary>
    public bool IsBefore(in TimerKey other) =>
        DueTicks < other.DueTicks || (DueTicks == other.DueTicks && Sequence < other.Sequence);

    /// <inheritdoc/>
    public int CompareTo(TimerKey other)
    {
        int order = DueTicks.CompareTo(other.DueTicks);
        return order != 0 ? order : Sequence.CompareTo(other.Sequence);
    }
}

/// <summary>A call with the place it had when it was entered, so that sorting touches no other memory.</summary>
internal readonly struct TimerEntry(TimerKey key, DelayedCall call)
{
    /// <summary>From a call's first field to its last: it may lie on two lines of the cache.</summary>
    private const int CallBytes = 56;

    /// <summary>Its place in the order.</summary>
    public readonly TimerKey Key = key;

    /// <summary>The call that it stood for when it was made.</summary>
    public readonly DelayedCall Call = call;

    /// <summary>When it is due, as far as the entry knows.</summary>
    public long DueTicks => Key.DueTicks;

    /// <summary>Is the call still to come, and has this entry to see to it? It may have been pushed back since.</summary>
    public bool StandsForItsCall => Call.EntrySequence == Key.Sequence;

    /// <summary>Is that so, and was the call not moved?</summary>
    public bool IsUpToDate => Call.Sequence == Key.Sequence;

    /// <summary>Has the processor fetch the call, which will be wanted soon, without waiting for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void FetchCall()
    {
        // The collector may move the call at any moment: a prefetch of any address is harmless.
        if (Sse.IsSupported)
        {
            nint address = Unsafe.As<DelayedCall, nint>(ref Unsafe.AsRef(in Call));
            Sse.Prefetch0((void*)address);
            Sse.Prefetch0((void*)(address + CallBytes));
        }
    }
}
