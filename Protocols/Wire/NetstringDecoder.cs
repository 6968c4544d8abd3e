using System.Buffers;

namespace Poetry.Protocols;

/// <summary>
/// Finds the netstrings in a stream that arrives in pieces, and keeps an unfinished one between two reads. A protocol
/// has one decoder for each connection and calls it in a loop:
/// <code>
/// while (_decoder.TryNext(ref data, out ReadOnlySpan&lt;byte&gt; text)) { StringReceived(text); }
/// if (_decoder.Error is { } error) { Transport.AbortConnection(); }
/// </code>
/// </summary>
/// <remarks>
/// A string that arrives in one piece is a slice of that piece: nothing is copied or allocated. Only the payload of a cut
/// string is kept, in a pooled buffer. It grows with the bytes that arrive, not with the announced length: a thousand peers
/// that announce a megabyte and send nothing more cost nothing. Between strings, and within a length, no buffer is
/// held. A string longer than the limit is refused by its digits, before any of it is kept.
/// </remarks>
public sealed class NetstringDecoder : IDisposable
{
    /// <summary>The smallest buffer for a longer string. Chosen: most strings that arrive in parts fit, and it is one page.</summary>
    private const int MinBufferBytes = 4096;

    private readonly int _maxLengthBytes;
    private FrameReader _frame;
    private byte[]? _buffer;
    private int _kept;
    private bool _delivered;

    /// <summary>Makes a decoder for a stream from its beginning.</summary>
    /// <param name="maxLengthBytes">The longest string that is accepted: 0 or more.</param>
    public NetstringDecoder(int maxLengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLengthBytes);
        _maxLengthBytes = maxLengthBytes;
    }

    /// <summary>The error of the stream, or null. After an error nothing more is read: the caller has to close the connection.</summary>
    public NetstringStatus? Error { get; private set; }

    /// <summary>Bytes of the stream up to the end of the last complete netstring; after a missing comma, up to the byte in
    /// its place.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes of an unfinished netstring. If not 0 at the end of the stream, the stream was cut.</summary>
    public long PendingCount { get; private set; }

    /// <summary>The length of the buffer; 0 if there is none.</summary>
    internal int HeldBytes => _buffer?.Length ?? 0;

    /// <summary>Gets the next complete string.</summary>
    /// <param name="data">Bytes that were received; the used bytes are removed from its front. If this returns false, it is
    /// empty, or there is an error.</param>
    /// <param name="payload">The string, valid until the next call, and only while <paramref name="data"/> is valid.</param>
    /// <returns>False if no string is complete.</returns>
    public bool TryNext(ref ReadOnlySpan<byte> data, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (_delivered)
        {
            _delivered = false;
            ReturnBuffer();
        }

        if (Error is not null || data.IsEmpty)
        {
            return false;
        }

        int before = data.Length;
        NetstringStatus status = _frame.Read(ref data, _maxLengthBytes, out ReadOnlySpan<byte> part);
        if (status is NetstringStatus.BadLength or NetstringStatus.TooLong)
        {
            Error = status;
            return false;
        }

        PendingCount += before - data.Length;
        if (status == NetstringStatus.Incomplete)
        {
            Keep(part);
            return false;
        }

        Position += PendingCount;
        PendingCount = 0;
        if (status == NetstringStatus.MissingComma)
        {
            Error = status;
            return false;
        }

        payload = part;
        if (_kept > 0)
        {
            Keep(part);
            payload = _buffer.AsSpan(0, _kept);
            _kept = 0;
            _delivered = true;
        }

        _frame = default;
        return true;
    }

    /// <summary>Prepares for another stream, and returns the buffer. Called by a protocol that is reused.</summary>
    public void Reset()
    {
        ReturnBuffer();
        _frame = default;
        _kept = 0;
        _delivered = false;
        Error = null;
        Position = 0;
        PendingCount = 0;
    }

    /// <summary>Returns the buffer. Called when the connection is lost.</summary>
    public void Dispose() => ReturnBuffer();

    /// <summary>Keeps a part of the string.</summary>
    private void Keep(ReadOnlySpan<byte> part)
    {
        int needed = _kept + part.Length;
        if (part.IsEmpty)
        {
            return;
        }

        if (_buffer is null || _buffer.Length < needed)
        {
            int size = (int)Math.Min(_frame.Length, Math.Max(needed, Math.Max(MinBufferBytes, 2L * _kept)));
            byte[] larger = ArrayPool<byte>.Shared.Rent(size);
            _buffer.AsSpan(0, _kept).CopyTo(larger);
            ReturnBuffer();
            _buffer = larger;
        }

        part.CopyTo(_buffer.AsSpan(_kept));
        _kept = needed;
    }

    private void ReturnBuffer()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
