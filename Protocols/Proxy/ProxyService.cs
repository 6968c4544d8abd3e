using System;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>What a proxy has of the poem of one upstream.</summary>
internal enum ProxyState
{
    /// <summary>Nothing.</summary>
    Empty,

    /// <summary>The poem is being fetched.</summary>
    Fetching,

    /// <summary>The poem is fresh, and served from memory.</summary>
    Cached,

    /// <summary>The poem is older than its lifetime; it may still be served.</summary>
    Stale,
}

/// <summary>
/// The proxy of one upstream: keeps its poem, or has it fetched once for all clients that wait. A plain object that knows a
/// clock and a way to fetch, and no sockets.
/// </summary>
/// <remarks>
/// <para>Always true: at most one fetch is under way, except for those of poems that pass through, and those that a purge has
/// disowned; a fetch has a client, unless it refreshes a poem in the background; only complete poems are kept. An error is
/// never kept, but the upstream is left alone for a moment after it.</para>
/// <para>While a stale poem may take the place of a fetch that fails, clients get nothing before the new poem is complete.</para>
/// </remarks>
internal sealed class ProxyService
{
    private readonly Func<IPoemReceiver, Deferred<long>> _fetch;
    private readonly IClock _clock;
    private readonly ProxyOptions _options;
    private readonly ProxyCache _cache;
    private readonly PoemMemory _memory;
    private readonly ILogger _log;
    private readonly string _usingCached;
    private readonly RepeatedErrorLog _fetchErrors;
    private readonly Backoff _backoff;

    /// <summary>The fetch that clients may still join, and whose poem will be kept.</summary>
    private ProxyDownload? _download;
    private PoemBuffer? _poem;
    private TimeSpan _freshUntil;

    /// <summary>Until then the poem is served at once, and refreshed in the background.</summary>
    private TimeSpan _refreshUntil;

    /// <summary>Until then it takes the place of a poem that can't be fetched.</summary>
    private TimeSpan _staleUntil;
    private DelayedCall? _expiry;
    private string _lastFailure = string.Empty;

    /// <summary>Makes a service that has no poem.</summary>
    /// <param name="upstream">Its name in the log.</param>
    /// <param name="fetch">Begins a fetch; cancelling its deferred stops it.</param>
    /// <param name="clock">The reactor's.</param>
    /// <param name="options">How poems are fetched and kept.</param>
    /// <param name="cache">Shared by the services of the reactor.</param>
    /// <param name="memory">Shared by the services of the reactor.</param>
    /// <param name="log">Where it logs.</param>
    public ProxyService(
        string upstream,
        Func<IPoemReceiver, Deferred<long>> fetch,
        IClock clock,
        ProxyOptions options,
        ProxyCache cache,
        PoemMemory memory,
        ILogger log)
    {
        Upstream = upstream;
        _fetch = fetch;
        _clock = clock;
        _options = options;
        _cache = cache;
        _memory = memory;
        _log = log;
        _usingCached = $"Using cached poem. ({upstream})";
        _backoff = new Backoff(options.MinPause, options.MaxPause);
        _fetchErrors = new RepeatedErrorLog(
            clock,
            reason => ProxyLog.FetchFailed(log, upstream, reason),
            (count, reason) => ProxyLog.FetchFailedAgain(log, upstream, count, reason));
    }

    /// <summary>The name of the upstream, as typed.</summary>
    public string Upstream { get; }

    /// <summary>What it has.</summary>
    public ProxyState State => _download is not null ? ProxyState.Fetching
        : _poem is null || _clock.Now >= Later(_freshUntil, Later(_refreshUntil, _staleUntil)) ? ProxyState.Empty
        : _clock.Now < _freshUntil ? ProxyState.Cached
        : ProxyState.Stale;

    /// <summary>How long a client must stay before a fetch begins for it: see <see cref="ProxyOptions.ProbeDelay"/>.</summary>
    public TimeSpan ProbeDelay => _options.ProbeDelay;

    /// <summary>True while the upstream is left alone after a failed fetch.</summary>
    public bool IsPaused => _clock.Now < _backoff.Until;

    /// <summary>From a client's connection to its first byte.</summary>
    public Histogram FirstByte { get; } = new();

    /// <summary>Clients that were served from memory.</summary>
    public long Hits { get; private set; }

    /// <summary>Clients that were not: they caused a fetch, joined one, or came in a pause after a failure.</summary>
    public long Misses { get; private set; }

    /// <summary>Clients that joined a fetch under way.</summary>
    public long Coalesced { get; private set; }

    /// <summary>Clients that were given a stale poem.</summary>
    public long StaleServed { get; private set; }

    /// <summary>Clients that were reset because they came in a pause after a failure.</summary>
    public long Refusals { get; private set; }

    /// <summary>Clients that left before a fetch began for them.</summary>
    public long Probes { get; private set; }

    /// <summary>Fetches that were begun.</summary>
    public long Fetches { get; private set; }

    /// <summary>Fetches that were begun in the background.</summary>
    public long Refreshes { get; private set; }

    /// <summary>Fetches that failed.</summary>
    public long Failures { get; private set; }

    /// <summary>Fetches that were cancelled: the last client left, a purge found no client, or a background fetch was too long.
    /// </summary>
    public long Cancels { get; private set; }

    /// <summary>Fetches that are under way.</summary>
    public long FetchesInFlight { get; private set; }

    /// <summary>Clients that wait for a fetch, or for more of it.</summary>
    public long Waiters { get; private set; }

    /// <summary>Bytes of the kept poem, as it is sent.</summary>
    public long CachedBytes => _poem?.Length ?? 0;

    /// <summary>Bytes that dropping the kept poem would free: none while a client reads it.</summary>
    internal long IdleBytes => _poem is { IsShared: false } poem ? poem.Length : 0;

    /// <summary>Its neighbours in the order of use, for the cache alone.</summary>
    internal ProxyService? Newer { get; set; }

    internal ProxyService? Older { get; set; }

    /// <summary>The kept poem, if it may take the place of one that can't be fetched.</summary>
    internal PoemBuffer? StalePoem => _clock.Now < Later(_freshUntil, _staleUntil) ? _poem : null;

    /// <summary>The poem, if it is served from memory now. A stale one may begin a fetch in the background.</summary>
    /// <param name="connection">The client's number in the log.</param>
    /// <param name="isStale">True if the poem is older than its lifetime.</param>
    /// <returns>With a reference for the caller, which it has to <see cref="PoemBuffer.Release"/>; null if the poem has to be
    /// fetched.</returns>
    public PoemBuffer? TryAcquireCached(long connection, out bool isStale)
    {
        TimeSpan now = _clock.Now;
        isStale = now >= _freshUntil;
        bool refreshes = isStale && now < _refreshUntil;
        if (_poem is not { } poem || (isStale && !refreshes && !(IsPaused && now < _staleUntil)))
        {
            return null;
        }

        // The reference first: a refresh may drop the poem before it returns.
        poem.AddRef();
        Hits++;
        StaleServed += isStale ? 1 : 0;
        _cache.Touch(this);
        ProxyLog.UsingCached(_log, connection, _usingCached);
        if (refreshes && _download is null && !IsPaused)
        {
            Refreshes++;
            Begin(reader: null);
        }

        return poem;
    }

    /// <summary>Waits for the poem: joins the fetch under way, or begins one.</summary>
    /// <param name="reader">Is given the poem from its start, in later turns.</param>
    /// <returns>To be ended by the caller when the reader's connection is over.</returns>
    public ProxyDelivery Join(IPoemReader reader)
    {
        if (TryJoin(reader) is { } delivery)
        {
            return delivery;
        }

        Misses++;
        return Begin(reader)!;
    }

    /// <summary>Waits for the poem if a fetch is under way whose beginning is still in memory.</summary>
    /// <param name="reader">As for <see cref="Join"/>.</param>
    public ProxyDelivery? TryJoin(IPoemReader reader)
    {
        if (_download is not { HasAll: true } underWay)
        {
            return null;
        }

        Misses++;
        Coalesced++;
        return underWay.Add(reader);
    }

    /// <summary>Counts a client that is reset because it came in a pause.</summary>
    /// <returns>Why the last fetch failed.</returns>
    public string Refuse()
    {
        Debug.Assert(IsPaused, "clients are refused in a pause only");
        Misses++;
        Refusals++;
        return _lastFailure;
    }

    /// <summary>Counts a client that left before a fetch began for it.</summary>
    public void CountProbe() => Probes++;

    /// <summary>
    /// Purges the poem. A fetch under way goes on for the clients that wait for it, but its poem is not kept, and a client that
    /// comes from now on gets one that was fetched later.
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
            _expiry = null;
            _cache.Remove(this, poem.Length);
            poem.Release();
        }
    }

    /// <summary>True if clients may join this download, and its poem will be kept.</summary>
    internal bool IsCurrent(ProxyDownload download) => _download == download;

    internal void WaiterJoined() => Waiters++;

    internal void WaiterLeft() => Waiters--;

    internal void CountStaleServed() => StaleServed++;

    internal void ReaderThrew(Exception exception) => ReactorLog.CallbackThrew(_log, exception);

    /// <summary>A whole poem has arrived, which replaces the kept one.</summary>
    internal void FetchCompleted(ProxyDownload download, PoemBuffer poem)
    {
        bool isCurrent = IsCurrent(download);
        FetchEnded(download);
        _backoff.Succeeded();
        if (!isCurrent)
        {
            return;
        }

        DropPoem();
        if (!download.PassesThrough && _options.Lifetime > TimeSpan.Zero)
        {
            _cache.Add(this, poem.Length);
            Keep(poem);
        }
    }

    /// <summary>A fetch has failed.</summary>
    internal void FetchFailed(ProxyDownload download, Failure reason)
    {
        FetchEnded(download);
        Failures++;
        _backoff.Failed(_clock.Now);
        _lastFailure = reason.Message;
        _fetchErrors.Report(Describe(reason, download.ReceivedBytes));
    }

    /// <summary>A fetch was cancelled.</summary>
    internal void FetchCancelled(ProxyDownload download)
    {
        FetchEnded(download);
        Cancels++;
        ProxyLog.FetchCancelled(_log, Upstream);
    }

    /// <summary>
    /// The new poem of a background fetch can't be kept, so the fetch ends. The old poem is dropped: the next client has the new
    /// one passed through.
    /// </summary>
    internal void RefreshNotKept(ProxyDownload download)
    {
        Debug.Assert(IsCurrent(download), "a disowned fetch is none of the background");
        DropPoem();
    }

    private static string Describe(Failure reason, long receivedBytes)
    {
        string what = !reason.Check<ConnectionLost>() ? reason.Message
            : ((ConnectionLost)reason.Exception).Error == Errno.ECONNRESET ? "upstream reset"
            : $"upstream lost: {reason.Message}";
        return receivedBytes == 0 && !reason.Check<ConnectionLost>() ? what
            : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{what} after {receivedBytes} bytes");
    }

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;

    /// <param name="reader">The first client; null for a fetch in the background.</param>
    /// <returns>The first client's part.</returns>
    private ProxyDelivery? Begin(IPoemReader? reader)
    {
        // A download that can't be joined any more goes on for the clients that it has.
        var download = new ProxyDownload(this, _clock, _options, _cache, _memory, isBackground: reader is null);
        _download = download;
        Fetches++;
        FetchesInFlight++;
        ProxyLog.FetchStarted(_log, Upstream);
        ProxyDelivery? delivery = reader is null ? null : download.Add(reader);
        download.Start(_fetch);
        return delivery;
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

    private void Keep(PoemBuffer poem)
    {
        Debug.Assert(poem.IsComplete && _poem is null, "only complete poems are kept, one at a time");
        poem.AddRef();
        _poem = poem;
        _freshUntil = SaturatedTime.Add(_clock.Now, _options.Lifetime);
        _refreshUntil = SaturatedTime.Add(_freshUntil, _options.StaleWhileRevalidate);
        _staleUntil = SaturatedTime.Add(_freshUntil, _options.StaleIfError);
        TimeSpan keptUntil = Later(_refreshUntil, _staleUntil);
        if (keptUntil < TimeSpan.MaxValue)
        {
            _expiry = _clock.CallLater(keptUntil - _clock.Now, this, static service => service.DropPoem());
        }
    }
}
