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
internal sealed class SharedCache
{
    /// <summary>The first pause after a failure of the cache, or after a refusal; twice as long each time.</summary>
    public static readonly TimeSpan MinPause = TimeSpan.FromSeconds(1);

    public static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);

    private readonly IClock _clock;
    private readonly Action<string?> _purged;
    private readonly Backoff _backoff = new(MinPause, MaxPause);

    /// <summary>Fetches that have a lock, or are stored.</summary>
    private readonly List<SharedFetch> _holders = [];
    private readonly HashSet<string> _unpurged = [];
    private DelayedCall? _retry;
    private Deferred<Unit>? _recovery;
    private Deferred<Unit>? _subscribing;
    private Deferred<Unit>? _purging;
    private TimeSpan _lostAt;
    private TimeSpan _usableSince;
    private TimeSpan _subscribedAt;
    private bool _isSubscribed;
    private Action? _whenIdle;

    /// <summary>Makes one that is not started.</summary>
    /// <param name="store">The cache.</param>
    /// <param name="clock">The reactor's.</param>
    /// <param name="log">Where outages are logged.</param>
    /// <param name="purged">Called with a key of which nothing may be kept any more that was fetched so far; null stands for
    /// all.</param>
    public SharedCache(ISharedStore store, IClock clock, ILogger log, Action<string?> purged)
    {
        Store = store;
        _clock = clock;
        Log = log;
        store.Purged = purged;
        _purged = purged;
        store.SubscriptionLost = OnSubscriptionLost;
    }

    public ILogger Log { get; }

    public ISharedStore Store { get; }

    /// <summary>Makes the random name of a fetch; tests replace it.</summary>
    public Func<string> NewToken { get; init; } = static () => Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());

    /// <summary>True unless there is an outage, or the proxy ends.</summary>
    public bool IsUsable { get; private set; } = true;

    /// <summary>True while a purge is carried out: until then no value may be read.</summary>
    public bool IsPurging { get; private set; }

    /// <summary>Grows with each outage, so that a late failure of an operation that began before is no new one.</summary>
    public int Generation { get; private set; }

    /// <summary>Of all workers of the process, so that an outage is logged once.</summary>
    public SharedOutages Outages { get; init; } = new();

    /// <summary>Subscribes, at first or anew.</summary>
    public void Start() => _subscribing = Watch(Subscribe());

    /// <summary>Purges keys for all proxies; if the cache can't be reached, as soon as it can be.</summary>
    public void Purge(IEnumerable<string> keys)
    {
        _unpurged.UnionWith(keys);
        if (IsUsable && _unpurged.Count > 0 && !IsPurging)
        {
            _purging = Watch(PurgePending());
        }
    }

    /// <summary>An operation has failed: the cache is left alone for a while.</summary>
    /// <param name="error">Why.</param>
    /// <param name="generation">Of the time when the operation began.</param>
    public void Failed(SharedStoreError error, int generation)
    {
        if (!IsUsable || generation != Generation)
        {
            return;
        }

        IsUsable = false;
        Generation++;
        _lostAt = _clock.Now;
        if (_lostAt - _usableSince >= MaxPause)
        {
            // Otherwise the pauses go on growing: a server that takes the probe and refuses to read is back at each probe.
            _backoff.Succeeded();
        }

        _subscribing?.Cancel();

        // The recovery carries it out anew, and does not end before.
        _purging?.Cancel();
        if (Outages.Enter())
        {
            ProxyLog.SharedCacheLost(Log, error.Message);
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
        Generation++;
        _ = _retry?.CancelIfActive();
        _recovery?.Cancel();
        _subscribing?.Cancel();
        _purging?.Cancel();
        Store.Close();
    }

    private void CallIfIdle()
    {
        if (_holders.Count == 0 && _unpurged.Count == 0 && !IsPurging)
        {
            _whenIdle?.Invoke();
        }
    }

    private void OnSubscriptionLost(SharedStoreError error)
    {
        _isSubscribed = false;
        if (_clock.Now - _subscribedAt < MinPause)
        {
            // A server that confirms and closes each time: asking again at once would be a loop.
            Failed(error, Generation);
        }
        else if (IsUsable)
        {
            // It may have been closed for being idle, which is no outage.
            Start();
        }
    }

    /// <summary>The failure of an operation that nothing else waits for is an outage.</summary>
    private Deferred<Unit> Watch(Deferred<Unit> operation)
    {
        int generation = Generation;
        return operation.AddErrback((SharedStoreError error) =>
        {
            Failed(error, generation);
            return default;
        }).AddErrback(static (CancelledError _) => default);
    }

    private async Deferred<Unit> Subscribe()
    {
        await Store.Subscribe();
        _isSubscribed = true;
        _subscribedAt = _clock.Now;
        _purged(null);
        return default;
    }

    /// <summary>Carries out all purges that are still to be, also those that are added meanwhile.</summary>
    private async Deferred<Unit> PurgePending()
    {
        string[] keys = [];
        IsPurging = true;
        try
        {
            while (_unpurged.Count > 0)
            {
                // One that is added meanwhile is carried out, even if the same key is being purged: a value may come in between.
                keys = [.. _unpurged];
                _unpurged.Clear();
                await Store.Purge(keys);
                keys = [];
            }
        }
        finally
        {
            IsPurging = false;
            _unpurged.UnionWith(keys);

            // Later: it may end the process, and with it what waits for this purge.
            _ = _clock.CallLater(TimeSpan.Zero, this, static cache => cache.CallIfIdle());
        }

        return default;
    }

    private void RetryLater()
    {
        _backoff.Failed(_clock.Now);
        _retry = _clock.CallLater(
            _backoff.Until - _clock.Now, this, static cache => cache._recovery = cache.Watch(cache.Recover()));
    }

    /// <summary>It is back when a write succeeds, nothing is left to be purged, and purges can be heard.</summary>
    private async Deferred<Unit> Recover()
    {
        try
        {
            await Store.Probe();
            if (!_isSubscribed)
            {
                await Subscribe();
            }

            await PurgePending();
        }
        catch (SharedStoreError)
        {
            RetryLater();
            return default;
        }

        if (!_isSubscribed)
        {
            // It has ended meanwhile.
            RetryLater();
            return default;
        }

        IsUsable = true;
        _usableSince = _clock.Now;
        if (Outages.Leave())
        {
            ProxyLog.SharedCacheBack(Log, (_clock.Now - _lostAt).TotalSeconds);
        }

        return default;
    }
}
