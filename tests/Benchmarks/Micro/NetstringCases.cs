using Poetry.Protocols;

namespace Poetry.Benchmarks;

/// <summary>A block of netstrings of 100 bytes each, as a socket would bring them, and the two ways to read it.</summary>
internal sealed class NetstringCases : IDisposable
{
    /// <summary>Bytes of one string.</summary>
    public const int StringLength = 100;

    /// <summary>Strings in the block, which so stays within the second cache, as the reactor's read buffer does.</summary>
    public const int Count = 600;

    private const int MaxLength = 1 << 20;

    private readonly byte[] _block = new byte[Count * Netstring.EncodedLength(StringLength)];
    private readonly NetstringDecoder _receiver = new(MaxLength);

    public NetstringCases()
    {
        byte[] payload = new byte[StringLength];
        Array.Fill(payload, (byte)'x');
        int at = 0;
        for (int i = 0; i < Count; i++)
        {
            _ = Netstring.TryWrite(payload, _block.AsSpan(at), out int written);
            at += written;
        }
    }

    /// <summary>Bytes of the block, lengths and commas included.</summary>
    public int BlockLength => _block.Length;

    /// <summary>The codec alone.</summary>
    public int Parse()
    {
        ReadOnlySpan<byte> rest = _block;
        int bytes = 0;
        while (Netstring.Read(rest, MaxLength, out ReadOnlySpan<byte> payload, out int consumed) == NetstringStatus.Complete)
        {
            bytes += payload.Length;
            rest = rest[consumed..];
        }

        return bytes;
    }

    /// <summary>The receiver, which keeps what is unfinished.</summary>
    public int Receive() => ReceiveFrom(_block);

    /// <summary>The receiver, given the block in two parts that cut a string.</summary>
    public int ReceiveCut()
    {
        int cut = (_block.Length / 2) + (StringLength / 3);
        return ReceiveFrom(_block.AsSpan(0, cut)) + ReceiveFrom(_block.AsSpan(cut));
    }

    /// <inheritdoc/>
    public void Dispose() => _receiver.Dispose();

    private int ReceiveFrom(ReadOnlySpan<byte> data)
    {
        int bytes = 0;
        while (_receiver.TryNext(ref data, out ReadOnlySpan<byte> payload))
        {
            bytes += payload.Length;
        }

        return bytes;
    }
}
