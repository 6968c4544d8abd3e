using System;
using System.Diagnostics;
using System.Threading;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A poem as it goes over the wire: whole, outside the managed heap, and shared by all who send it. It is counted: its
/// maker holds it once, every connection that sends it once more, and the last to let go frees it.
/// </summary>
/// <remarks>
/// Crosses threads: reactors on several of them share it, and may call <see cref="TryAddRef"/> and <see cref="Release"/>. The
/// bytes do not change after it was made.
/// </remarks>
internal sealed class Poem
{
    /// <summary>A <see cref="Memory{T}"/> reaches 2 GiB: a longer poem is several in a row.</summary>
    private const int MaxPartBytes = 1 << 30;

    private readonly NativeBlock _block;
    private readonly ReadOnlyMemory<byte>[] _parts;
    private int _references = 1;

    /// <summary>Takes over a block with a poem in it.</summary>
    /// <param name="block">Sealed; freed when the last holder lets go.</param>
    /// <param name="offset">Where in it the wire form begins.</param>
    /// <param name="wireLength">Of the wire form, in bytes.</param>
    /// <param name="length">Of the poem alone, in bytes.</param>
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

    /// <summary>Of the poem, in bytes.</summary>
    public long Length { get; }

    /// <summary>Of what is sent, in bytes: with the frame, if it has one.</summary>
    public long WireLength { get; }

    /// <summary>What is sent, in order; at least one part, which may be empty. Readable while it is held.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Parts => _parts;

    /// <summary>Holds it, unless the last holder has let go already.</summary>
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

    /// <summary>Lets go of it; after this the caller must not read it any more.</summary>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        Debug.Assert(left >= 0, "nobody lets go twice");
        if (left == 0)
        {
            _block.Free();
        }
    }
}
