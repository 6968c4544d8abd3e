using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Logs an error that repeats, such as the failing fetches of an upstream that is down: the first one at once, further
/// errors as a count, at most every ten seconds.
/// </summary>
/// <param name="clock">The reactor's clock.</param>
/// <param name="one">Logs one error.</param>
/// <param name="several">Logs the number of further errors, and the last of them.</param>
internal sealed class RepeatedErrorLog(IClock clock, Action<string> one, Action<long, string> several)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly RateLimit _limit = new(Interval);
    private DelayedCall? _later;
    private string _last = string.Empty;

    public void Report(string error)
    {
        _last = error;
        if (_limit.TryPass(clock.Now, out long suppressed))
        {
            if (suppressed == 0)
            {
                one(error);
            }
            else
            {
                several(suppressed + 1, error);
            }
        }
        else if (_later is not { Active: true })
        {
            _later = clock.CallLater(_limit.Next - clock.Now, this, static errors => errors.FlushSuppressed());
        }
    }

    private void FlushSuppressed()
    {
        if (_limit.TryPass(clock.Now, out long suppressed) && suppressed > 0)
        {
            several(suppressed, _last);
        }
    }
}
