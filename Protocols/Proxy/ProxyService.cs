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

    /// <summary>It is being fetched, and clients wait for it.</summary>
    Fetching,

    /// <summary>All of it, and it is served from memory.</summary>
    Cached,

    /// <summary>All of it, but too old: it only stands in for a poem that can't be fetched.</summary>
    Stale,
}

/// <summary>
/// The proxy of one upstream: keeps its poem, or has one client's wish fetched for all who wait. A plain object that knows
/// a clock and a way to fetch, and has never heard of sockets.
/// </summary>
/// <remarks>
/// <para>What holds at every moment: at most one fetch is under way, but for those of poems too long to be kept, whose
/// front is gone already; a fetch has at least one client; and nothing is kept but whole poems. An error is never kept: who
/// comes after it causes a new fetch.</para>
/// <para>A poem whose refresh may fail is not streamed: while a stale one can stand in, clients get the whole new poem or
/// the whole old one.</para>
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

    /// <summary>The fetch that clients may still join.</summary>
    private ProxyDownload? _download;
    private PoemBuffer? _poem;
    private TimeSpan _freshUntil;
    private TimeSpan _keptUntil;
    private DelayedCall? _expiry;

    /// <summary>Makes one that has nothing yet.</summary>
    /// <param name="upstream">Its name in the log.</param>
    /// <param name="fetch">Begins a fetch, whose deferred stops it when cancelled: 
    /// <see cref="PoemFetch.Start(Reactor, Endpoint, PoemRequest, IPoemReceiver)"/>.</param>
    /// <param name="clock">The reactor's.</param>
    /// <param name="options">How poems are fetched and kept.</param>
    /// <param name="cache">Shared with the other services of the reactor.</param>
    /// <param name="memory">Shared with the other services of the reactor.</param>
    /// <param name="log">Where it says what it does.</param>
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
        _fetchErrors = new RepeatedErrorLog(
            clock,
            reason => ProxyLog.FetchFailed(log, upstream, reason),
            (count, reason) => ProxyLog.FetchFailedAgain(log, upstream, count, reason));
    }

    /// <summary>The name of the upstream, as typed.</summary>
    public string Upstream { get; }

    /// <summary>What it has.</summary>
    public ProxyState State => _download is not null ? ProxyState.Fetching
        : IsFresh ? ProxyState.Cached
        : StalePoem is not null ? ProxyState.Stale
        : ProxyState.Empty;

    /// <summary>Clients that were served from memory.</summary>
    public long Hits { get; private set; }

    /// <summary>Clients that were not: those who caused a fetch and those who joined one.</summary>
    public long Misses { get; private set; }

    /// <summary>Clients that joined a fetch which was under way.</summary>
    public long Coalesced { get; private set; }

    /// <summary>Fetches that were begun.</summary>
    public long Fetches { get; private set; }

    /// <summary>Fetches that failed.</summary>
    public long Failures { get; private set; }

    /// <summary>Fetches that were cancelled, for everybody had left.</summary>
    public long Cancels { get; private set; }

    /// <summary>Clients that were given a stale poem because its refresh had failed.</summary>
    public long StaleServed { get; private set; }

    /// <summary>Fetches that are under way.</summary>
    public long FetchesInFlight { get; private set; }

    /// <summary>Clients that wait for a fetch, or for more of what is coming.</summary>
    public long Waiters { get; private set; }

    /// <summary>What the kept poem weighs in its wire form.</summary>
    public long CachedBytes => _poem?.Length ?? 0;

    /// <summary>What dropping the kept poem would free: nothing while somebody reads it.</summary>
    internal long IdleBytes => _poem is { IsShared: false } poem ? poem.Length : 0;

    /// <summary>Its neighbours in the order of use: the cache's own business.</summary>
    internal ProxyService? Newer { get; set; }

    internal ProxyService? Older { get; set; }

    /// <summary>The poem that is kept, if it may still take the place of one that can't be fetched.</summary>
    internal PoemBuffer? StalePoem => _clock.Now < _keptUntil ? _poem : null;

    /// <summary>Do clients get nothing before the poem is whole?</summary>
    internal bool Buffers => _options.StoreAndForward || StalePoem is not null;

    private bool IsFresh => _poem is not null && _clock.Now < _freshUntil;

    /// <summary>The poem, if it can be served from memory.</summary>
    /// <param name="connection">The number of the client's connection, for the log.</param>
    /// <returns>Held for the caller, who has to <see cref="PoemBuffer.Release"/> of it when the delivery is over; null if it
    /// has to be fetched.</returns>
    public PoemBuffer? TryAcquireCached(long connection)
    {
        if (!IsFresh)
        {
            return null;
        }

        Hits++;
        _cache.Touch(this);
        ProxyLog.UsingCached(_log, connection, _usingCached);
        _poem!.AddRef();
        return _poem;
    }

    /// <summary>Waits for the poem: joins the fetch that is under way, or begins one.</summary>
    /// <param name="reader">Is given the poem from its start, in later turns.</param>
    /// <returns>To be ended by the caller when the reader's connection is over.</returns>
    public ProxyDelivery Join(IPoemReader reader)
    {
        Misses++;
        if (_download is { HasAll: true } underWay)
        {
            Coalesced++;
            return underWay.Add(reader);
        }

        // A fetch whose poem has moved on goes on for those it has; nobody can join it any more.
        var download = new ProxyDownload(this, _clock, _options, _cache, _memory);
        _download = download;
        Fetches++;
        FetchesInFlight++;
        ProxyLog.FetchStarted(_log, Upstream);
        ProxyDelivery delivery = download.Add(reader);
        download.Start(_fetch);
        return delivery;
    }

    /// <summary>Forgets the poem, and keeps none that is being fetched now; who waits for one gets it.</summary>
    public void Clear()
    {
        DropPoem();
        if (_download is { } download)
        {
            download.MayKeep = false;
            download.Wake();
        }
    }

    /// <summary>Keeps the poem no more. Deliveries that began with it go on.</summary>
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

    internal void WaiterJoined() => Waiters++;

    internal void WaiterLeft() => Waiters--;

    internal void CountStaleServed() => StaleServed++;

    internal void ReaderThrew(Exception exception) => ReactorLog.CallbackThrew(_log, exception);

    /// <summary>All of a poem has come. What was kept until now is the old one.</summary>
    internal void FetchCompleted(ProxyDownload download, PoemBuffer poem)
    {
        bool isNewest = _download == download;
        FetchIsOver(download);
        if (!isNewest || !download.MayKeep)
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

    /// <summary>There will be no poem, or no more of it.</summary>
    internal void FetchFailed(ProxyDownload download, Failure reason)
    {
        FetchIsOver(download);
        Failures++;
        _fetchErrors.Report(ReasonOf(reason, download.ReceivedBytes));
    }

    /// <summary>Everybody has left.</summary>
    internal void FetchCancelled(ProxyDownload download)
    {
        FetchIsOver(download);
        Cancels++;
        ProxyLog.FetchCancelled(_log, Upstream);
    }

    private static string ReasonOf(Failure reason, long receivedBytes)
    {
        string what = !reason.Check<ConnectionLost>() ? reason.Message
            : ((ConnectionLost)reason.Exception).Error == Errno.ECONNRESET ? "upstream reset"
            : $"upstream lost: {reason.Message}";
        return receivedBytes == 0 && !reason.Check<ConnectionLost>() ? what
            : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{what} after {receivedBytes} bytes");
    }

    private void FetchIsOver(ProxyDownload download)
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
        Debug.Assert(poem.IsComplete && _poem is null, "only whole poems are kept, one at a time");
        poem.AddRef();
        _poem = poem;
        _freshUntil = SaturatedTime.Add(_clock.Now, _options.Lifetime);
        _keptUntil = SaturatedTime.Add(_freshUntil, _options.StaleIfError);
        if (_keptUntil < TimeSpan.MaxValue)
        {
            _expiry = _clock.CallLater(_keptUntil - _clock.Now, this, static service => service.DropPoem());
        }
    }
}
