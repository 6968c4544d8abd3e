using System;
using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Receives a value of the shared cache, checks its frame, and passes the poem on as a fetch does.</summary>
internal sealed class SharedReader(ProxyDownload download, PoemFormat format) : IPoemReceiver
{
    private FrameReader _frame;
    private long _received;
    private bool _isWrong;

    /// <summary>Why the download takes no more; null if it does.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Of the value, in bytes; −1 if there is none.</summary>
    public long Length { get; private set; } = -1;

    /// <summary>True if the whole value was received, and is what a proxy stores.</summary>
    public bool IsComplete => !_isWrong && _received == Length && (format == PoemFormat.Plain || _frame.Complete);

    /// <inheritdoc/>
    public void Connected(IProducer upstream) => download.Connected(upstream);

    /// <inheritdoc/>
    public void Announced(long length) => Length = length;

    /// <inheritdoc/>
    public bool Received(ReadOnlySpan<byte> bytes)
    {
        Debug.Assert(Length >= _received + bytes.Length, "the length comes first");
        _received += bytes.Length;
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
        Span<byte> head = stackalloc byte[Netstring.MaxHeaderLength];
        while (!bytes.IsEmpty)
        {
            // Nothing is passed on before it is known that the frame has the length of the value.
            bool hadLength = _frame.HasLength;
            _isWrong = !_frame.TryRead(ref bytes, out ReadOnlySpan<byte> payload)
                || (_frame.HasLength && Netstring.WriteHeader(_frame.Length, head) + _frame.Length + 1 != Length);
            if (!_isWrong && _frame.HasLength && !hadLength)
            {
                download.Announced(_frame.Length);
            }

            if (_isWrong || (!payload.IsEmpty && !Pass(payload)))
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
