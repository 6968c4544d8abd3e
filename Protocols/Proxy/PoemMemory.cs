using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Allocates the memory of a proxy's poems outside the managed heap, and counts it, so that leaks are found. One for each
/// reactor; tests derive one that detects reads of freed memory.
/// </summary>
internal unsafe class PoemMemory
{
    /// <summary>Bytes that are allocated now, with pages that were not written yet and so cost nothing.</summary>
    public long BytesAlive { get; private set; }

    /// <summary>Allocates a block.</summary>
    /// <exception cref="System.OutOfMemoryException">There is no memory left.</exception>
    public virtual byte* Allocate(int length)
    {
        byte* memory = LargeMemory.Allocate(length);
        BytesAlive += length;
        return memory;
    }

    /// <summary>Frees what <see cref="Allocate"/> gave.</summary>
    /// <param name="memory">A block that is not read any more.</param>
    /// <param name="length">Its length.</param>
    public void Free(byte* memory, int length)
    {
        BytesAlive -= length;
        Debug.Assert(BytesAlive >= 0, "a block is freed once");
        Discard(memory, length);
    }

    private protected virtual void Discard(byte* memory, int length) => LargeMemory.Free(memory);
}
