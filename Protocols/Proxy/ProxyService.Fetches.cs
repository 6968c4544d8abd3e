using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <content>The fetches: their start, and the use of the poem at their end.</content>
internal sealed partial class ProxyService
{
    /// <summary>True if clients may join this download, and its poem will be kept.</summary>
    internal bool IsCurrent(ProxyDownload download) => _download == download;

    internal void ReaderThrew(Exception exception) => ReactorLog.CallbackThrew(log, exception);

    internal async Deferred<long> FetchUpstream(IPoemReceiver receiver)
    {
        Fetches++;
        ProxyLog.FetchStarted(log, upstream);
        return await fetch(receiver);
    }

    /// <summary>A complete poem has arrived. It replaces the kept one.</summary>
    internal void FetchCompleted(ProxyDownload download, PoemBuffer poem)
    {
        bool isCurrent = IsCurrent(download);
        FetchEnded(download);
        _backoff.Succeeded();
        if (isCurrent)
        {
            DropPoem();
            TimeSpan lifetime = download.PassesThrough ? TimeSpan.Zero : LifetimeOf(download.Shared);
            if (lifetime > TimeSpan.Zero)
            {
                cache.Add(this);
                Keep(poem, lifetime);
            }
        }

        download.Shared?.Keep(poem);
    }

    /// <summary>Drops a poem that could not be stored for other proxies, because it may have been purged.</summary>
    internal void DropIfKept(PoemBuffer poem)
    {
        if (_poem == poem)
        {
            DropPoem();
        }
    }

    /// <summary>Makes a client that was given nothing yet wait for the fetch under way, or for a new one.</summary>
    internal void Fetch(ProxyDelivery delivery)
    {
        if (CanJoin)
        {
            _download!.Add(delivery);
        }
        else
        {
            Begin(delivery);
        }
    }

    internal void FetchFailed(ProxyDownload download, Failure reason)
    {
        FetchEnded(download);
        download.Shared?.GiveBack();
        if (reason.Check<SharedCutError>())
        {
            // The shared cache has failed, and not the upstream.
            return;
        }

        Failures++;
        _backoff.Failed(clock.Now);
        _lastFailure = reason.Message;
        _fetchErrors.Report(Describe(reason, download.ReceivedBytes));
    }

    internal void FetchCancelled(ProxyDownload download)
    {
        FetchEnded(download);
        download.Shared?.GiveBack();
        Cancels++;
        ProxyLog.FetchCancelled(log, upstream);
    }

    private static string Describe(Failure reason, long receivedBytes)
    {
        string what = !reason.Check<ConnectionLost>() ? reason.Message
            : ((ConnectionLost)reason.Exception).Error == Errno.ECONNRESET ? "upstream reset"
            : $"upstream lost: {reason.Message}";
        return receivedBytes == 0 && !reason.Check<ConnectionLost>() ? what
            : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{what} after {receivedBytes} bytes");
    }

    /// <summary>Begins a fetch. A download that can't be joined any more goes on for the clients that it has.</summary>
    /// <param name="first">The first client; null for a fetch in the background.</param>
    private void Begin(ProxyDelivery? first)
    {
        var download = new ProxyDownload(this, isBackground: first is null);
        if (first is not null)
        {
            download.Add(first);
        }

        _download = download;
        FetchesInFlight++;
        download.Start();
    }

    /// <summary>The time for which a poem that has just arrived is fresh; zero or less if it can't be kept.</summary>
    private TimeSpan LifetimeOf(SharedFetch? shared)
    {
        TimeSpan left = shared is null || shared.ExpiresAt == TimeSpan.MaxValue ? TimeSpan.MaxValue : shared.ExpiresAt - clock.Now;
        return left < options.Lifetime ? left : options.Lifetime;
    }

    private void FetchEnded(ProxyDownload download)
    {
        FetchesInFlight--;
        Debug.Assert(FetchesInFlight >= 0, "a fetch ends once");
        if (_download == download)
        {
            _download = null;
        }
    }

    private void Keep(PoemBuffer poem, TimeSpan lifetime)
    {
        Debug.Assert(poem.IsComplete && _poem is null, "only complete poems are kept, one at a time");
        poem.AddRef();
        _poem = poem;
        _freshUntil = SaturatedTime.Add(clock.Now, lifetime);
        TimeSpan keptUntil = RefreshUntil > StaleUntil ? RefreshUntil : StaleUntil;
        if (keptUntil < TimeSpan.MaxValue)
        {
            _expiry = clock.CallLater(keptUntil - clock.Now, this, static service => service.DropPoem());
        }
    }
}
