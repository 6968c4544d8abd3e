using System;
using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One fetch of one poem, and all who wait for it. What comes goes into one buffer; the clients are given it in rounds, in
/// the order in which they came, a few a turn. The first client starts it; the last to leave cancels it.
/// </summary>
/// <remarks>
/// Clients are served from a delayed call of its own and from nowhere else: neither does the arrival of bytes reach into a
/// client, nor a client that joins or leaves into another. The rounds are in ProxyDownload.Rounds.cs.
/// </remarks>
internal sealed partial class ProxyDownload : IPoemReceiver
{
    private readonly ProxyService _service;
    private readonly ProxyOptions _options;
    private readonly ProxyCache _cache;
    private readonly PoemBuffer _poem;
    private Deferred<long>? _fetching;
    private IProducer? _upstream;
    private Failure? _failure;
    private Stage _stage;
    private bool _paused;

    public ProxyDownload(ProxyService service, IClock clock, ProxyOptions options, ProxyCache cache, PoemMemory memory)
    {
        _service = service;
        _options = options;
        _cache = cache;
        _poem = new PoemBuffer(memory, cache, options.ChunkBytes);
        _rounds = clock.CallLater(TimeSpan.Zero, this, static download => download.ServeSome());
    }

    private enum Stage : byte
    {
        /// <summary>It is under way.</summary>
        Fetching,

        /// <summary>All has come.</summary>
        Complete,

        /// <summary>It has failed.</summary>
        Failed,

        /// <summary>Nobody wanted it any more.</summary>
        Cancelled,
    }

    /// <summary>What has come so far, of the poem alone.</summary>
    public long ReceivedBytes { get; private set; }

    /// <summary>Is the poem too long to be kept, or is there no room for it? Then it only passes, at the pace of the slowest
    /// client.</summary>
    public bool PassesThrough { get; private set; }

    /// <summary>May the poem be kept? Not if the cache was emptied after the fetch began: it may be the old one.</summary>
    public bool MayKeep { get; set; } = true;

    /// <summary>Can a client still get all of it? Not once the front of the poem is gone.</summary>
    public bool HasAll => _poem.Released == 0;

    /// <summary>How far the fastest client may be ahead of the slowest: no further than it has to while there is no room.</summary>
    private int WindowBytes => _cache.IsFull ? _options.NarrowWindowBytes : _options.WindowBytes;

    /// <summary>Begins to fetch. There is a first client already, so that there is never a fetch without one.</summary>
    /// <param name="fetch">May fire before it returns, or throw.</param>
    public void Start(Func<IPoemReceiver, Deferred<long>> fetch)
    {
        Debug.Assert(_first is not null, "somebody waits");
        try
        {
            _fetching = fetch(this);
        }
        catch (Exception exception)
        {
            _fetching = Deferred.Fail<long>(exception);
        }

        _ = _fetching.AddBoth(this, static (download, outcome) => download.Ended(outcome));
        if (_stage == Stage.Cancelled)
        {
            _fetching.Cancel();
        }
    }

    /// <inheritdoc/>
    public void Connected(IProducer upstream) => _upstream = upstream;

    /// <inheritdoc/>
    public void Announced(long length)
    {
        if (_stage != Stage.Fetching)
        {
            return;
        }

        Span<byte> head = stackalloc byte[Netstring.MaxHeaderLength];
        int count = Netstring.WriteHeader(length, head);
        bool isTooLong = length > _options.MaxPoemBytes || count + length + 1 > _cache.MaxBytes;
        _poem.Expect(count + length + 1, isStored: !isTooLong);
        if (isTooLong)
        {
            BeginPassingThrough();
        }

        Append(head[..count]);
        Wake();
    }

    /// <inheritdoc/>
    public bool Received(ReadOnlySpan<byte> bytes)
    {
        if (_stage != Stage.Fetching)
        {
            return false;
        }

        ReceivedBytes += bytes.Length;
        if (!PassesThrough && ReceivedBytes > _options.MaxPoemBytes)
        {
            BeginPassingThrough();
        }

        Append(bytes);
        if (PassesThrough && !_paused && _poem.Length - _slowest > WindowBytes)
        {
            _paused = true;
            _upstream?.PauseProducing();
        }

        Wake();
        return true;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (!_cache.TryMakeRoom(bytes.Length) && !PassesThrough)
        {
            _cache.Shortages++;
            BeginPassingThrough();
        }

        _poem.Append(bytes);
    }

    private void BeginPassingThrough()
    {
        PassesThrough = true;
        _poem.PassThrough(_options.ChunkBytes);
    }

    private void Ended(Outcome<long> outcome)
    {
        if (_stage != Stage.Fetching)
        {
            return;
        }

        _upstream = null;
        _failure = outcome.Failure;
        _stage = _failure is null ? Stage.Complete : Stage.Failed;
        if (_failure is not null)
        {
            _service.FetchFailed(this, _failure);
        }
        else
        {
            if (_options.Format == PoemFormat.Netstring)
            {
                Append(","u8);
            }

            _poem.Complete();
            _service.FetchCompleted(this, _poem);
        }

        Wake();
    }

    /// <summary>Nobody waits any more: the connection to the upstream is closed before this returns.</summary>
    private void Cancel()
    {
        _stage = Stage.Cancelled;
        _upstream = null;

        // First out of the way, then the cancel: who joins while it runs begins a new fetch.
        _service.FetchCancelled(this);
        try
        {
            _fetching?.Cancel();
        }
        finally
        {
            Finish();
        }
    }

    /// <summary>Nobody is left to be served: what the clients still send is held by them.</summary>
    private void Finish()
    {
        _ = _rounds.CancelIfActive();
        _poem.Release();
    }
}
