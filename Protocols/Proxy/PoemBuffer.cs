using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A poem in a proxy, as it is sent. It grows while it arrives, and is sent to all clients by reference. Its chunks never move,
/// so bytes that were handed out stay valid while it grows. It is reference-counted like a <see cref="Poem"/>, and its bytes
/// are charged to the cache.
/// </summary>
/// <remarks>Belongs to one reactor's thread.</remarks>
/// <param name="memory">Allocates its chunks.</param>
/// <param name="cache">The cache to which its bytes are charged.</param>
/// <param name="firstChunkBytes">The size of the first chunk, which is allocated for the first byte.</param>
internal sealed class PoemBuffer(PoemMemory memory, ProxyCache cache, int firstChunkBytes)
{
    /// <summary>
    /// Limit for the chunks of a poem of unknown length: doubling wastes at most this much, and only address space, because
    /// the kernel allocates a page when it is written.
    /// </summary>
    private const int MaxChunkBytes = 16 * 1024 * 1024;

    /// <summary>The most bytes of one read, so that other connections get their turn.</summary>
    private const int MaxReadBytes = 256 * 1024;

    /// <summary>Limit for the chunk of a poem whose length is known: a <see cref="Memory{T}"/> holds less than 2 GiB.</summary>
    private const int MaxKnownChunkBytes = 1 << 30;

    private readonly List<Chunk> _chunks = [];
    private ReadOnlyMemory<byte>[]? _parts;
    private Chunk? _spare;
    private int _nextChunkBytes = firstChunkBytes;
    private int _pipeBytes;

    /// <summary>The caller that makes it holds the first one.</summary>
    private int _references = 1;

    /// <summary>Bytes that were appended or skipped, including those that were freed.</summary>
    public long Length { get; private set; }

    /// <summary>True if it has more than one reference.</summary>
    public bool IsShared => _references > 1;

    /// <summary>Bytes at the front that were freed.</summary>
    public long Released { get; private set; }

    /// <summary>True if its chunks are freed when every client has taken them.</summary>
    public bool PassesThrough { get; private set; }

    /// <summary>True while the bytes do not go through it: see <see cref="Bypass"/>.</summary>
    public bool IsBypassed => _pipeBytes > 0;

    /// <summary>True if the poem is complete, and changes no more.</summary>
    public bool IsComplete => _parts is not null;

    /// <summary>Length of the complete poem; −1 while it is unknown.</summary>
    public long TotalBytes { get; private set; } = -1;

    /// <summary>The bytes of a complete poem, in order: at least one part, which may be empty.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Parts
    {
        get
        {
            Debug.Assert(IsComplete && Released == 0, "only a complete poem is sent in parts");
            return _parts;
        }
    }

    /// <summary>Free space for the next bytes, so that <see cref="Append"/> need not copy them.</summary>
    public Span<byte> FreeSpace => Growing.FreeSpace;

    /// <summary>The last chunk, which has room.</summary>
    private Chunk Growing
    {
        get
        {
            if (_chunks.Count == 0 || _chunks[^1].Free == 0)
            {
                AddChunk();
            }

            return _chunks[^1];
        }
    }

    /// <summary>Appends bytes that have arrived. Bytes in <see cref="FreeSpace"/> are not copied.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for them.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Debug.Assert(!IsComplete, "a complete poem does not grow");
        while (!bytes.IsEmpty)
        {
            int taken = Growing.Append(bytes);
            cache.Charge(taken);
            bytes = bytes[taken..];
            Length += taken;
        }
    }

    /// <summary>Announces the length before the first byte, so that the poem gets one chunk.</summary>
    /// <param name="wireLength">The length of the complete poem, as it is sent, in bytes.</param>
    /// <param name="isStored">False if it passes through, and is never complete in memory.</param>
    public void Expect(long wireLength, bool isStored)
    {
        Debug.Assert(Length == 0, "the length comes before the first byte");
        TotalBytes = wireLength;
        if (isStored)
        {
            _nextChunkBytes = (int)Math.Min(wireLength, MaxKnownChunkBytes);
        }
    }

    /// <summary>
    /// From now on all new chunks have the same size, and are freed one after the other. The present last chunk gets no more
    /// bytes: it may be large, and would be freed only when it is full.
    /// </summary>
    public void PassThrough(int chunkBytes)
    {
        _nextChunkBytes = chunkBytes;
        if (!PassesThrough)
        {
            PassesThrough = true;
            cache.Passing++;
        }

        if (_chunks.Count > 0)
        {
            _chunks[^1].Seal();
        }
    }

    /// <summary>From now on the bytes go through a pipe, and not through this buffer, whose bytes every client has taken.</summary>
    /// <param name="pipeBytes">The size of the pipe, which is charged instead; 0 if there is no pipe.</param>
    public void Bypass(int pipeBytes)
    {
        Debug.Assert(PassesThrough, "only a poem that passes through is not kept");
        FreeChunks();
        Released = Length;
        cache.Charge(pipeBytes - _pipeBytes);
        _pipeBytes = pipeBytes;
    }

    /// <summary>Counts bytes that went through the pipe.</summary>
    public void Skip(int count)
    {
        Length += count;
        Released = Length;
    }

    /// <summary>Drops all bytes, to begin again. None of them may have been handed out.</summary>
    public void Clear(int firstChunkBytes)
    {
        Debug.Assert(!IsComplete && Released == 0, "only a poem that has all of its bytes can begin anew");
        FreeAll();
        _nextChunkBytes = firstChunkBytes;
        Length = 0;
        TotalBytes = -1;
    }

    public void Complete()
    {
        TotalBytes = Length;
        if (_chunks.Count > 1 && _chunks[^1].Filled.IsEmpty)
        {
            // The read that found the end had asked for room. The last part must have bytes: FIN is sent with them.
            Free(_chunks[^1]);
            _chunks.RemoveAt(_chunks.Count - 1);
        }

        _parts = new ReadOnlyMemory<byte>[Math.Max(1, _chunks.Count)];
        for (int i = 0; i < _chunks.Count; i++)
        {
            _parts[i] = _chunks[i].Filled;
        }
    }

    /// <summary>The bytes at an offset, up to the end of their chunk.</summary>
    /// <param name="offset">An offset from <see cref="Released"/> to <see cref="Length"/>; at the end there are no bytes.</param>
    /// <returns>Bytes, valid while the caller has a reference, and until <see cref="ReleaseBefore"/> frees them.</returns>
    public ReadOnlyMemory<byte> From(long offset)
    {
        Debug.Assert(offset >= Released && offset <= Length, "only bytes in memory can be read");

        // Readers are near the end or at the start, and a poem has a dozen chunks: a search from the end is short.
        for (int i = _chunks.Count - 1; i >= 0; i--)
        {
            Chunk chunk = _chunks[i];
            if (offset >= chunk.Offset)
            {
                return chunk.Filled[(int)(offset - chunk.Offset)..];
            }
        }

        return default;
    }

    /// <summary>Frees the chunks before an offset up to which every client has taken the poem.</summary>
    public void ReleaseBefore(long offset)
    {
        Debug.Assert(PassesThrough && !IsComplete, "a client may still be sending a poem that is kept");
        int passed = 0;
        while (passed < _chunks.Count && _chunks[passed].Free == 0 && _chunks[passed].End <= offset)
        {
            Chunk chunk = _chunks[passed++];
            Released = chunk.End;
            if (_spare is null && chunk.Capacity == _nextChunkBytes)
            {
                // The next bytes go into the same pages: new pages cost more than the bytes.
                cache.Charge(chunk.Offset - chunk.End);
                _spare = chunk;
            }
            else
            {
                Free(chunk);
            }
        }

        _chunks.RemoveRange(0, passed);
    }

    public void AddRef()
    {
        Debug.Assert(_references > 0, "a freed poem has no references");
        _references++;
    }

    /// <summary>Releases a reference. The caller must not read the poem after that.</summary>
    public void Release()
    {
        Debug.Assert(_references > 0, "a reference is released once");
        if (--_references > 0)
        {
            return;
        }

        FreeAll();
    }

    private void FreeChunks()
    {
        foreach (Chunk chunk in _chunks)
        {
            Free(chunk);
        }

        _chunks.Clear();
        _spare?.Return(memory);
        _spare = null;
    }

    private void FreeAll()
    {
        FreeChunks();
        cache.Charge(-_pipeBytes);
        _pipeBytes = 0;
        cache.Passing -= PassesThrough ? 1 : 0;
        PassesThrough = false;
    }

    private void Free(Chunk chunk)
    {
        cache.Charge(chunk.Offset - chunk.End);
        chunk.Return(memory);
    }

    private void AddChunk()
    {
        int length = _nextChunkBytes;
        if (_spare is { } spare && spare.Capacity == length)
        {
            _spare = null;
            spare.BeginAgain(Length);
            _chunks.Add(spare);
            return;
        }

        _chunks.Add(new Chunk(memory, length, Length));

        // Each chunk is as large as all before it together, up to the limit.
        if (!PassesThrough)
        {
            _nextChunkBytes = (int)Math.Clamp(Length + length, 1, Math.Max(MaxChunkBytes, length));
        }
    }

    /// <summary>A block of bytes that never moves.</summary>
    private sealed unsafe class Chunk
    {
        private readonly byte* _start;
        private readonly ReadOnlyMemory<byte> _all;
        private int _filled;

        /// <summary>The bytes at its start that were ever written: the kernel has given them, in whole huge pages.</summary>
        private int _written;

        public Chunk(PoemMemory memory, int capacity, long offset)
        {
            _start = memory.Allocate(capacity);
            Capacity = capacity;
            Free = capacity;
            _all = new NativeBytes(_start, capacity).Memory;
            Offset = offset;
        }

        public int Capacity { get; }

        public long Offset { get; private set; }

        public long End => Offset + _filled;

        public int Free { get; private set; }

        public ReadOnlyMemory<byte> Filled => _all[.._filled];

        public int Append(ReadOnlySpan<byte> bytes)
        {
            int taken = Math.Min(bytes.Length, Free);
            if (!Unsafe.AreSame(in MemoryMarshal.GetReference(bytes), in *(_start + _filled)))
            {
                AskFor(taken);
                bytes[..taken].CopyTo(new Span<byte>(_start + _filled, taken));
            }

            _filled += taken;
            _written = Math.Max(_written, _filled);
            Free -= taken;
            return taken;
        }

        public Span<byte> FreeSpace
        {
            get
            {
                // Asked for before the read fills it: if the read is refused, memory that it filled stays with the C library.
                int length = Math.Min(Free, MaxReadBytes);
                AskFor(length);
                return new Span<byte>(_start + _filled, length);
            }
        }

        public void Seal() => Free = 0;

        public void BeginAgain(long offset)
        {
            Offset = offset;
            Free = Capacity;
            _filled = 0;
        }

        public void Return(PoemMemory memory) => memory.Free(_start, Capacity);

        private void AskFor(int count)
        {
            int growth = LargeMemory.FilledBytes(Capacity, _filled + count) - LargeMemory.FilledBytes(Capacity, _written);
            if (growth > 0)
            {
                AvailableMemory.Fill(growth);
            }
        }
    }
}
