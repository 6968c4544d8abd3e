using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Poetry.Net.Native;

/// <content>Memory that is a file, and bytes that the kernel sends by itself.</content>
internal static unsafe partial class LinuxAbi
{
    /// <summary>PROT_NONE, bits/mman-linux.h; mmap(2).</summary>
    public const int PROT_NONE = 0;

    /// <summary>PROT_READ, bits/mman-linux.h; mmap(2).</summary>
    public const int PROT_READ = 1;

    /// <summary>PROT_WRITE.</summary>
    public const int PROT_WRITE = 2;

    /// <summary>MAP_SHARED, bits/mman-linux.h.</summary>
    public const int MAP_SHARED = 1;

    /// <summary>MAP_PRIVATE, bits/mman-linux.h.</summary>
    public const int MAP_PRIVATE = 2;

    /// <summary>MAP_ANONYMOUS, bits/mman-map-flags-generic.h.</summary>
    public const int MAP_ANONYMOUS = 0x20;

    /// <summary>MADV_DONTNEED, bits/mman-linux.h; madvise(2).</summary>
    public const int MADV_DONTNEED = 4;

    /// <summary>MADV_HUGEPAGE, bits/mman-linux.h: fresh memory comes in huge pages.</summary>
    public const int MADV_HUGEPAGE = 14;

    /// <summary>MADV_COLLAPSE, asm-generic/mman-common.h, kernel 6.1: small pages become a large one.</summary>
    public const int MADV_COLLAPSE = 25;

    /// <summary>MFD_CLOEXEC, bits/mman-shared.h; memfd_create(2).</summary>
    public const uint MFD_CLOEXEC = 1;

    /// <summary>MFD_ALLOW_SEALING.</summary>
    public const uint MFD_ALLOW_SEALING = 2;

    /// <summary>F_ADD_SEALS, bits/fcntl-linux.h; fcntl(2).</summary>
    public const int F_ADD_SEALS = 1033;

    /// <summary>F_SEAL_SEAL, bits/fcntl-linux.h: no more seals.</summary>
    public const int F_SEAL_SEAL = 1;

    /// <summary>F_SEAL_SHRINK.</summary>
    public const int F_SEAL_SHRINK = 2;

    /// <summary>F_SEAL_GROW.</summary>
    public const int F_SEAL_GROW = 4;

    /// <summary>F_SEAL_WRITE.</summary>
    public const int F_SEAL_WRITE = 8;

    /// <summary>F_SETPIPE_SZ, bits/fcntl-linux.h; fcntl(2), which returns the size.</summary>
    public const int F_SETPIPE_SZ = 1031;

    /// <summary>SPLICE_F_NONBLOCK, bits/fcntl-linux.h; splice(2): the pipe is not waited for.</summary>
    public const uint SPLICE_F_NONBLOCK = 2;

    /// <summary>memfd_create(2), glibc 2.27.</summary>
    [LibraryImport(Library)]
    [SupportedOSPlatform("linux")]
    public static partial int memfd_create(byte* name, uint flags);

    /// <summary>ftruncate(2), unistd.h, with a length of 64 bits on 64-bit systems.</summary>
    [LibraryImport(Library)]
    [SupportedOSPlatform("linux")]
    public static partial int ftruncate(int fd, nint length);

    /// <summary>mmap(2), sys/mman.h. −1 (MAP_FAILED) for a failure.</summary>
    [LibraryImport(Library)]
    [SupportedOSPlatform("linux")]
    public static partial nint mmap(nint address, nint length, int protection, int flags, int fd, nint offset);

    /// <summary>munmap(2), sys/mman.h.</summary>
    [LibraryImport(Library)]
    [SupportedOSPlatform("linux")]
    public static partial int munmap(nint address, nint length);

    /// <summary>madvise(2), sys/mman.h.</summary>
    [LibraryImport(Library)]
    [SupportedOSPlatform("linux")]
    public static partial int madvise(nint address, nint length, int advice);

    /// <summary>sendfile(2), sys/sendfile.h. It has no MSG_NOSIGNAL: SIGPIPE has to be ignored.</summary>
    [LibraryImport(Library)]
    [SupportedOSPlatform("linux")]
    public static partial nint sendfile(int to, int from, long* offset, nint count);

    /// <summary>pipe2(2), unistd.h.</summary>
    /// <param name="ends">As for <see cref="Libc.pipe"/>.</param>
    /// <param name="flags">O_CLOEXEC and O_NONBLOCK.</param>
    [LibraryImport(Library)]
    [SupportedOSPlatform("linux")]
    public static partial int pipe2(int* ends, int flags);

    /// <summary>splice(2), fcntl.h. It has no MSG_NOSIGNAL: SIGPIPE has to be ignored.</summary>
    [LibraryImport(Library)]
    [SupportedOSPlatform("linux")]
    public static partial nint splice(int from, long* fromOffset, int to, long* toOffset, nint count, uint flags);
}
