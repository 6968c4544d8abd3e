using System;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// Native memory that is made larger while it is filled. To grow takes no more memory than the larger block: the C library may
/// copy a block of any length, and both have to have room then. Stateless, callable from any thread.
/// </summary>
internal static unsafe class GrowingMemory
{
    /// <summary>
    /// On Linux, blocks of this size and above are mappings of their own, whose pages move without a copy. Chosen: above the longest
    /// request that a transform server accepts by default, since a new mapping costs more than memory that was used before.
    /// </summary>
    private const long MinMappedBytes = 1024 * 1024;

    /// <summary>Makes a block larger; what was written to it stays.</summary>
    /// <param name="block">Null for none yet.</param>
    /// <param name="capacity">Its size in bytes.</param>
    /// <param name="larger">The size that is wanted.</param>
    /// <exception cref="OutOfMemoryException">There is no room. The block is as it was.</exception>
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
