namespace Poetry.Protocols;

/// <summary>The poem of one upstream in the shared cache: its key, its counters, and the pause after a refusal.</summary>
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

    /// <summary>Operations that the cache has refused; while <see cref="IsRefused"/> no other is counted.</summary>
    public long Refusals { get; private set; }

    /// <summary>Poems that were not stored because the lock was lost.</summary>
    public long LocksLost { get; set; }

    /// <summary>True in the pause after a refusal: the poem is fetched without the cache. No lock is taken then, and the cache
    /// is not read, because it does not have a poem that it refuses.</summary>
    public bool IsRefused => cache.Clock.Now < _refusals.Until;

    /// <summary>The cache works, but has refused to store the poem, or an operation on its lock: it is not used for this poem
    /// in a pause, which doubles each time.</summary>
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
