using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// Native memory that grows while it is filled. Growing a mapped block takes no more memory than the larger block. The C library
/// may copy a block of any length instead, and then needs memory for both. Stateless, callable from any thread.
/// </summary>
internal static unsafe class GrowingMemory
{
    /// <summary>
    /// The size from which a block on Linux is a separate mapping, whose pages move without a copy. Chosen: above the longest
    /// request that a transform server accepts by default, since a new mapping costs more than memory that was used before.
    /// </summary>
    private const long MinMappedBytes = 1024 * 1024;

    /// <summary>Makes a block larger, and keeps its content.</summary>
    /// <param name="block">The block; null for none yet.</param>
    /// <param name="capacity">The size of the block in bytes.</param>
    /// <param name="larger">The new size in bytes.</param>
    /// <exception cref="OutOfMemoryException">There is too little memory. The block is unchanged.</exception>
    public static byte* Grow(byte* block, long capacity, long larger)
    {
        AvailableMemory.Reserve(larger - capacity);
        if (IsMapped(capacity))
        {
            return Check(LinuxAbi.mremap((nint)block, (nint)capacity, (nint)larger, LinuxAbi.MREMAP_MAYMOVE));
        }

        AvailableMemory.Fill(capacity);
        if (!IsMapped(larger))
        {
            return (byte*)NativeMemory.Realloc(block, (nuint)larger);
        }

        byte* mapped = Map(larger);
        Buffer.MemoryCopy(block, mapped, larger, capacity);
        NativeMemory.Free(block);
        return mapped;
    }

    public static void Free(byte* block, long capacity)
    {
        if (IsMapped(capacity))
        {
            _ = LinuxAbi.munmap((nint)block, (nint)capacity);
        }
        else
        {
            NativeMemory.Free(block);
        }
    }

    [SupportedOSPlatformGuard("linux")]
    private static bool IsMapped(long capacity) => capacity >= MinMappedBytes && OperatingSystem.IsLinux();

    [SupportedOSPlatform("linux")]
    private static byte* Map(long capacity)
    {
        const int Protection = LinuxAbi.PROT_READ | LinuxAbi.PROT_WRITE;
        return Check(LinuxAbi.mmap(0, (nint)capacity, Protection, LinuxAbi.MAP_PRIVATE | LinuxAbi.MAP_ANONYMOUS, -1, 0));
    }

    private static byte* Check(nint address) => address == -1 ? throw new InsufficientMemoryException() : (byte*)address;
}
