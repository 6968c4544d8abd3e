using System;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Tells of what fails again and again, such as all that needs an upstream that is down: the first failure at once, those
/// after it counted, and told in one line when the time for it has come, whether or not another one follows.
/// </summary>
/// <param name="clock">The reactor's.</param>
/// <param name="one">Tells of a failure.</param>
/// <param name="several">Tells of so many more, and how the last of them was.</param>
internal sealed class RepeatedErrorLog(IClock clock, Action<string> one, Action<long, string> several)
{
    /// <summary>A line at most this often: as for a port that has run out of descriptors.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly RateLimit _limit = new(Interval);
    private DelayedCall? _later;
    private string _last = string.Empty;

    /// <summary>It has failed.</summary>
    /// <param name="how">In one line.</param>
    public void Report(string how)
    {
        _last = how;
        if (_limit.TryPass(clock.Now, out long suppressed))
        {
            Write(suppressed, isNew: true);
        }
        else if (_later is not { Active: true })
        {
            _later = clock.CallLater(_limit.Next - clock.Now, this, static failures => failures.FlushSuppressed());
        }
    }

    private void FlushSuppressed()
    {
        if (_limit.TryPass(clock.Now, out long suppressed))
        {
            Write(suppressed, isNew: false);
        }
    }

    private void Write(long suppressed, bool isNew)
    {
        if (suppressed > 0)
        {
            several(suppressed + (isNew ? 1 : 0), _last);
        }
        else if (isNew)
        {
            one(_last);
        }
    }
}
