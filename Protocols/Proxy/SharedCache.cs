using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Decides when this reactor's proxies use the cache that they share with other machines. While it can't be used, they work
/// without it, and it is tried again after growing pauses.
/// </summary>
/// <remarks>
/// Always true: no value is read while a purge of this proxy is still to be carried out. A poem that a proxy kept before its
/// subscription was confirmed is dropped then, because a purge may have been missed.
/// </remarks>
/// <param name="store">The cache.</param>
/// <param name="clock">The reactor's clock.</param>
/// <param name="log">The log of outages.</param>
/// <param name="purged">Called with a key: no poem of it that was fetched so far may be kept; null stands for all keys.</param>
internal sealed class SharedCache(ISharedStore store, IClock clock, ILogger log, Action<string?> purged)
{
    /// <summary>The first pause after a failure of the cache, or after a refusal; twice as long each time.</summary>
    public static readonly TimeSpan MinPause = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);

    private readonly Backoff _backoff = new(MinPause, MaxPause);

    /// <summary>Fetches that have a lock, or are storing their poem.</summary>
    private readonly List<SharedFetch> _holders = [];

    /// <summary>Keys that are still to be purged.</summary>
    private readonly HashSet<string> _unpurged = [];

    /// <summary>Keys that are being purged.</summary>
    private string[] _purging = [];
    private DelayedCall? _retry;
    private Deferred<Unit>? _catchingUp;

    /// <summary>The time when the cache became usable, or the outage began.</summary>
    private TimeSpan _changedAt;

    /// <summary>The time when the subscription began; null while there is none.</summary>
    private TimeSpan? _subscribedAt;
    private Action? _whenIdle;

    public IClock Clock => clock;

    public ILogger Log => log;

    public ISharedStore Store => store;

    /// <summary>Makes the random token of a fetch; tests replace it.</summary>
    public Func<string> NewToken { get; init; } = static () => Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());

    /// <summary>False in an outage, and after <see cref="Close"/>.</summary>
    public bool IsUsable { get; private set; } = true;

    /// <summary>True while a purge is still to be carried out: no value may be read then.</summary>
    public bool IsPurging => _unpurged.Count > 0 || _purging.Length > 0;

    /// <summary>The outages of all workers of the process: an outage is logged once.</summary>
    public SharedOutages Outages { get; init; } = new();

    /// <summary>Subscribes.</summary>
    public void Start() => CatchUp();

    /// <summary>Purges keys for all proxies, at once or when the outage is over.</summary>
    public void Purge(IEnumerable<string> keys)
    {
        _unpurged.UnionWith(keys);
        if (IsUsable)
        {
            CatchUp();
        }
    }

    /// <summary>An operation has failed: the cache is left alone for a while.</summary>
    /// <param name="error">The reason.</param>
    /// <param name="beganAt">The time when the operation began. If the last outage had not ended then, this is not a new one.</param>
    public void Failed(SharedStoreError error, TimeSpan beganAt)
    {
        if (!IsUsable || beganAt < _changedAt)
        {
            return;
        }

        IsUsable = false;
        if (clock.Now - _changedAt >= MaxPause)
        {
            // Otherwise the pauses keep growing: a server that accepts the probe but no reads seems to be back at each probe.
            _backoff.Succeeded();
        }

        _changedAt = clock.Now;

        // The recovery starts it again.
        _catchingUp?.Cancel();
        if (Outages.Enter())
        {
            ProxyLog.SharedCacheLost(log, error.Message);
        }

        RetryLater();
    }

    /// <summary>A fetch has a lock now.</summary>
    public void AddHolder(SharedFetch fetch) => _holders.Add(fetch);

    /// <summary>A fetch no longer has a lock, and no longer stores its poem.</summary>
    public void RemoveHolder(SharedFetch fetch)
    {
        if (_holders.Remove(fetch))
        {
            CallIfIdle();
        }
    }

    /// <summary>Calls, now or later, each time when no fetch has a lock or stores its poem, and no purge is left.</summary>
    public void WhenIdle(Action call)
    {
        _whenIdle = call;
        CallIfIdle();
    }

    /// <summary>Gives all locks back and closes the connections.</summary>
    public void Close()
    {
        _whenIdle = null;
        foreach (SharedFetch fetch in _holders.ToArray())
        {
            fetch.GiveBack();
        }

        IsUsable = false;
        _ = _retry?.CancelIfActive();
        _catchingUp?.Cancel();
        store.Close();
    }

    private void CallIfIdle()
    {
        if (_holders.Count == 0 && !IsPurging)
        {
            _whenIdle?.Invoke();
        }
    }

    private void OnSubscriptionLost(SharedStoreError error)
    {
        bool isLoop = clock.Now - _subscribedAt < MinPause;
        _subscribedAt = null;
        if (isLoop)
        {
            // The server confirms and then closes: subscribing again at once would be a loop.
            Failed(error, clock.Now);
        }
        else if (IsUsable)
        {
            // The server may have closed it because it was idle, which is not an outage.
            CatchUp();
        }
    }

    private void RetryLater()
    {
        _backoff.Failed(clock.Now);
        _retry = clock.CallLater(_backoff.Until - clock.Now, this, static cache => cache.CatchUp());
    }

    /// <summary>Starts <see cref="Synchronize"/>, unless it is under way. Its success ends an outage.</summary>
    private void CatchUp()
    {
        if (_catchingUp is { Called: false })
        {
            return;
        }

        TimeSpan beganAt = clock.Now;
        bool isOutage = !IsUsable;
        _catchingUp = Synchronize(isOutage).AddErrback((SharedStoreError error) =>
        {
            if (isOutage)
            {
                RetryLater();
            }
            else
            {
                Failed(error, beganAt);
            }

            return default;
        }).AddErrback(static (CancelledError _) => default);
    }

    /// <summary>Subscribes, if there is no subscription, and carries out all purges, also those that are added meanwhile.</summary>
    private async Deferred<Unit> Synchronize(bool isOutage)
    {
        try
        {
            if (isOutage)
            {
                await store.Probe();
            }

            while (_subscribedAt is null || _unpurged.Count > 0)
            {
                if (_subscribedAt is null)
                {
                    await store.Subscribe(purged, OnSubscriptionLost);
                    _subscribedAt = clock.Now;
                    purged(null);
                }
                else
                {
                    // A key that is added meanwhile is purged again if it is being purged now: a value may be stored in between.
                    _purging = [.. _unpurged];
                    _unpurged.Clear();
                    await store.Purge(_purging);
                    _purging = [];
                }
            }
        }
        finally
        {
            _unpurged.UnionWith(_purging);
            _purging = [];

            // Later: it may end the process before the callers that wait for this purge run.
            _ = clock.CallLater(TimeSpan.Zero, this, static cache => cache.CallIfIdle());
        }

        if (isOutage)
        {
            IsUsable = true;
            if (Outages.Leave())
            {
                ProxyLog.SharedCacheBack(log, (clock.Now - _changedAt).TotalSeconds);
            }

            _changedAt = clock.Now;
        }

        return default;
    }
}
