using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A complete poem in the form in which it is sent, outside the managed heap, shared by all connections that send it. Its
/// references are counted: one for its maker, one for each connection; the last release frees it.
/// </summary>
/// <remarks>
/// Crosses threads: several reactors share it, and call <see cref="TryAddRef"/> and <see cref="Release"/>. The bytes never
/// change.
/// </remarks>
internal sealed class Poem
{
    /// <summary>The size of a part. A <see cref="Memory{T}"/> holds at most 2 GiB, so a longer poem has several parts.</summary>
    private const int MaxPartBytes = 1 << 30;

    private readonly NativeBlock _block;
    private readonly ReadOnlyMemory<byte>[] _parts;
    private int _references = 1;

    /// <summary>Takes over a block that contains a poem.</summary>
    /// <param name="block">The block; sealed, and freed with the last reference.</param>
    /// <param name="offset">The offset in the block of the first byte to send.</param>
    /// <param name="wireLength">The number of bytes to send.</param>
    /// <param name="length">The number of bytes of the poem, without a frame.</param>
    public Poem(NativeBlock block, long offset, long wireLength, long length)
    {
        _block = block;
        Length = length;
        WireLength = wireLength;
        _parts = new ReadOnlyMemory<byte>[Math.Max(1, (wireLength + MaxPartBytes - 1) / MaxPartBytes)];
        for (int i = 0; i < _parts.Length; i++)
        {
            long start = (long)i * MaxPartBytes;
            _parts[i] = block.Part(offset + start, (int)Math.Min(MaxPartBytes, wireLength - start));
        }
    }

    /// <summary>Bytes of the poem alone.</summary>
    public long Length { get; }

    /// <summary>Bytes that are sent: the poem, and its frame if it has one.</summary>
    public long WireLength { get; }

    /// <summary>The bytes to send, in order: at least one part, which may be empty. Valid as long as the caller's reference.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Parts => _parts;

    /// <summary>The bytes to send from an offset on: <paramref name="max"/> bytes, or fewer at the end of a part.</summary>
    public ReadOnlyMemory<byte> Slice(long offset, long max)
    {
        ReadOnlyMemory<byte> part = _parts[offset / MaxPartBytes][(int)(offset % MaxPartBytes)..];
        return part[..(int)Math.Min(max, part.Length)];
    }

    /// <summary>Adds a reference, unless the last one was released already.</summary>
    public bool TryAddRef()
    {
        int references = Volatile.Read(ref _references);
        while (references > 0)
        {
            int seen = Interlocked.CompareExchange(ref _references, references + 1, references);
            if (seen == references)
            {
                return true;
            }

            references = seen;
        }

        return false;
    }

    /// <summary>Releases a reference; the caller must not read the poem any more.</summary>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        Debug.Assert(left >= 0, "a reference is released once");
        if (left == 0)
        {
            _block.Free();
        }
    }
}
