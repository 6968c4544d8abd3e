using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// One fetch of one poem, and the clients that wait for it. The poem goes into one buffer. Rounds give it to the clients, a
/// few clients in each turn of the loop. The first client starts the fetch, and the last one to leave cancels it; a fetch in the
/// background needs no client.
/// </summary>
/// <remarks>
/// Only a delayed call serves clients: arriving bytes call no client, and a client that joins or leaves calls no other
/// client. The rounds are in ProxyDownload.Rounds.cs.
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
    private readonly bool _isBackground;
    private bool _paused;
    private bool _triedToSplice;
    private TimeSpan _firstByteAt;

    /// <summary>Makes a download that has not begun.</summary>
    /// <param name="service">The service, which gets the result.</param>
    /// <param name="isBackground">True if it goes on without clients.</param>
    public ProxyDownload(ProxyService service, bool isBackground)
    {
        _service = service;
        _options = service.Options;
        _cache = service.Cache;
        _isBackground = isBackground;
        _poem = new PoemBuffer(service.Memory, _cache, _options.ChunkBytes);
        Shared = service.Shared is { } shared ? new SharedFetch(shared, service, this) : null;
        _rounds = service.Clock.CallLater(TimeSpan.Zero, this, static download => download.ServeSome());
    }

    private enum Stage : byte
    {
        Fetching,
        Complete,
        Failed,
        Cancelled,
    }

    /// <summary>Bytes of the poem that have arrived, without a netstring's frame.</summary>
    public long ReceivedBytes { get; private set; }

    /// <summary>
    /// True if the poem passes through, at the pace of the slowest client: it is too long to be kept, finds no memory, or is
    /// not kept and its only client is fast.
    /// </summary>
    public bool PassesThrough => _poem.PassesThrough;

    /// <summary>True while the start of the poem is in memory: a client can join.</summary>
    public bool HasAll => _poem.Released == 0;

    /// <summary>The fetch through the shared cache; null if the poem is not shared.</summary>
    public SharedFetch? Shared { get; }

    /// <summary>The maximum number of bytes that the fastest client may be ahead of the slowest.</summary>
    private int WindowBytes => _poem.IsBypassed ? 0
        : _cache.IsFull || SpliceCandidate is not null ? _options.NarrowWindowBytes
        : _options.WindowBytes;

    /// <summary>True if only the clients that wait need the poem.</summary>
    private bool NeedsClient => !_isBackground || PassesThrough || !_service.IsCurrent(this);

    /// <summary>True if clients are given nothing yet: an option says so, or a stale poem may have to replace this one.</summary>
    private bool Buffers =>
        !PassesThrough && (_options.StoreAndForward || (_service.IsCurrent(this) && _service.StalePoem is not null));

    /// <summary>Begins to fetch. The fetch may succeed or fail before this returns.</summary>
    public void Start()
    {
        Debug.Assert(_clients.First is not null || !NeedsClient, "a fetch has a client, or none is needed");
        _fetching = Shared is null ? _service.FetchUpstream(this) : Shared.Start();
        _ = _fetching.AddBoth(this, static (download, outcome) => download.Ended(outcome));
        if (_stage == Stage.Cancelled)
        {
            _fetching.Cancel();
        }
    }

    /// <summary>The service will not keep the poem: without clients the fetch is cancelled.</summary>
    public void Disown()
    {
        if (_stage == Stage.Fetching && _clients.First is null)
        {
            Cancel();
        }
        else
        {
            Wake();
        }
    }

    public void Connected(IProducer upstream) => _upstream = upstream;

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
        if (!isTooLong || TryPassThrough())
        {
            _ = TryAppend(head[..count]);
            Shared?.Grown(length);
            Wake();
        }
    }

    public Span<byte> GetBuffer()
    {
        try
        {
            return _stage == Stage.Fetching ? _poem.FreeSpace : default;
        }
        catch (OutOfMemoryException)
        {
            // The bytes are then copied, which fails again and ends this fetch.
            return default;
        }
    }

    public bool Received(ReadOnlySpan<byte> bytes)
    {
        if (_stage != Stage.Fetching)
        {
            return false;
        }

        if (ReceivedBytes == 0)
        {
            _firstByteAt = _service.Clock.Now;
        }

        ReceivedBytes += bytes.Length;
        bool isTooLong = !PassesThrough && ReceivedBytes > _options.MaxPoemBytes;
        if ((isTooLong && !TryPassThrough()) || !TryAppend(bytes))
        {
            return false;
        }

        Shared?.Grown(ReceivedBytes);
        if (PassesThrough && !_paused && _poem.Length - _slowest > WindowBytes)
        {
            _paused = true;
            _upstream?.PauseProducing();
        }

        Wake();
        return true;
    }

    public bool TryRestart()
    {
        if (_stage != Stage.Fetching || _hasGiven)
        {
            return false;
        }

        // Nothing was given, so nothing was released or passed on either.
        _poem.Clear(_options.ChunkBytes);
        ReceivedBytes = 0;
        _paused = false;
        _upstream = null;
        return true;
    }

    private bool TryAppend(ReadOnlySpan<byte> bytes)
    {
        if (!_cache.TryMakeRoom(bytes.Length) && !PassesThrough)
        {
            _cache.Shortages++;
            if (!TryPassThrough())
            {
                return false;
            }
        }

        _poem.Append(bytes);
        return true;
    }

    /// <summary>Begins to pass the poem through.</summary>
    /// <returns>False if there is no client to pass it to: the fetch is then cancelled.</returns>
    private bool TryPassThrough()
    {
        if (_clients.First is null)
        {
            // A refresh whose poem can't be kept. The old poem is dropped: the new one passes through to the next client.
            Debug.Assert(_service.IsCurrent(this), "a disowned fetch is none of the background");
            _service.DropPoem();
            Cancel();
            return false;
        }

        Shared?.GiveBack();

        // If there is no room for one large chunk, memory is used up.
        _poem.PassThrough(_cache.TryMakeRoom(_options.PassingChunkBytes) ? _options.PassingChunkBytes : _options.ChunkBytes);
        return true;
    }

    private void Ended(Outcome<long> outcome)
    {
        if (_stage != Stage.Fetching)
        {
            return;
        }

        _upstream = null;
        _failure = outcome.Failure;
        try
        {
            if (_failure is null && _options.Format == PoemFormat.Netstring && !TryAppend(","u8))
            {
                return;
            }
        }
        catch (OutOfMemoryException)
        {
            _failure = new Failure(new PoemIncompleteError(PoemFetch.OutOfMemory));
        }

        if (_failure is null)
        {
            _stage = Stage.Complete;
            _poem.Complete();
            _service.FetchCompleted(this, _poem);
        }
        else
        {
            _stage = Stage.Failed;
            _service.FetchFailed(this, _failure);
        }

        if (_clients.First is null)
        {
            Finish();
        }
        else
        {
            Wake();
        }
    }

    /// <summary>Closes the connection to the upstream before it returns.</summary>
    private void Cancel()
    {
        _stage = Stage.Cancelled;
        _upstream = null;

        // The service first: a client that joins while the canceller runs begins a new fetch.
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

    /// <summary>No client waits any more. Clients that still send the poem hold their own references.</summary>
    private void Finish()
    {
        _ = _rounds.CancelIfActive();
        _poem.Release();
    }
}
