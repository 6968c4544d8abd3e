using System;
using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Receives a value of the shared cache, checks its frame, and passes the poem on as a fetch does.</summary>
internal sealed class SharedReader(ProxyDownload download, PoemFormat format) : IPoemReceiver
{
    private FrameReader _frame;
    private long _length = -1;
    private long _received;

    /// <summary>Why the download takes no more; null if it does.</summary>
    public string? Refusal { get; private set; }

    /// <summary>True if the value is not what a proxy stores.</summary>
    public bool IsWrong { get; private set; }

    /// <summary>True if the whole value was received, and is a poem.</summary>
    public bool IsComplete => !IsWrong && _received == _length && (format == PoemFormat.Plain || _frame.Complete);

    /// <inheritdoc/>
    public void Connected(IProducer upstream) => download.Connected(upstream);

    /// <inheritdoc/>
    public void Announced(long length) => _length = length;

    /// <inheritdoc/>
    public bool Received(ReadOnlySpan<byte> bytes)
    {
        Debug.Assert(_length >= _received + bytes.Length, "the length comes first");
        _received += bytes.Length;
        return format == PoemFormat.Plain ? Pass(bytes) : ReadFrame(bytes);
    }

    private bool ReadFrame(ReadOnlySpan<byte> bytes)
    {
        Span<byte> head = stackalloc byte[Netstring.MaxHeaderLength];
        while (!bytes.IsEmpty && !IsWrong)
        {
            bool hadLength = _frame.HasLength;
            if (_frame.Complete || !_frame.TryRead(ref bytes, out ReadOnlySpan<byte> payload))
            {
                IsWrong = true;
                break;
            }

            if (_frame.HasLength && !hadLength)
            {
                // Nothing is passed on before it is known that the frame has the length of the value.
                if (Netstring.WriteHeader(_frame.Length, head) + _frame.Length + 1 != _length)
                {
                    IsWrong = true;
                    break;
                }

                download.Announced(_frame.Length);
            }

            if (!payload.IsEmpty && !Pass(payload))
            {
                return false;
            }
        }

        return !IsWrong;
    }

    private bool Pass(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Refusal = download.Received(bytes) ? null : "the poem could not be stored";
        }
        catch (OutOfMemoryException)
        {
            Refusal = PoemFetch.OutOfMemory;
        }

        return Refusal is null;
    }
}
