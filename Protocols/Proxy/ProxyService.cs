using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// The proxy of one upstream. It keeps the poem, or fetches it once for all clients that wait. It uses a clock and a function
/// that fetches, and no sockets.
/// </summary>
/// <remarks>
/// <para>Always true: at most one fetch is under way, not counting fetches of poems that pass through, and fetches that a purge
/// has disowned. A fetch has a client, unless it refreshes a poem in the background. Only complete poems are kept. An error is
/// never kept, but the upstream is left alone for a short time after it.</para>
/// <para>While a stale poem may replace a fetch that fails, clients get nothing before the new poem is complete.</para>
/// </remarks>
/// <param name="upstream">The name of the upstream, as the user typed it.</param>
/// <param name="fetch">Begins a fetch; cancelling its deferred stops it.</param>
/// <param name="clock">The reactor's clock.</param>
/// <param name="options">The options for fetching and keeping poems.</param>
/// <param name="cache">The cache that all services of the reactor share. They share <paramref name="memory"/>, too.</param>
/// <param name="memory">Allocates the poems.</param>
/// <param name="log">The log.</param>
internal sealed partial class ProxyService(
    string upstream,
    Func<IPoemReceiver, Deferred<long>> fetch,
    IClock clock,
    ProxyOptions options,
    ProxyCache cache,
    PoemMemory memory,
    ILogger log) : IListElement<ProxyService>
{
    private readonly string _usingCached = $"Using cached poem. ({upstream})";
    private readonly Backoff _backoff = new(options.MinPause, options.MaxPause);
    private readonly RepeatedErrorLog _fetchErrors = new(
        clock,
        reason => ProxyLog.FetchFailed(log, upstream, reason),
        (count, reason) => ProxyLog.FetchFailedAgain(log, upstream, count, reason));

    /// <summary>The fetch that clients may still join, and whose poem will be kept.</summary>
    private ProxyDownload? _download;
    private PoemBuffer? _poem;
    private TimeSpan _freshUntil;
    private DelayedCall? _expiry;
    private ListLinks<ProxyService> _byUse;
    private string _lastFailure = string.Empty;

    public string Upstream => upstream;

    public ProxyOptions Options => options;

    public IClock Clock => clock;

    public ProxyCache Cache => cache;

    public PoemMemory Memory => memory;

    /// <summary>True while the upstream is left alone after a failed fetch.</summary>
    public bool IsPaused => clock.Now < _backoff.Until;

    /// <summary>The times from the accept of a client to its first byte.</summary>
    public Histogram FirstByte { get; } = new();

    /// <summary>Clients that were served from memory.</summary>
    public long Hits { get; private set; }

    /// <summary>Other clients: they caused a fetch, joined one, or came in a pause after a failure.</summary>
    public long Misses { get; private set; }

    /// <summary>Clients that joined a fetch under way.</summary>
    public long Coalesced { get; private set; }

    /// <summary>Clients that were given a stale poem.</summary>
    public long StaleServed { get; set; }

    /// <summary>Clients that were reset because they came in a pause after a failure.</summary>
    public long Refusals { get; private set; }

    /// <summary>Clients that left before a fetch began for them.</summary>
    public long Probes { get; set; }

    public long Fetches { get; private set; }

    public long Refreshes { get; private set; }

    public long Failures { get; private set; }

    /// <summary>Fetches that were cancelled: the last client left, a purge found no client, or a background fetch was too long.
    /// </summary>
    public long Cancels { get; private set; }

    public long FetchesInFlight { get; private set; }

    /// <summary>Clients that wait for a fetch, or for more of it.</summary>
    public long Waiters { get; set; }

    /// <summary>Clients for which no fetch has begun, because they may be health checks.</summary>
    public int ClientsProbing { get; set; }

    /// <summary>The poem in the cache that proxies share; null if it is not shared.</summary>
    public SharedPoem? Shared { get; init; }

    /// <summary>Bytes of the kept poem, as it is sent.</summary>
    public long CachedBytes => _poem?.Length ?? 0;

    /// <summary>Bytes that dropping the kept poem would free: none while a client reads it.</summary>
    internal long IdleBytes => _poem is { IsShared: false } poem ? poem.Length : 0;

    ref ListLinks<ProxyService> IListElement<ProxyService>.Links => ref _byUse;

    /// <summary>The kept poem, if it may replace one that can't be fetched.</summary>
    internal PoemBuffer? StalePoem => clock.Now < StaleUntil ? _poem : null;

    /// <summary>The end of the time in which the poem is served at once, and refreshed in the background.</summary>
    private TimeSpan RefreshUntil => SaturatedTime.Add(_freshUntil, options.StaleWhileRevalidate);

    /// <summary>The end of the time in which it replaces a poem that can't be fetched.</summary>
    private TimeSpan StaleUntil => SaturatedTime.Add(_freshUntil, options.StaleIfError);

    /// <summary>True if a fetch is under way, and the start of its poem is still in memory.</summary>
    public bool CanJoin => _download is { HasAll: true };

    /// <summary>True if a client that was given the old poem causes a background fetch: see <see cref="Refresh"/>.</summary>
    public bool NeedsRefresh =>
        _poem is not null && _download is null && !IsPaused && clock.Now >= _freshUntil && clock.Now < RefreshUntil;

    /// <summary>The poem, if it is served from memory now.</summary>
    /// <param name="isStale">True if the poem is older than its lifetime.</param>
    /// <returns>The poem, with a reference that the caller has to <see cref="PoemBuffer.Release"/>; null if the poem has to be
    /// fetched.</returns>
    public PoemBuffer? TryAcquireCached(out bool isStale)
    {
        TimeSpan now = clock.Now;
        isStale = now >= _freshUntil;
        if (_poem is not { } poem || (isStale && now >= RefreshUntil && !(IsPaused && now < StaleUntil)))
        {
            return null;
        }

        poem.AddRef();
        Hits++;
        StaleServed += isStale ? 1 : 0;
        cache.Touch(this);
        return poem;
    }

    /// <summary>Begins a fetch in the background, if it is still needed.</summary>
    public void Refresh()
    {
        if (NeedsRefresh)
        {
            Refreshes++;
            Begin(first: null);
        }
    }

    /// <summary>Waits for the poem: joins the fetch under way, or begins one.</summary>
    /// <param name="reader">The client, which gets the poem from its start, in later turns.</param>
    /// <returns>The delivery. The caller ends it when the reader's connection is over.</returns>
    public ProxyDelivery Join(IPoemReader reader)
    {
        Misses++;
        Coalesced += CanJoin ? 1 : 0;
        var delivery = new ProxyDelivery(reader);
        Fetch(delivery);
        return delivery;
    }

    /// <summary>Counts a client that is reset because it came in a pause.</summary>
    /// <returns>The reason why the last fetch failed.</returns>
    public string Refuse()
    {
        Debug.Assert(IsPaused, "clients are refused in a pause only");
        Misses++;
        Refusals++;
        return _lastFailure;
    }

    /// <summary>Logs that a client was served from memory; a health check at debug.</summary>
    /// <param name="client">The record of its connection.</param>
    public void LogHit(in ConnectionRecord client) =>
        ProxyLog.UsingCached(log, client.IsProbe ? LogLevel.Debug : LogLevel.Information, client.Number, _usingCached);

    /// <summary>
    /// Purges the poem. A fetch under way goes on for the clients that wait for it, but its poem is not kept, and a client that
    /// comes from now on gets a poem that was fetched later.
    /// </summary>
    public void Clear()
    {
        DropPoem();
        ProxyDownload? underWay = _download;
        _download = null;
        underWay?.Disown();
    }

    /// <summary>Stops keeping the poem. Deliveries that began with it go on.</summary>
    internal void DropPoem()
    {
        if (_poem is { } poem)
        {
            _poem = null;
            _ = _expiry?.CancelIfActive();
            cache.Remove(this);
            poem.Release();
        }
    }
}
