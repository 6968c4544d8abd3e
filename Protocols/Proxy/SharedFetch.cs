using System;
using System.IO;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One fetch of a poem that is shared: from the cache if it is there, else by the one proxy that gets the lock, which stores
/// it for the others. To a download it looks like a fetch from the upstream.
/// </summary>
internal sealed class SharedFetch : IPoemReceiver
{
    private readonly SharedPoem _poem;
    private readonly SharedCache _cache;
    private readonly ProxyDownload _download;
    private readonly string _token;
    private DelayedCall? _renewal;
    private bool _renews;
    private bool _hasLock;
    private bool _stores;
    private long _received;

    /// <summary>Makes one that has not begun.</summary>
    /// <param name="poem">What is fetched.</param>
    /// <param name="download">Receives it.</param>
    public SharedFetch(SharedPoem poem, ProxyDownload download)
    {
        _poem = poem;
        _cache = poem.Cache;
        _download = download;
        _token = _cache.NewToken();
    }

    /// <summary>True if the lock was lost: there may have been a purge, so that the poem can't be kept.</summary>
    public bool HasLostLock { get; private set; }

    /// <summary>True if the poem came from the shared cache.</summary>
    public bool IsHit { get; private set; }

    /// <summary>When a poem of the cache expires, on the clock; <see cref="TimeSpan.MaxValue"/> for one of the upstream.</summary>
    public TimeSpan ExpiresAt { get; private set; } = TimeSpan.MaxValue;

    private ISharedStore Store => _cache.Store;

    /// <summary>Begins.</summary>
    /// <returns>As <see cref="PoemFetch.Start(Reactor, Endpoint, PoemRequest, IPoemReceiver)"/>; fails with a
    /// <see cref="SharedCutError"/> if the cache failed when a part of the poem was passed on. A lock may be held until
    /// <see cref="Keep"/> or <see cref="GiveBack"/> is called.</returns>
    public async Deferred<long> Start()
    {
        long length = await FromCache();
        return length >= 0 ? length : await _poem.FetchUpstream(this);
    }

    /// <inheritdoc/>
    bool IPoemReceiver.Received(ReadOnlySpan<byte> bytes)
    {
        _received += bytes.Length;
        bool stored = _download.Received(bytes);
        GiveBackIfTooLong(_received);
        return stored;
    }

    /// <inheritdoc/>
    Span<byte> IPoemReceiver.GetBuffer() => ((IPoemReceiver)_download).GetBuffer();

    /// <inheritdoc/>
    void IPoemReceiver.Connected(IProducer upstream) => _download.Connected(upstream);

    /// <inheritdoc/>
    void IPoemReceiver.Announced(long length)
    {
        _download.Announced(length);
        GiveBackIfTooLong(length);
    }

    /// <inheritdoc/>
    bool IPoemReceiver.TryRestart()
    {
        _received = 0;
        return _download.TryRestart();
    }

    /// <summary>Stores the complete poem, if it came from the upstream under the lock, and gives the lock back.</summary>
    /// <param name="poem">As it is sent.</param>
    /// <param name="service">Is told if the poem must not be kept.</param>
    public void Keep(PoemBuffer poem, ProxyService service)
    {
        if (!_hasLock || !_cache.IsUsable)
        {
            GiveBack();
            return;
        }

        // The lock is renewed until the answer is here: a long value takes its time.
        int generation = _cache.Generation;
        _stores = true;
        poem.AddRef();
        _ = Store.Store(_poem.Key, _token, poem, _poem.Options.Lifetime).AddBoth(outcome =>
        {
            if (outcome.Failure is null)
            {
                ForgetLock();
                if (outcome.Value)
                {
                    _poem.Stored();
                }
                else
                {
                    _poem.LocksLost++;
                    service.DropIfKept(poem);
                }
            }
            else
            {
                ReportFailure(outcome.Failure, generation);
                GiveBack();
            }

            poem.Release();
        });
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
            int generation = _cache.Generation;
            _ = Store.Unlock(_poem.Key, _token).AddErrback(failure => ReportFailure(failure, generation));
        }

        ForgetLock();
    }

    /// <summary>Looks into the cache, and waits for the lock.</summary>
    /// <returns>The length of the poem; −1 if it has to be fetched from the upstream.</returns>
    private async Deferred<long> FromCache()
    {
        IClock clock = _poem.Clock;
        TimeSpan began = clock.Now;
        TimeSpan delay = _poem.Options.MinPollDelay;
        TimeSpan? invalidSince = null;
        for (bool isFirst = true; _cache.IsUsable && !_poem.IsRefused; isFirst = false)
        {
            TimeSpan left = SaturatedTime.Add(began, _poem.Options.MaxWait) - clock.Now;
            if (!isFirst)
            {
                if (left <= TimeSpan.Zero)
                {
                    return -1;
                }

                _ = await clock.Sleep(delay < left ? delay : left);
                delay = delay * 2 < _poem.Options.MaxPollDelay ? delay * 2 : _poem.Options.MaxPollDelay;
            }

            if (_cache.IsPurging || !_cache.IsUsable)
            {
                continue;
            }

            int generation = _cache.Generation;
            bool replaces = invalidSince is { } since && clock.Now - since >= SharedNames.Lease;
            try
            {
                if (await TryRead())
                {
                    return _download.ReceivedBytes;
                }

                _poem.Misses += isFirst ? 1 : 0;
                SharedLock state = await TryLock(replaces);
                if (state == SharedLock.Taken)
                {
                    if (!await TryRead())
                    {
                        return -1;
                    }

                    GiveBack();
                    return _download.ReceivedBytes;
                }

                invalidSince = state == SharedLock.Invalid ? invalidSince ?? clock.Now : null;
                _poem.Waits += isFirst ? 1 : 0;
            }
            catch (SharedStoreError error)
            {
                // What reads and takes the lock is allowed to any user that may use the cache at all; replacing a lock is a script.
                Report(error, generation, isRefusal: replaces && error.IsRefusal);
                RestartOrFail(error.Message);
            }
        }

        return -1;
    }

    private async Deferred<bool> TryRead()
    {
        var reader = new SharedReader(_download, _poem.Options.Format);
        SharedRead read = await Store.Get(_poem.Key, reader);
        if (reader.Refusal is { } refusal)
        {
            throw new PoemIncompleteError(refusal);
        }

        if (!read.IsHit && !reader.IsWrong)
        {
            return false;
        }

        if (read.Length == 0 && _poem.Options is { Format: PoemFormat.Plain, AllowEmpty: false })
        {
            return false;
        }

        if (reader.IsComplete)
        {
            IsHit = true;
            ExpiresAt = read.ExpiresAt;
            _poem.Hits++;
            return true;
        }

        // No proxy writes such a value. It would cut off client after client.
        int generation = _cache.Generation;
        _ = Store.Remove(_poem.Key).AddErrback(failure => ReportFailure(failure, generation));
        RestartOrFail("the value is no poem");
        return false;
    }

    /// <summary>Drops a part of the poem that has arrived.</summary>
    private void RestartOrFail(string reason)
    {
        if (_download.HasBegun && !_download.TryRestart())
        {
            throw new SharedCutError($"shared cache: {reason}");
        }
    }

    private async Deferred<SharedLock> TryLock(bool replacesInvalid)
    {
        // From now on it may be there: a fetch that is cancelled before the answer gives it back, too.
        _hasLock = true;
        _cache.Hold(this);
        SharedLock state = SharedLock.Held;
        try
        {
            state = await Store.TryLock(_poem.Key, _token, replacesInvalid);
        }
        catch (SharedStoreError)
        {
            ForgetLock();
            throw;
        }

        if (state == SharedLock.Taken)
        {
            _renewal = _poem.Clock.CallLater(SharedNames.Lease / 3, this, static fetch => fetch.Renew());
        }
        else
        {
            ForgetLock();
        }

        return state;
    }

    private void Renew()
    {
        _renewal!.Rearm(SharedNames.Lease / 3);
        if (_renews || !_cache.IsUsable)
        {
            return;
        }

        _renews = true;
        int generation = _cache.Generation;
        _ = Store.Renew(_poem.Key, _token).AddBoth(outcome =>
        {
            _renews = false;
            if (outcome.Failure is { } failure)
            {
                ReportFailure(failure, generation);
            }
            else if (!outcome.Value && _hasLock && !_stores)
            {
                // While the poem is stored, only that tells whether the lock is lost, or was given back by it.
                ForgetLock();
                HasLostLock = true;
                _poem.LocksLost++;
            }
        });
    }

    private void GiveBackIfTooLong(long length)
    {
        if (_hasLock && (length > _poem.Options.MaxBytes || _download.PassesThrough))
        {
            GiveBack();
        }
    }

    private void ForgetLock()
    {
        _hasLock = false;
        _ = _renewal?.CancelIfActive();
        _cache.LetGo(this);
    }

    private void ReportFailure(Failure failure, int generation)
    {
        if (failure.Exception is SharedStoreError error)
        {
            Report(error, generation, error.IsRefusal);
        }
        else if (!failure.Check<CancelledError>())
        {
            failure.Throw();
        }
    }

    /// <summary>An operation has failed: an outage, or a poem that the cache does not take.</summary>
    private void Report(SharedStoreError error, int generation, bool isRefusal)
    {
        if (isRefusal)
        {
            _poem.Refused(error);
            GiveBack();
        }
        else
        {
            _cache.Failed(error, generation);
        }
    }
}

/// <summary>The shared cache failed after a part of the poem was passed on.</summary>
/// <param name="message">One line, without a full stop.</param>
internal sealed class SharedCutError(string message) : IOException(message);
