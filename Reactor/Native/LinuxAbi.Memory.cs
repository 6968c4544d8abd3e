using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Poetry.Net.Native;

/// <content>Memory files, mappings, and calls by which the kernel moves bytes without a copy to this process.</content>
internal static unsafe partial class LinuxAbi
{
    // bits/mman-linux.h
    public const int PROT_NONE = 0;
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 1;
    public const int MAP_PRIVATE = 2;

    // bits/mman-map-flags-generic.h
    public const int MAP_ANONYMOUS = 0x20;

    // bits/mman-shared.h
    public const int MREMAP_MAYMOVE = 1;

    // bits/mman-linux.h
    public const int MADV_DONTNEED = 4;
    public const int MADV_HUGEPAGE = 14; // fresh memory comes in huge pages

    // asm-generic/mman-common.h
    public const int MADV_COLLAPSE = 25; // kernel 6.1: small pages become a huge page

    // bits/mman-shared.h
    public const uint MFD_CLOEXEC = 1;
    public const uint MFD_ALLOW_SEALING = 2;

    // bits/fcntl-linux.h
    public const int F_ADD_SEALS = 1033;
    public const int F_SEAL_SEAL = 1; // no more seals
    public const int F_SEAL_SHRINK = 2;
    public const int F_SEAL_GROW = 4;
    public const int F_SEAL_WRITE = 8;
    public const int F_SETPIPE_SZ = 1031; // fcntl returns the size
    public const uint SPLICE_F_NONBLOCK = 2; // splice does not wait for the pipe

    /// <summary>memfd_create(2), glibc 2.27.</summary>
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int memfd_create(byte* name, uint flags);

    /// <summary>ftruncate(2), unistd.h, with a length of 64 bits on 64-bit systems.</summary>
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int ftruncate(int fd, nint length);

    /// <summary>mmap(2), sys/mman.h. −1 (MAP_FAILED) for a failure.</summary>
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial nint mmap(nint address, nint length, int protection, int flags, int fd, nint offset);

    /// <summary>mremap(2), sys/mman.h; without the fifth argument. −1 (MAP_FAILED) for a failure.</summary>
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial nint mremap(nint address, nint length, nint newLength, int flags);

    // sys/mman.h
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int munmap(nint address, nint length);

    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int madvise(nint address, nint length, int advice);

    /// <summary>sendfile(2), sys/sendfile.h. It has no MSG_NOSIGNAL: the process must ignore SIGPIPE.</summary>
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial nint sendfile(int to, int from, long* offset, nint count);

    // unistd.h
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int pipe2(int* ends, int flags);

    /// <summary>splice(2), fcntl.h. It has no MSG_NOSIGNAL: the process must ignore SIGPIPE.</summary>
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial nint splice(int from, long* fromOffset, int to, long* toOffset, nint count, uint flags);
}
