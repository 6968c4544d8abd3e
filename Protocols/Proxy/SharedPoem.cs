using System;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The poem of one upstream in the shared cache: how it is fetched, and what its proxy has to know of it.</summary>
/// <param name="cache">The cache.</param>
/// <param name="key">Of the poem.</param>
/// <param name="clock">The reactor's.</param>
/// <param name="options">How the cache is used.</param>
/// <param name="upstream">Fetches the poem without the cache.</param>
internal sealed class SharedPoem(
    SharedCache cache, string key, IClock clock, SharedPoemOptions options, Func<IPoemReceiver, Deferred<long>> upstream)
{
    private readonly Backoff _refusals = new(SharedCache.MinPause, SharedCache.MaxPause);
    private TimeSpan? _refusedSince;

    /// <summary>Its key in the cache.</summary>
    public string Key => key;

    public SharedCache Cache => cache;

    public IClock Clock => clock;

    public SharedPoemOptions Options => options;

    /// <summary>Called when a fetch from the upstream begins.</summary>
    public Action? FetchBegins { get; set; }

    /// <summary>Poems that came from the shared cache.</summary>
    public long Hits { get; set; }

    /// <summary>Fetches whose poem was not in the shared cache when they began.</summary>
    public long Misses { get; set; }

    /// <summary>Fetches that waited for the fetch of another proxy.</summary>
    public long Waits { get; set; }

    /// <summary>Poems that were stored.</summary>
    public long Stores { get; private set; }

    /// <summary>Operations that the cache has refused; while <see cref="IsRefused"/> there is no other.</summary>
    public long Refusals { get; private set; }

    /// <summary>Poems that were not stored because the lock was lost.</summary>
    public long LocksLost { get; set; }

    /// <summary>True in the pause after a refusal: the poem is fetched as if there were no cache. No lock is taken then, and the
    /// cache is not asked, because what it refuses is not in it.</summary>
    public bool IsRefused => clock.Now < _refusals.Until;

    /// <summary>The cache, which can be used, has refused to store the poem, or to renew its lock: it is left alone with this poem for
    /// a while, longer each time.</summary>
    public void Refused(SharedStoreError error)
    {
        if (IsRefused)
        {
            return;
        }

        Refusals++;
        _refusals.Failed(clock.Now);
        if (_refusedSince is null)
        {
            _refusedSince = clock.Now;
            ProxyLog.SharedStoreRefused(cache.Log, key, error.Message);
        }
    }

    /// <summary>The poem was stored.</summary>
    public void Stored()
    {
        Stores++;
        _refusals.Succeeded();
        if (_refusedSince is { } since)
        {
            _refusedSince = null;
            ProxyLog.SharedStoreAccepted(cache.Log, key, (clock.Now - since).TotalSeconds);
        }
    }

    /// <summary>Begins to fetch from the upstream. Cancelling the deferred stops that.</summary>
    public Deferred<long> FetchUpstream(IPoemReceiver receiver)
    {
        FetchBegins?.Invoke();
        return upstream(receiver);
    }
}

/// <summary>How a poem is shared.</summary>
internal sealed record SharedPoemOptions
{
    /// <summary>How long a stored poem lives; <see cref="TimeSpan.MaxValue"/> for ever.</summary>
    public required TimeSpan Lifetime { get; init; }

    /// <summary>How it travels; a value has the same form.</summary>
    public PoemFormat Format { get; init; }

    /// <summary>True if an empty value of a plain poem is a poem.</summary>
    public bool AllowEmpty { get; init; }

    /// <summary>A longer poem is not stored.</summary>
    public long MaxBytes { get; init; } = long.MaxValue;

    /// <summary>How long a fetch waits for those of others.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.MaxValue;

    /// <summary>
    /// How long after the first look a fetch that waits looks again; twice as long each time. Chosen: short against a fetch over a
    /// network.
    /// </summary>
    public TimeSpan MinPollDelay { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// The longest of these delays. Chosen: a hundred proxies that wait ask for 2,000 short operations a second, and a
    /// client waits at most this much longer than for the fetch itself.
    /// </summary>
    public TimeSpan MaxPollDelay { get; init; } = TimeSpan.FromMilliseconds(100);
}
