using System;

namespace Poetry.Net;

/// <summary>
/// Lets something be said at most once in a while, and counts how often it was not: one of these a kind of log line, so
/// that no condition fills a log. Used on one thread.
/// </summary>
/// <param name="interval">The least time between two that pass.</param>
internal sealed class RateLimit(TimeSpan interval)
{
    private TimeSpan _next = TimeSpan.MinValue;
    private long _suppressed;

    /// <summary>From when on it may be said again.</summary>
    public TimeSpan Next => _next;

    /// <summary>Asks whether it may be said now.</summary>
    /// <param name="now">The present moment on a monotonic clock: <see cref="IClock.Now"/>.</param>
    /// <param name="suppressed">If so, how often it was not said since the last time that it was.</param>
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
