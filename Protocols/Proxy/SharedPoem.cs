using System;

namespace Poetry.Protocols;

/// <summary>The poem of one upstream in the shared cache: how it is fetched, and what its proxy has to know of it.</summary>
internal sealed class SharedPoem(SharedCache cache, string key)
{
    private readonly Backoff _refusals = new(SharedCache.MinPause, SharedCache.MaxPause);
    private TimeSpan? _refusedSince;

    public string Key => key;

    public SharedCache Cache => cache;

    /// <summary>Poems that came from the shared cache.</summary>
    public long Hits { get; set; }

    /// <summary>Fetches whose poem was not in the shared cache when they began.</summary>
    public long Misses { get; set; }

    /// <summary>Fetches that waited for the fetch of another proxy.</summary>
    public long Waits { get; set; }

    public long Stores { get; private set; }

    /// <summary>Operations that the cache has refused; while <see cref="IsRefused"/> there is no other.</summary>
    public long Refusals { get; private set; }

    /// <summary>Poems that were not stored because the lock was lost.</summary>
    public long LocksLost { get; set; }

    /// <summary>True in the pause after a refusal: the poem is fetched as if there were no cache. No lock is taken then, and the
    /// cache is not asked, because what it refuses is not in it.</summary>
    public bool IsRefused => cache.Clock.Now < _refusals.Until;

    /// <summary>The cache, which can be used, has refused to store the poem, or to renew its lock: it is left alone with this poem for
    /// a while, longer each time.</summary>
    public void Refused(SharedStoreError error)
    {
        if (IsRefused)
        {
            return;
        }

        Refusals++;
        _refusals.Failed(cache.Clock.Now);
        if (_refusedSince is null)
        {
            _refusedSince = cache.Clock.Now;
            ProxyLog.SharedStoreRefused(cache.Log, key, error.Message);
        }
    }

    public void Stored()
    {
        Stores++;
        _refusals.Succeeded();
        if (_refusedSince is { } since)
        {
            _refusedSince = null;
            ProxyLog.SharedStoreAccepted(cache.Log, key, (cache.Clock.Now - since).TotalSeconds);
        }
    }
}
