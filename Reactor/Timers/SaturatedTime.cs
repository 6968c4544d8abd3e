using System;

namespace Poetry.Net;

/// <summary>Adds times without overflow: a sum out of range is the greatest or the least value.</summary>
internal static class SaturatedTime
{
    public static long Add(long ticks, long more)
    {
        long sum = unchecked(ticks + more);
        bool overflowed = ((ticks ^ sum) & (more ^ sum)) < 0;
        return overflowed ? (more > 0 ? long.MaxValue : long.MinValue) : sum;
    }

    public static TimeSpan Add(TimeSpan time, TimeSpan more) => TimeSpan.FromTicks(Add(time.Ticks, more.Ticks));
}
