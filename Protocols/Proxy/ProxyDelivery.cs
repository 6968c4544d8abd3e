using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>A client of a proxy service. All calls come from the loop, never from inside a call by the client.</summary>
internal interface IPoemReader
{
    /// <summary>Bytes that the kernel has taken for the client so far: the client needs them no longer.</summary>
    long BytesTaken { get; }

    /// <summary>The connection, if the kernel may send a poem to it directly; null if it must be given every byte.</summary>
    StreamTransport? Connection => null;

    /// <summary>Sends more of the poem.</summary>
    /// <param name="bytes">At least one byte: the next ones of the poem. They are valid until <see cref="ProxyDelivery.End"/>; if
    /// the poem passes through, until they are taken.</param>
    /// <param name="last">True if the poem ends with these bytes.</param>
    void Write(ReadOnlyMemory<byte> bytes, bool last);

    /// <summary>The client has the whole poem, or gets no more of it. Not called after <see cref="ProxyDelivery.End"/>.</summary>
    /// <param name="failure">Null for the whole poem; else the connection must be reset, so that the client notices.</param>
    void Ended(Failure? failure);
}

/// <summary>
/// One client of a fetch, and the number of bytes that it was given. Its protocol owns it, and calls <see cref="End"/> once,
/// when the connection is over.
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

    /// <summary>Bytes that the client was given, including those from the kernel.</summary>
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

    /// <summary>Gives the client the bytes that it does not have yet; stops if it leaves.</summary>
    internal void GiveRest()
    {
        while (Waits && Given < _poem.Length)
        {
            ReadOnlyMemory<byte> next = _poem.From(Given);
            Given += next.Length;
            reader.Write(next, last: _poem.IsComplete && Given == _poem.Length);
        }
    }

    /// <summary>Gives it the stale poem instead of the one that failed.</summary>
    internal void SwitchTo(PoemBuffer stale)
    {
        Attach(_download, stale);
        IsStale = true;
    }

    /// <summary>The client waits for a download now: its first one, or one that replaces a failed one.</summary>
    internal void Attach(ProxyDownload? download, PoemBuffer poem)
    {
        Debug.Assert(Given == 0, "no client gets parts of two poems");
        poem.AddRef();
        _poem?.Release();
        _poem = poem;
        _download = download;
    }

    /// <summary>The client is no longer in the list of its download.</summary>
    internal void Detach() => _download = null;
}
