using System;
using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Whom a poem is for: what the service knows of a client. All calls come from the loop, never from inside one.</summary>
internal interface IPoemReader
{
    /// <summary>Bytes that the client, or its kernel, has taken so far: nobody needs these for it any more.</summary>
    long BytesTaken { get; }

    /// <summary>Here is more of the poem.</summary>
    /// <param name="bytes">Never none, and the next after those before. They stay where they are until
    /// <see cref="ProxyDelivery.End"/>, or, if the poem is only passed through, until they were taken.</param>
    /// <param name="last">Is the poem complete with these?</param>
    void Write(ReadOnlyMemory<byte> bytes, bool last);
}

/// <summary>
/// One client's part in a fetch: how far it has been given the poem, and the deferred that tells it of the end. Its
/// protocol owns it, and says <see cref="End"/> once, when the connection is over.
/// </summary>
internal sealed class ProxyDelivery
{
    private PoemBuffer _poem;
    private ProxyDownload? _download;

    internal ProxyDelivery(ProxyDownload download, PoemBuffer poem, IPoemReader reader)
    {
        _download = download;
        _poem = poem;
        Reader = reader;
        poem.AddRef();
        Completed = Deferred.WithCanceller<ProxyDelivery, long>(this, static (delivery, _) => delivery.Leave());
    }

    /// <summary>
    /// Fires with the length in bytes when the client has been given all of the poem. Fails when there is none, or no more
    /// of it: then the connection has to be reset, so that the client can tell. Cancelling it leaves the fetch, which is
    /// cancelled if nobody else waits for it.
    /// </summary>
    public Deferred<long> Completed { get; }

    /// <summary>How long the poem is in its wire form; −1 if that is not known yet.</summary>
    public long WireLength => _poem.TotalBytes;

    /// <summary>Does it still wait for the fetch, or for more of it?</summary>
    public bool Waits => _download is not null;

    /// <summary>Whom it is for.</summary>
    internal IPoemReader Reader { get; }

    /// <summary>How many bytes it has been given.</summary>
    internal long Given { get; private set; }

    /// <summary>Its place among those who wait: the download's own business.</summary>
    internal ProxyDelivery? Before { get; set; }

    internal ProxyDelivery? After { get; set; }

    /// <summary>The client has taken all that it was given: a paused upstream may go on.</summary>
    public void Drained() => _download?.ReaderDrained();

    /// <summary>The connection is over. If it was still waiting, it does so no more, and the poem may go.</summary>
    public void End()
    {
        if (_download is not null)
        {
            Completed.Cancel();
        }

        Debug.Assert(_download is null, "who has ended waits no more");
        _poem.Release();
    }

    /// <summary>Gives it what it does not have yet, for as long as it wants it.</summary>
    internal void GiveRest()
    {
        while (Waits && Given < _poem.Length)
        {
            ReadOnlyMemory<byte> next = _poem.From(Given);
            Given += next.Length;
            Reader.Write(next, last: _poem.IsComplete && Given == _poem.Length);
        }
    }

    /// <summary>It was given nothing yet, and gets another poem than the one that failed.</summary>
    internal void SwitchTo(PoemBuffer other)
    {
        Debug.Assert(Given == 0, "no client gets parts of two poems");
        other.AddRef();
        _poem.Release();
        _poem = other;
    }

    /// <summary>It is out of the line.</summary>
    internal void Detach() => _download = null;

    /// <summary>It has been given all.</summary>
    internal void Succeed()
    {
        if (!Completed.Called)
        {
            Completed.Callback(_poem.Length);
        }
    }

    /// <summary>There will be no more.</summary>
    internal void Fail(Failure reason)
    {
        if (!Completed.Called)
        {
            Completed.Errback(reason);
        }
    }

    private void Leave() => _download?.Leave(this);
}
