using System;

namespace Poetry.Net;

/// <summary>
/// Lets a log message pass at most once in an interval, and counts those that it suppresses: one object for each kind of
/// message. For one thread.
/// </summary>
/// <param name="interval">The shortest time between two messages that pass.</param>
internal sealed class RateLimit(TimeSpan interval)
{
    private TimeSpan _next = TimeSpan.MinValue;
    private long _suppressed;

    /// <summary>When the next message may pass.</summary>
    public TimeSpan Next => _next;

    /// <param name="now">The time on a monotonic clock: <see cref="IClock.Now"/>.</param>
    /// <param name="suppressed">If it passes, how many were suppressed since the last one that passed.</param>
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
