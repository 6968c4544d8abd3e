using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// The memory of all poems of one reactor's services, with a limit. When it is used up, kept poems are dropped, the least
/// recently used first.
/// </summary>
/// <remarks>
/// A poem is charged from its first byte until its last reader releases it: while it is fetched, kept, or still sent. It is
/// charged once for all clients that read it. A poem that a client reads is not dropped: that would free nothing. A fetch
/// that finds no memory passes its poem through in a narrow window; only these windows may exceed the limit.
/// </remarks>
internal sealed class ProxyCache(long maxBytes)
{
    /// <summary>The services that keep a poem, the least recently used one first.</summary>
    private readonly IntrusiveList<ProxyService> _byUse = new();

    public long MaxBytes => maxBytes;

    /// <summary>Bytes of all poems in memory.</summary>
    public long HeldBytes { get; private set; }

    public bool IsFull => HeldBytes >= maxBytes;

    /// <summary>Poems in memory that are passed through.</summary>
    public long Passing { get; set; }

    /// <summary>Fetches that found no memory, and pass their poem through.</summary>
    public long Shortages { get; set; }

    /// <summary>Poems that were dropped to make room for others.</summary>
    public long Evictions { get; private set; }

    /// <summary>Drops kept poems, if that is needed, so that a poem can grow.</summary>
    /// <param name="bytes">The number of bytes by which it grows.</param>
    /// <returns>False if that is not enough.</returns>
    public bool TryMakeRoom(int bytes)
    {
        ProxyService? service = _byUse.First;
        while (HeldBytes > maxBytes - bytes && service is not null)
        {
            ProxyService? newer = IntrusiveList<ProxyService>.Next(service);
            if (service.IdleBytes > 0)
            {
                Evictions++;
                service.DropPoem();
            }

            service = newer;
        }

        return HeldBytes <= maxBytes - bytes;
    }

    /// <summary>Records that a poem has grown, or that a part of it was freed.</summary>
    /// <param name="bytes">The number of bytes; negative if they were freed.</param>
    public void Charge(long bytes)
    {
        HeldBytes += bytes;
        Debug.Assert(HeldBytes >= 0, "only what was charged is freed");
    }

    /// <summary>Records that a service keeps a poem, which is charged already.</summary>
    public void Add(ProxyService service) => _byUse.AddLast(service);

    public void Touch(ProxyService service)
    {
        if (_byUse.Last != service)
        {
            _byUse.Remove(service);
            _byUse.AddLast(service);
        }
    }

    /// <summary>Records that a service no longer keeps its poem.</summary>
    public void Remove(ProxyService service) => _byUse.Remove(service);
}
