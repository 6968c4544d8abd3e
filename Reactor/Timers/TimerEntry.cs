using System;

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

/// <summary>What is sorted in place of a call: when it was due when this was made, so that sorting touches no other memory.</summary>
/// <param name="key">Its place in the order.</param>
/// <param name="place">Where the call is in its <see cref="TimerTable"/>.</param>
internal readonly struct TimerEntry(TimerKey key, int place)
{
    /// <summary>Its place in the order. The call may have been pushed back since.</summary>
    public readonly TimerKey Key = key;

    /// <summary>Where in the table the call is that it stood for when it was made.</summary>
    public readonly int Place = place;

    /// <summary>When it is due, as far as the entry knows.</summary>
    public long DueTicks => Key.DueTicks;
}
