namespace Poetry.Net;

/// <summary>
/// Lets a log message pass at most once in an interval, and counts the messages that it suppresses. Each kind of message has
/// its own object, used by one thread.
/// </summary>
/// <param name="interval">The minimum time between two messages that pass.</param>
internal sealed class RateLimit(TimeSpan interval)
{
    private TimeSpan _next = TimeSpan.MinValue;
    private long _suppressed;

    /// <summary>The time from which the next message may pass.</summary>
    public TimeSpan Next => _next;

    /// <param name="now">The time on a monotonic clock: <see cref="IClock.Now"/>.</param>
    /// <param name="suppressed">If it passes, the number of messages suppressed since the last one that passed.</param>
    public bool TryPass(TimeSpan now, out long suppressed)
    {
        if (now < _next)
        {
            _suppressed++;
            suppressed = 0;
            return false;
        }

        _next = SaturatedTime.Add(now, interval);
        suppressed = _suppressed;
        _suppressed = 0;
        return true;
    }
}
