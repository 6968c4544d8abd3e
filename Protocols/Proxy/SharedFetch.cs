using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One fetch of a shared poem. The poem comes from the cache if it is there; else the one proxy that gets the lock fetches it,
/// and stores it for the others. To a download this looks like a fetch from the upstream.
/// </summary>
internal sealed class SharedFetch(SharedPoem poem, ProxyService service, ProxyDownload download)
{
    /// <summary>The delay until a waiting fetch reads the cache again; it doubles each time. Chosen: short against a fetch
    /// over a network.</summary>
    private static readonly TimeSpan MinPollDelay = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// The longest of these delays. Chosen: a hundred proxies that wait cause 2,000 short operations a second, and a client
    /// waits at most this much longer than the fetch takes.
    /// </summary>
    private static readonly TimeSpan MaxPollDelay = TimeSpan.FromMilliseconds(100);

    private readonly SharedCache _cache = poem.Cache;
    private readonly string _token = poem.Cache.NewToken();
    private Deferred<Unit>? _renewal;
    private bool _hasLock;
    private bool _stores;

    /// <summary>
    /// The time from which the poem can't be kept: it has expired in the cache, or the lock was lost and there may have been a
    /// purge. <see cref="TimeSpan.MaxValue"/> for never.
    /// </summary>
    public TimeSpan ExpiresAt { get; private set; } = TimeSpan.MaxValue;

    /// <returns>As <see cref="PoemFetch.Start(Reactor, Endpoint, PoemRequest, IPoemReceiver)"/>; fails with a
    /// <see cref="SharedCutError"/> if the cache failed after a part of the poem was passed on. A lock may be held until
    /// <see cref="Keep"/> or <see cref="GiveBack"/> is called.</returns>
    public async Deferred<long> Start() =>
        await TryGet() ? download.ReceivedBytes : await service.FetchUpstream(download);

    /// <summary>Stores the complete poem, if it came from the upstream under the lock, and gives the lock back.</summary>
    /// <param name="whole">The poem, as it is sent.</param>
    public void Keep(PoemBuffer whole)
    {
        if (_hasLock && _cache.IsUsable)
        {
            _ = Store(whole);
        }
        else
        {
            GiveBack();
        }
    }

    /// <summary>The poem has become longer: above the limit it is not stored, and the lock is given back at once.</summary>
    public void Grown(long length)
    {
        if (length > service.Options.MaxSharedBytes)
        {
            GiveBack();
        }
    }

    /// <summary>Gives the lock back, so that another proxy can fetch at once.</summary>
    public void GiveBack()
    {
        if (!_hasLock)
        {
            return;
        }

        if (_cache.IsUsable)
        {
            ReportFailure(_cache.Store.Unlock(poem.Key, _token));
        }

        ForgetLock();
    }

    /// <summary>Reads the poem from the cache, or waits for the lock.</summary>
    /// <returns>False if the poem has to be fetched from the upstream.</returns>
    private async Deferred<bool> TryGet()
    {
        IClock clock = service.Clock;
        TimeSpan end = SaturatedTime.Add(clock.Now, service.Options.Timeout);
        TimeSpan delay = MinPollDelay;
        TimeSpan? invalidSince = null;
        bool isFirst = true;
        while (_cache.IsUsable && !poem.IsRefused)
        {
            if (!_cache.IsPurging)
            {
                TimeSpan beganAt = clock.Now;
                bool replaces = invalidSince is { } since && beganAt - since >= SharedNames.Lease;
                try
                {
                    if (await TryRead())
                    {
                        return true;
                    }

                    poem.Misses += isFirst ? 1 : 0;
                    SharedLock state = await TryLock(replaces);
                    if (state == SharedLock.Taken)
                    {
                        bool isThere = await TryRead();
                        if (isThere)
                        {
                            GiveBack();
                        }

                        return isThere;
                    }

                    invalidSince = state == SharedLock.Invalid ? invalidSince ?? clock.Now : null;
                    poem.Waits += isFirst ? 1 : 0;
                    isFirst = false;
                }
                catch (SharedStoreError error)
                {
                    // Any user of the cache may read a value and take a lock; replacing a lock needs a script.
                    Report(error, beganAt, isRefusal: replaces && error.IsRefusal);
                    RestartOrFail(error.Message);
                    continue;
                }
            }

            TimeSpan left = end - clock.Now;
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            _ = await clock.Sleep(delay < left ? delay : left);
            delay = delay * 2 < MaxPollDelay ? delay * 2 : MaxPollDelay;
        }

        return false;
    }

    private async Deferred<Unit> Store(PoemBuffer whole)
    {
        // The lock is renewed until the reply arrives: storing a long value takes time.
        TimeSpan beganAt = service.Clock.Now;
        _stores = true;
        whole.AddRef();
        try
        {
            bool isStored = await _cache.Store.Store(poem.Key, _token, whole, service.Options.Lifetime);
            ForgetLock();
            if (isStored)
            {
                poem.Stored();
            }
            else
            {
                poem.LocksLost++;
                service.DropIfKept(whole);
            }
        }
        catch (SharedStoreError error)
        {
            Report(error, beganAt, error.IsRefusal);
            GiveBack();
        }
        finally
        {
            whole.Release();
        }

        return default;
    }

    private async Deferred<bool> TryRead()
    {
        var reader = new SharedReader(download, service.Options.Format);
        SharedRead read = await _cache.Store.Get(poem.Key, reader);
        if (reader.Refusal is { } refusal)
        {
            throw new PoemIncompleteError(refusal);
        }

        if (read.IsHit && reader.IsPoem)
        {
            bool isPoem = read.Length > 0 || service.Options.AllowEmpty;
            if (isPoem)
            {
                ProxyLog.UsingShared(_cache.Log, service.Upstream);
                ExpiresAt = read.ExpiresAt < ExpiresAt ? read.ExpiresAt : ExpiresAt;
                poem.Hits++;
            }

            return isPoem;
        }

        if (reader.Length >= 0)
        {
            // No proxy writes such a value. If it stays, it cuts off every client.
            ReportFailure(_cache.Store.Remove(poem.Key));
            RestartOrFail("the value is no poem");
        }

        return false;
    }

    /// <summary>Drops the part of the poem that has arrived; fails if some of it was passed on.</summary>
    private void RestartOrFail(string reason)
    {
        if (!download.TryRestart())
        {
            throw new SharedCutError($"shared cache: {reason}");
        }
    }

    private async Deferred<SharedLock> TryLock(bool replacesInvalid)
    {
        // From now on the lock may exist: a fetch that is cancelled before the reply gives it back, too.
        _hasLock = true;
        _cache.AddHolder(this);
        SharedLock state = SharedLock.Held;
        try
        {
            state = await _cache.Store.TryLock(poem.Key, _token, replacesInvalid);
            return state;
        }
        finally
        {
            if (state == SharedLock.Taken)
            {
                _renewal = RenewLock().AddErrback(static (CancelledError _) => default);
            }
            else
            {
                ForgetLock();
            }
        }
    }

    /// <summary>Renews the lock until it is lost or given back, which cancels this.</summary>
    private async Deferred<Unit> RenewLock()
    {
        while (true)
        {
            _ = await service.Clock.Sleep(SharedNames.Lease / 3);
            TimeSpan beganAt = service.Clock.Now;
            try
            {
                // While the poem is being stored, the lock may be gone because storing gives it back: only that reply tells.
                if (_cache.IsUsable && !await _cache.Store.Renew(poem.Key, _token) && !_stores)
                {
                    ExpiresAt = service.Clock.Now;
                    poem.LocksLost++;
                    ForgetLock();
                }
            }
            catch (SharedStoreError error)
            {
                Report(error, beganAt, error.IsRefusal);
            }
        }
    }

    private void ForgetLock()
    {
        _hasLock = false;
        _renewal?.Cancel();
        _cache.RemoveHolder(this);
    }

    private void ReportFailure(Deferred<Unit> operation)
    {
        TimeSpan beganAt = service.Clock.Now;
        _ = operation.AddErrback((SharedStoreError error) =>
        {
            Report(error, beganAt, error.IsRefusal);
            return default;
        });
    }

    /// <summary>An operation has failed: an outage, or a poem that the cache does not take.</summary>
    private void Report(SharedStoreError error, TimeSpan beganAt, bool isRefusal)
    {
        if (isRefusal)
        {
            poem.Refused(error);
            GiveBack();
        }
        else
        {
            _cache.Failed(error, beganAt);
        }
    }
}

/// <summary>The shared cache failed after a part of the poem was passed on.</summary>
/// <param name="message">One line, without a full stop.</param>
internal sealed class SharedCutError(string message) : IOException(message);
