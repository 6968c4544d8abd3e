using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Receives a value of the shared cache, checks its frame, and passes the poem on as a fetch does.</summary>
internal sealed class SharedReader(ProxyDownload download, PoemFormat format) : IPoemReceiver
{
    private FrameReader _frame;

    /// <summary>The reason why the download takes no more bytes; null if it does.</summary>
    public string? Refusal { get; private set; }

    /// <summary>The length of the value in bytes; −1 if there is none.</summary>
    public long Length { get; private set; } = -1;

    /// <summary>True if the value, when all of it was received, is one that a proxy stores.</summary>
    public bool IsPoem => format == PoemFormat.Plain || (_frame.Complete && FrameFits);

    private bool FrameFits =>
        !_frame.HasLength || Netstring.WriteHeader(_frame.Length, stackalloc byte[Netstring.MaxHeaderLength]) + _frame.Length + 1 == Length;

    public void Connected(IProducer upstream) => download.Connected(upstream);

    public void Announced(long length) => Length = length;

    public bool Received(ReadOnlySpan<byte> bytes)
    {
        Debug.Assert(Length > 0, "the length comes first");
        try
        {
            return format == PoemFormat.Plain ? Pass(bytes) : ReadFrame(bytes);
        }
        catch (OutOfMemoryException)
        {
            Refusal = PoemFetch.OutOfMemory;
            return false;
        }
    }

    private bool ReadFrame(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            // Nothing is passed on before the frame has turned out to have the length of the value.
            bool hadLength = _frame.HasLength;
            if (!_frame.TryRead(ref bytes, out ReadOnlySpan<byte> payload) || !FrameFits)
            {
                return false;
            }

            if (_frame.HasLength && !hadLength)
            {
                download.Announced(_frame.Length);
            }

            if (!payload.IsEmpty && !Pass(payload))
            {
                return false;
            }
        }

        return true;
    }

    private bool Pass(ReadOnlySpan<byte> bytes)
    {
        Refusal = download.Received(bytes) ? null : "the poem could not be stored";
        return Refusal is null;
    }
}
