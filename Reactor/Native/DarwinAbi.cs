using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Poetry.Net.Native;

/// <summary>
/// The functions that only macOS and FreeBSD have, and their values of common constants. Both systems come from 4.4BSD and
/// agree, unless a name here ends with the name of one. OpenBSD and NetBSD differ in more, and .NET does not run there.
/// </summary>
internal static unsafe partial class DarwinAbi
{
    private const string Library = "libc";

    /// <summary>select(2) without the limit of FD_SETSIZE: the symbol that a C compiler binds with
    /// _DARWIN_UNLIMITED_SELECT.</summary>
    [LibraryImport(Library, EntryPoint = "select$DARWIN_EXTSN"), SupportedOSPlatform("macos")]
    public static partial int select(int count, void* reads, void* writes, void* exceptions, Libc.struct_timeval* timeout);

    /// <summary>
    /// fcntl(2) on arm64, where Apple passes the variadic arguments of a function on the stack, unlike every other system
    /// and unlike x86-64: six unused arguments fill the registers x2 to x7.
    /// </summary>
    [LibraryImport(Library), SupportedOSPlatform("macos")]
    public static partial int fcntl(
        int fd, int command, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, nint argument);

    /// <summary>ioctl(2) on arm64: see <see cref="fcntl"/>.</summary>
    [LibraryImport(Library), SupportedOSPlatform("macos")]
    public static partial int ioctl(
        int fd, nint request, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, void* argument);

    /// <summary>open(2) on arm64: see <see cref="fcntl"/>.</summary>
    [LibraryImport(Library), SupportedOSPlatform("macos")]
    public static partial int open(
        byte* path, int flags, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, nint mode);

    /// <summary>fstat(2), sys/stat.h: on arm64 and on FreeBSD. <see cref="StatLayout"/> has the layout of the buffer.</summary>
    [LibraryImport(Library)]
    public static partial int fstat(int fd, byte* buffer);

    /// <summary>fstat(2) on x86-64 macOS, where the plain symbol has 32-bit inode numbers.</summary>
    [LibraryImport(Library, EntryPoint = "fstat$INODE64"), SupportedOSPlatform("macos")]
    public static partial int fstat_INODE64(int fd, byte* buffer);

    /// <summary>lstat(2), sys/stat.h: see <see cref="fstat"/>.</summary>
    [LibraryImport(Library)]
    public static partial int lstat(byte* path, byte* buffer);

    /// <summary>lstat(2) on x86-64 macOS: see <see cref="fstat_INODE64"/>.</summary>
    [LibraryImport(Library, EntryPoint = "lstat$INODE64"), SupportedOSPlatform("macos")]
    public static partial int lstat_INODE64(byte* path, byte* buffer);

    // sys/socket.h
    public const int AF_INET6_macOS = 30;
    public const int AF_INET6_FreeBSD = 28;
    public const int SOCK_CLOEXEC_FreeBSD = 0x10000000; // macOS has none
    public const int SOCK_NONBLOCK_FreeBSD = 0x20000000; // macOS has none

    // sys/signal.h
    public const int SIGUSR1 = 30;
    public const int SIGUSR2 = 31;

    // sys/socket.h
    public const int SOL_SOCKET = 0xFFFF;
    public const int SO_ACCEPTCONN = 0x0002;
    public const int SO_REUSEADDR = 0x0004;
    public const int SO_LINGER = 0x0080; // macOS counts in ticks here; zero is zero
    public const int SO_REUSEPORT_macOS = 0x0200; // shares the port, but does not spread connections
    public const int SO_REUSEPORT_LB_FreeBSD = 0x00010000; // since FreeBSD 12: what Linux calls SO_REUSEPORT
    public const int SO_ERROR = 0x1007;
    public const int SO_NOSIGPIPE_macOS = 0x1022; // a send to a closed socket gives EPIPE alone
    public const int SO_NOSIGPIPE_FreeBSD = 0x0800;

    // netinet6/in6.h
    public const int IPV6_V6ONLY = 27;

    // fcntl.h
    public const int O_NONBLOCK = 0x0004;
    public const int O_CREAT = 0x0200;
    public const int O_APPEND = 0x0008;
    public const int O_EXCL = 0x0800;
    public const int O_NOCTTY_macOS = 0x00020000;
    public const int O_NOCTTY_FreeBSD = 0x8000;
    public const int O_CLOEXEC_macOS = 0x01000000;
    public const int O_CLOEXEC_FreeBSD = 0x00100000;
    public const int F_DUPFD_CLOEXEC_macOS = 67;
    public const int F_DUPFD_CLOEXEC_FreeBSD = 17;

    // sys/resource.h
    public const int RLIMIT_NOFILE = 8;

    // sys/syslimits.h
    public const ulong OPEN_MAX_macOS = 10240; // the maximum soft limit for setrlimit, whatever the hard limit is

    // sys/ttycom.h
    public const int TIOCGWINSZ = 0x40087468; // _IOR('t', 104, struct winsize)

    /// <summary>
    /// struct sockaddr_un, sys/un.h: length (1), family (1), then 104 bytes of path. All addresses of BSD begin with their
    /// length, where Linux has the low byte of its 16-bit family.
    /// </summary>
    public const int SunPathLength = 104;

    // sys/event.h, kqueue(2)
    public const short EVFILT_READ = -1;
    public const short EVFILT_WRITE = -2;
    public const short EVFILT_SIGNAL = -6; // ident is the signal, data the number of times it came
    public const ushort EV_ADD = 0x0001;
    public const ushort EV_DELETE = 0x0002;
    public const ushort EV_EOF = 0x8000; // this direction has ended; data may be unread; fflags is the socket's error, or 0

    /// <summary>sizeof(struct kevent) since FreeBSD 12, where four 64-bit words <c>ext</c> follow
    /// <see cref="struct_kevent"/>.</summary>
    public const int KeventSize_FreeBSD = 64;

    /// <summary>struct kevent, sys/event.h; kqueue(2): 32 bytes on macOS and in libkqueue, and the beginning of
    /// FreeBSD's.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct struct_kevent
    {
        public nuint ident;
        public short filter;
        public ushort flags;
        public uint fflags;
        public nint data;
        public nuint udata;
    }
}
