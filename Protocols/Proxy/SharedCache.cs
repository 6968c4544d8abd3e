using System;
using System.Collections.Generic;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// The cache that this reactor's proxies share with those of other machines: decides when it is used. While it can't be, the
/// proxies work without it, and it is tried again, more and more seldom.
/// </summary>
/// <remarks>
/// Always true: it is used only if no purge of this proxy is still to be carried out; and what a proxy has kept before its
/// subscription was confirmed is not kept afterwards, since a purge may have been missed.
/// </remarks>
/// <param name="store">The cache.</param>
/// <param name="clock">The reactor's.</param>
/// <param name="log">Where outages are logged.</param>
/// <param name="purged">Called with a key of which nothing may be kept any more that was fetched so far; null stands for all.</param>
internal sealed class SharedCache(ISharedStore store, IClock clock, ILogger log, Action<string?> purged)
{
    /// <summary>The first pause after a failure of the cache, or after a refusal; twice as long each time.</summary>
    public static readonly TimeSpan MinPause = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);

    private readonly Backoff _backoff = new(MinPause, MaxPause);

    /// <summary>Fetches that have a lock, or are stored.</summary>
    private readonly List<SharedFetch> _holders = [];

    /// <summary>Keys that are still to be purged.</summary>
    private readonly HashSet<string> _unpurged = [];

    /// <summary>Keys that are being purged.</summary>
    private string[] _purging = [];
    private DelayedCall? _retry;
    private Deferred<Unit>? _catchingUp;

    /// <summary>When it became usable, or the outage began.</summary>
    private TimeSpan _changedAt;

    /// <summary>Null while there is no subscription.</summary>
    private TimeSpan? _subscribedAt;
    private Action? _whenIdle;

    public IClock Clock => clock;

    public ILogger Log => log;

    public ISharedStore Store => store;

    /// <summary>Makes the random name of a fetch; tests replace it.</summary>
    public Func<string> NewToken { get; init; } = static () => Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());

    /// <summary>True unless there is an outage, or the proxy ends.</summary>
    public bool IsUsable { get; private set; } = true;

    /// <summary>True until all purges are carried out: before, no value may be read.</summary>
    public bool IsPurging => _unpurged.Count > 0 || _purging.Length > 0;

    /// <summary>Of all workers of the process, so that an outage is logged once.</summary>
    public SharedOutages Outages { get; init; } = new();

    /// <summary>Subscribes.</summary>
    public void Start() => CatchUp();

    /// <summary>Purges keys for all proxies; if the cache can't be reached, as soon as it can be.</summary>
    public void Purge(IEnumerable<string> keys)
    {
        _unpurged.UnionWith(keys);
        if (IsUsable)
        {
            CatchUp();
        }
    }

    /// <summary>An operation has failed: the cache is left alone for a while.</summary>
    /// <param name="error">Why.</param>
    /// <param name="beganAt">When the operation began: one from before an outage that is over is no new one.</param>
    public void Failed(SharedStoreError error, TimeSpan beganAt)
    {
        if (!IsUsable || beganAt < _changedAt)
        {
            return;
        }

        IsUsable = false;
        if (clock.Now - _changedAt >= MaxPause)
        {
            // Otherwise the pauses go on growing: a server that takes the probe and refuses to read is back at each probe.
            _backoff.Succeeded();
        }

        _changedAt = clock.Now;

        // The recovery begins it anew.
        _catchingUp?.Cancel();
        if (Outages.Enter())
        {
            ProxyLog.SharedCacheLost(log, error.Message);
        }

        RetryLater();
    }

    /// <summary>A fetch has a lock now.</summary>
    public void Hold(SharedFetch fetch) => _holders.Add(fetch);

    /// <summary>A fetch neither has a lock nor is stored any more.</summary>
    public void LetGo(SharedFetch fetch)
    {
        if (_holders.Remove(fetch))
        {
            CallIfIdle();
        }
    }

    /// <summary>Calls once no fetch has a lock or is stored, and no purge is still to be carried out; at once if it is so.</summary>
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
            // A server that confirms and closes each time: asking again at once would be a loop.
            Failed(error, clock.Now);
        }
        else if (IsUsable)
        {
            // It may have been closed for being idle, which is no outage.
            CatchUp();
        }
    }

    private void RetryLater()
    {
        _backoff.Failed(clock.Now);
        _retry = clock.CallLater(_backoff.Until - clock.Now, this, static cache => cache.CatchUp());
    }

    /// <summary>Does what is still to be done, unless that is under way. In an outage the cache is back when that succeeds.</summary>
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
                    // One that is added meanwhile is carried out, even if the same key is being purged: a value may come in between.
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

            // Later: it may end the process, and with it what waits for this purge.
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
