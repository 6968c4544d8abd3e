using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Allocates the memory of a proxy's poems outside the managed heap. One for each reactor; tests derive one that detects leaks
/// and reads of freed memory.
/// </summary>
internal unsafe class PoemMemory
{
    /// <summary>Allocates a block.</summary>
    /// <exception cref="System.OutOfMemoryException">There is no memory left.</exception>
    public virtual byte* Allocate(int length) => LargeMemory.Allocate(length);

    /// <summary>Frees a block of <see cref="Allocate"/>.</summary>
    /// <param name="memory">A block that is not read any more.</param>
    /// <param name="length">Its length.</param>
    public virtual void Free(byte* memory, int length) => LargeMemory.Free(memory);
}
