namespace Poetry.Net;

/// <summary>Computes times without overflow: a result out of range becomes the maximum or the minimum value.</summary>
internal static class SaturatedTime
{
    public static long Add(long ticks, long more)
    {
        long sum = unchecked(ticks + more);
        bool overflowed = ((ticks ^ sum) & (more ^ sum)) < 0;
        return overflowed ? (more > 0 ? long.MaxValue : long.MinValue) : sum;
    }

    public static TimeSpan Add(TimeSpan time, TimeSpan more) => TimeSpan.FromTicks(Add(time.Ticks, more.Ticks));

    public static TimeSpan FromMilliseconds(long milliseconds)
    {
        const long Max = long.MaxValue / TimeSpan.TicksPerMillisecond;
        return milliseconds > Max ? TimeSpan.MaxValue
            : milliseconds < -Max ? TimeSpan.MinValue
            : TimeSpan.FromTicks(milliseconds * TimeSpan.TicksPerMillisecond);
    }
}
