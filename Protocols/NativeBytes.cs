using System;
using System.Buffers;

namespace Poetry.Protocols;

/// <summary>
/// A stretch of memory outside the managed heap as <see cref="Memory{T}"/>, so that it can be written to any number of
/// transports by reference. It owns nothing: whoever made it keeps the memory alive for as long as anybody may read it.
/// </summary>
/// <param name="start">The first byte.</param>
/// <param name="length">In bytes.</param>
internal sealed unsafe class NativeBytes(byte* start, int length) : MemoryManager<byte>
{
    private readonly byte* _start = start;

    public override Span<byte> GetSpan() => new(_start, length);

    /// <summary>The memory never moves: a pin is only its address.</summary>
    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
