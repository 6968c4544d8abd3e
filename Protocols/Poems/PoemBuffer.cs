using System;
using System.Collections.Generic;
using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A poem on its way through a proxy, in its wire form: it grows while it comes, and is shared by all who send it, by
/// reference. Its chunks never move, so what was handed out stays where it is while the buffer grows. It is counted like a
/// <see cref="Poem"/>: whoever sends it holds it, and the last to let go frees it. What lies in it is accounted for in
/// the cache.
/// </summary>
/// <remarks>Belongs to one reactor: nothing here may be called from another thread.</remarks>
internal sealed class PoemBuffer
{
    /// <summary>
    /// No chunk is larger unless the length was known before: doubling wastes at most this much, and only of address
    /// space, since the kernel gives no page before it is written to.
    /// </summary>
    private const int MaxChunkBytes = 16 * 1024 * 1024;

    /// <summary>The longest chunk of a poem whose length is known: what a <see cref="Memory{T}"/> reaches.</summary>
    private const int MaxKnownChunkBytes = 1 << 30;

    private readonly PoemMemory _memory;
    private readonly ProxyCache _cache;
    private readonly List<Chunk> _chunks = [];
    private ReadOnlyMemory<byte>[]? _parts;
    private int _nextChunkBytes;
    private bool _passes;
    private int _references = 1;

    /// <summary>Makes an empty one, held once.</summary>
    /// <param name="memory">Where it lies.</param>
    /// <param name="cache">What it weighs is noted there.</param>
    /// <param name="firstChunkBytes">Allocated when the first byte comes. A poem that fits is sent in one call.</param>
    public PoemBuffer(PoemMemory memory, ProxyCache cache, int firstChunkBytes)
    {
        _memory = memory;
        _cache = cache;
        _nextChunkBytes = firstChunkBytes;
    }

    /// <summary>Bytes that have come so far, those that were released too.</summary>
    public long Length { get; private set; }

    /// <summary>Does more than one hold it?</summary>
    public bool IsShared => _references > 1;

    /// <summary>Bytes at the front that are no longer here.</summary>
    public long Released { get; private set; }

    /// <summary>Is all of it here? Then it changes no more.</summary>
    public bool IsComplete => _parts is not null;

    /// <summary>Its length when it will be whole; −1 while nobody knows.</summary>
    public long TotalBytes { get; private set; } = -1;

    /// <summary>What is sent of a whole poem, in order; at least one part, which may be empty.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Parts
    {
        get
        {
            Debug.Assert(IsComplete && Released == 0, "only what is all here is sent in parts");
            return _parts;
        }
    }

    /// <summary>Adds what has come.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Debug.Assert(!IsComplete, "a whole poem does not grow");
        while (!bytes.IsEmpty)
        {
            if (_chunks.Count == 0 || _chunks[^1].Room == 0)
            {
                AddChunk();
            }

            int taken = _chunks[^1].Append(bytes);
            _cache.Charge(taken);
            bytes = bytes[taken..];
            Length += taken;
        }
    }

    /// <summary>Says how long it will be, before it has begun: then it lies in one piece, if it is not too long for that.</summary>
    /// <param name="wireLength">All of it, in bytes.</param>
    /// <param name="isStored">Will it be kept whole? A poem that only passes needs no room for all of it.</param>
    public void Expect(long wireLength, bool isStored)
    {
        Debug.Assert(Length == 0, "its length is known before its first byte or not at all");
        TotalBytes = wireLength;
        if (isStored)
        {
            _nextChunkBytes = (int)Math.Min(wireLength, MaxKnownChunkBytes);
        }
    }

    /// <summary>
    /// From now on chunks are of one size, so that they can be released one after the other. What room the last one has left
    /// stays empty, for it may be large, and would be released only when it is full.
    /// </summary>
    public void PassThrough(int chunkBytes)
    {
        _nextChunkBytes = -chunkBytes;
        if (!_passes)
        {
            _passes = true;
            _cache.Passing++;
        }

        if (_chunks.Count > 0)
        {
            _chunks[^1].Seal();
        }
    }

    /// <summary>All has come.</summary>
    public void Complete()
    {
        TotalBytes = Length;
        _parts = new ReadOnlyMemory<byte>[Math.Max(1, _chunks.Count)];
        for (int i = 0; i < _chunks.Count; i++)
        {
            _parts[i] = _chunks[i].Filled;
        }
    }

    /// <summary>What is here from a place on, as far as it lies in a row.</summary>
    /// <param name="offset">From <see cref="Released"/> to <see cref="Length"/>, where there is nothing.</param>
    /// <returns>Readable while the buffer is held and not released up to there.</returns>
    public ReadOnlyMemory<byte> From(long offset)
    {
        Debug.Assert(offset >= Released && offset <= Length, "only what is here can be read");

        // Who reads is near the end, or begins: a poem has a dozen chunks, so a search from behind is no search.
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

    /// <summary>Frees the chunks that lie whole before a place: everybody has them.</summary>
    public void ReleaseBefore(long offset)
    {
        Debug.Assert(!IsComplete, "who was given all of it may still be sending it");
        int passed = 0;
        while (passed < _chunks.Count && _chunks[passed].Room == 0 && _chunks[passed].End <= offset)
        {
            Released = _chunks[passed].End;
            Free(_chunks[passed]);
            passed++;
        }

        _chunks.RemoveRange(0, passed);
    }

    /// <summary>Holds it once more.</summary>
    public void AddRef()
    {
        Debug.Assert(_references > 0, "what is freed can't be held");
        _references++;
    }

    /// <summary>Lets go of it; after this the caller must not read it any more.</summary>
    public void Release()
    {
        Debug.Assert(_references > 0, "nobody lets go twice");
        if (--_references > 0)
        {
            return;
        }

        foreach (Chunk chunk in _chunks)
        {
            Free(chunk);
        }

        _chunks.Clear();
        _cache.Passing -= _passes ? 1 : 0;
    }

    private void Free(Chunk chunk)
    {
        _cache.Discharge(chunk.End - chunk.Offset);
        chunk.Free(_memory);
    }

    private void AddChunk()
    {
        int length = Math.Abs(_nextChunkBytes);
        _chunks.Add(new Chunk(_memory, length, Length));

        // Each as large as all before it, until they are large enough; in passing they stay as they are.
        if (_nextChunkBytes > 0)
        {
            _nextChunkBytes = (int)Math.Clamp(Length + length, 1, Math.Max(MaxChunkBytes, length));
        }
    }

    /// <summary>Bytes in a row that never move.</summary>
    private sealed unsafe class Chunk
    {
        private readonly byte* _start;
        private readonly int _capacity;
        private readonly ReadOnlyMemory<byte> _all;
        private int _filled;

        public Chunk(PoemMemory memory, int capacity, long offset)
        {
            _start = memory.Allocate(capacity);
            _capacity = capacity;
            Room = capacity;
            _all = new NativeBytes(_start, capacity).Memory;
            Offset = offset;
        }

        public long Offset { get; }

        public long End => Offset + _filled;

        public int Room { get; private set; }

        public ReadOnlyMemory<byte> Filled => _all[.._filled];

        public int Append(ReadOnlySpan<byte> bytes)
        {
            int taken = Math.Min(bytes.Length, Room);
            bytes[..taken].CopyTo(new Span<byte>(_start + _filled, taken));
            _filled += taken;
            Room -= taken;
            return taken;
        }

        public void Seal() => Room = 0;

        public void Free(PoemMemory memory) => memory.Free(_start, _capacity);
    }
}
