using System.Diagnostics;

namespace Poetry.Protocols;

/// <summary>
/// What the poems that the services of one reactor keep weigh together, and in which order they were used: over the limit,
/// those that nobody has asked for the longest are dropped first.
/// </summary>
/// <param name="mostBytes">The limit.</param>
internal sealed class ProxyCache(long mostBytes)
{
    private ProxyService? _newest;
    private ProxyService? _oldest;

    /// <summary>What the kept poems weigh, in their wire form.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many poems are kept.</summary>
    public int Count { get; private set; }

    /// <summary>Poems that were dropped to make room.</summary>
    public long Evictions { get; private set; }

    /// <summary>Notes that a service keeps a poem, and has others drop theirs for it.</summary>
    /// <returns>False if it is too long to be kept at all.</returns>
    public bool TryAdd(ProxyService service, long bytes)
    {
        if (bytes > mostBytes)
        {
            return false;
        }

        while (Bytes > mostBytes - bytes)
        {
            Evictions++;
            _oldest!.DropPoem();
        }

        Bytes += bytes;
        Count++;
        LinkNewest(service);
        return true;
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
