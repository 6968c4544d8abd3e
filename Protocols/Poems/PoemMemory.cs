using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Poetry.Protocols;

/// <summary>
/// Where the poems of a proxy lie: outside the managed heap, and counted, so that it can be told what they weigh and that
/// nothing is left over. One for each reactor; tests derive one that tells when freed memory is read.
/// </summary>
internal unsafe class PoemMemory
{
    /// <summary>Bytes that are allocated now. Pages nobody has written to are counted, though they cost nothing yet.</summary>
    public long BytesAlive { get; private set; }

    /// <summary>Allocates.</summary>
    /// <param name="length">In bytes, more than 0.</param>
    /// <exception cref="System.OutOfMemoryException">There is none left.</exception>
    public byte* Allocate(int length)
    {
        byte* memory = (byte*)NativeMemory.Alloc((nuint)length);
        BytesAlive += length;
        return memory;
    }

    /// <summary>Frees what <see cref="Allocate"/> gave.</summary>
    /// <param name="memory">Nobody may read it any more.</param>
    /// <param name="length">As it was allocated.</param>
    public void Free(byte* memory, int length)
    {
        BytesAlive -= length;
        Debug.Assert(BytesAlive >= 0, "nothing is freed twice");
        Discard(memory, length);
    }

    /// <summary>Gives freed memory back.</summary>
    private protected virtual void Discard(byte* memory, int length) => NativeMemory.Free(memory);
}
