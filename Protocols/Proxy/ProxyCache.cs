using System.Diagnostics;

namespace Poetry.Protocols;

/// <summary>
/// What the poems that the services of one reactor hold in memory weigh together, and in which order those that are kept
/// were used: where there is no room for more, those that nobody has asked for the longest are dropped first.
/// </summary>
/// <remarks>
/// A poem counts from its first byte until the last who reads it lets go, whether it is being fetched, is kept, or was kept;
/// and once, however many read it. So dropping one that is being read frees nothing, and is not done. A fetch for which
/// there is no room only passes, and its window is narrow until there is room for more: such a window, for each that passes,
/// is all that there may be over the limit.
/// </remarks>
/// <param name="maxBytes">The limit.</param>
internal sealed class ProxyCache(long maxBytes)
{
    private ProxyService? _newest;
    private ProxyService? _oldest;

    /// <summary>The limit.</summary>
    public long MaxBytes => maxBytes;

    /// <summary>What all poems weigh that are in memory.</summary>
    public long HeldBytes { get; private set; }

    /// <summary>Is there no room for any more?</summary>
    public bool IsFull => HeldBytes >= maxBytes;

    /// <summary>Poems in memory that only pass, or did.</summary>
    public long Passing { get; set; }

    /// <summary>Fetches that began to pass because there was no room for more of them.</summary>
    public long Shortages { get; set; }

    /// <summary>What the kept poems weigh, in their wire form.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many poems are kept.</summary>
    public int Count { get; private set; }

    /// <summary>Poems that were dropped to make room.</summary>
    public long Evictions { get; private set; }

    /// <summary>Is there room for so much more? If need be, poems that nobody reads are dropped.</summary>
    public bool TryMakeRoom(int bytes)
    {
        ProxyService? service = _oldest;
        while (HeldBytes > maxBytes - bytes && service is not null)
        {
            ProxyService? newer = service.Newer;
            if (service.IdleBytes > 0)
            {
                Evictions++;
                service.DropPoem();
            }

            service = newer;
        }

        return HeldBytes <= maxBytes - bytes;
    }

    /// <summary>Notes that so much more of a poem is in memory.</summary>
    public void Charge(long bytes) => HeldBytes += bytes;

    /// <summary>Notes that so much of a poem is no longer in memory.</summary>
    public void Discharge(long bytes)
    {
        HeldBytes -= bytes;
        Debug.Assert(HeldBytes >= 0, "only what was held is let go");
    }

    /// <summary>Notes that a service keeps a poem, which is held already.</summary>
    public void Add(ProxyService service, long bytes)
    {
        Bytes += bytes;
        Count++;
        Debug.Assert(Bytes <= HeldBytes, "what is kept is held");
        LinkNewest(service);
    }

    /// <summary>Notes that the poem of a service was used.</summary>
    public void Touch(ProxyService service)
    {
        if (_newest != service)
        {
            Unlink(service);
            LinkNewest(service);
        }
    }

    /// <summary>Notes that a service keeps its poem no more.</summary>
    public void Remove(ProxyService service, long bytes)
    {
        Bytes -= bytes;
        Count--;
        Debug.Assert(Bytes >= 0 && Count >= 0, "only what was added is removed");
        Unlink(service);
    }

    private void LinkNewest(ProxyService service)
    {
        service.Older = _newest;
        if (_newest is null)
        {
            _oldest = service;
        }
        else
        {
            _newest.Newer = service;
        }

        _newest = service;
    }

    private void Unlink(ProxyService service)
    {
        if (service.Newer is null)
        {
            _newest = service.Older;
        }
        else
        {
            service.Newer.Older = service.Older;
        }

        if (service.Older is null)
        {
            _oldest = service.Newer;
        }
        else
        {
            service.Older.Newer = service.Newer;
        }

        service.Newer = null;
        service.Older = null;
    }
}
