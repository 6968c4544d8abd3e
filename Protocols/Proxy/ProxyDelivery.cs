using System;
using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A client, as the service sees it. All calls come from the loop, never from inside a call of the client's own.</summary>
internal interface IPoemReader
{
    /// <summary>Bytes that the client's kernel has taken so far: they are not needed for it any more.</summary>
    long BytesTaken { get; }

    /// <summary>Its connection, to which the kernel may send a poem by itself; null if it wants every byte.</summary>
    StreamTransport? Connection => null;

    /// <summary>Sends more of the poem.</summary>
    /// <param name="bytes">At least one byte, following those before. They stay valid until <see cref="ProxyDelivery.End"/>; of
    /// a poem that is passed through, until they were taken.</param>
    /// <param name="last">True if the poem is complete with these.</param>
    void Write(ReadOnlyMemory<byte> bytes, bool last);

    /// <summary>It was given the whole poem, or gets no more of it. Not called if its delivery was ended before.</summary>
    /// <param name="failure">Null for the whole poem; else the connection has to be reset, so that the client can tell.</param>
    void Ended(Failure? failure);
}

/// <summary>
/// One client's part in a fetch: how much of the poem it was given. Its protocol owns it, and calls <see cref="End"/> once, when
/// the connection is over.
/// </summary>
internal sealed class ProxyDelivery(IPoemReader reader) : IListElement<ProxyDelivery>
{
    private PoemBuffer _poem = null!;
    private ListLinks<ProxyDelivery> _links;
    private ProxyDownload? _download;

    /// <summary>The length of the poem as it is sent; −1 while it is unknown.</summary>
    public long TotalBytes => _poem.TotalBytes;

    /// <summary>True while it waits for the fetch, or for more of it.</summary>
    public bool Waits => _download is not null;

    /// <summary>True if it was given an old poem because the fetch failed.</summary>
    public bool IsStale { get; private set; }

    internal IPoemReader Reader => reader;

    /// <summary>Bytes that the client was given, by the kernel too.</summary>
    internal long Given { get; set; }

    ref ListLinks<ProxyDelivery> IListElement<ProxyDelivery>.Links => ref _links;

    /// <summary>The client has taken everything that it was given: a paused upstream may go on.</summary>
    public void Drained() => _download?.ReaderDrained();

    /// <summary>The connection is over: leaves the fetch, if it still waits, and releases the poem.</summary>
    public void End()
    {
        _download?.Leave(this);
        _poem.Release();
    }

    /// <summary>Gives the client what it does not have yet, unless it leaves meanwhile.</summary>
    internal void GiveRest()
    {
        while (Waits && Given < _poem.Length)
        {
            ReadOnlyMemory<byte> next = _poem.From(Given);
            Given += next.Length;
            reader.Write(next, last: _poem.IsComplete && Given == _poem.Length);
        }
    }

    /// <summary>Gives it the stale poem in place of the one that failed.</summary>
    internal void SwitchTo(PoemBuffer stale)
    {
        Attach(_download, stale);
        IsStale = true;
    }

    /// <summary>It waits for a download now: its first one, or another in place of one that has failed.</summary>
    internal void Attach(ProxyDownload? download, PoemBuffer poem)
    {
        Debug.Assert(Given == 0, "no client gets parts of two poems");
        poem.AddRef();
        _poem?.Release();
        _poem = poem;
        _download = download;
    }

    /// <summary>It is no longer in the list of its download.</summary>
    internal void Detach() => _download = null;
}
