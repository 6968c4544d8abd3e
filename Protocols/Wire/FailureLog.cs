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
internal sealed class FailureLog(IClock clock, Action<string> one, Action<long, string> several)
{
    /// <summary>A line at most this often: as for a port that has run out of descriptors.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly RateLimit _limit = new(Interval);
    private DelayedCall? _later;
    private string _last = string.Empty;

    /// <summary>It has failed.</summary>
    /// <param name="how">In one line.</param>
    public void Tell(string how)
    {
        _last = how;
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
            several(untold + (isNew ? 1 : 0), _last);
        }
        else if (isNew)
        {
            one(_last);
        }
    }
}
