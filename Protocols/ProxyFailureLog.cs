using System;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Tells of the fetches from one upstream that fail. A proxy whose upstream is down fetches as often as it is asked: the
/// first failure is told at once, those after it are counted, and told in one line when the time for it has come, whether
/// or not another one follows.
/// </summary>
/// <param name="upstream">Its name in the log.</param>
/// <param name="clock">The reactor's.</param>
/// <param name="log">Where it is told.</param>
internal sealed class ProxyFailureLog(string upstream, IClock clock, ILogger log)
{
    /// <summary>A line at most this often: as for a port that has run out of descriptors.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly RateLimit _limit = new(Interval);
    private DelayedCall? _later;
    private string _lastReason = string.Empty;

    /// <summary>A fetch has failed.</summary>
    public void Tell(string reason)
    {
        _lastReason = reason;
        if (_limit.TryPass(clock.Now, out long untold))
        {
            Say(untold, isNew: true);
        }
        else if (_later is not { Active: true })
        {
            _later = clock.CallLater(_limit.Next - clock.Now, this, static failures => failures.TellTheRest());
        }
    }

    private void TellTheRest()
    {
        if (_limit.TryPass(clock.Now, out long untold))
        {
            Say(untold, isNew: false);
        }
    }

    private void Say(long untold, bool isNew)
    {
        if (untold > 0)
        {
            ProxyLog.FetchesFailed(log, upstream, untold + (isNew ? 1 : 0), _lastReason);
        }
        else if (isNew)
        {
            ProxyLog.FetchFailed(log, upstream, _lastReason);
        }
    }
}
