using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Poetry.Net.Native;

/// <summary>
/// The functions that only Linux has, and its values of common constants. They hold for x86-64, arm64, arm, riscv64,
/// loongarch64 and s390x. MIPS and SPARC have other numbers for sockets and errors, and .NET does not run there.
/// </summary>
internal static unsafe partial class LinuxAbi
{
    private const string Library = "libc";

    // sys/epoll.h
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int epoll_create1(int flags);

    /// <summary>epoll_ctl(2), sys/epoll.h. An event is <see cref="EpollEventPackedSize"/> or <see cref="EpollEventSize"/> long.</summary>
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int epoll_ctl(int epfd, int operation, int fd, byte* epollEvent);

    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int epoll_wait(int epfd, byte* epollEvents, int maxEvents, int timeoutMs);

    // sys/eventfd.h
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int eventfd(uint initial, int flags);

    /// <summary>statx(2), sys/stat.h, glibc 2.28. <see cref="StatLayout"/> has the layout of the buffer.</summary>
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int statx(int directory, byte* path, int flags, uint mask, byte* buffer);

    /// <summary>fstatat(2), sys/stat.h, glibc 2.33: like <see cref="statx"/>, with another layout on each processor.</summary>
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int fstatat(int directory, byte* path, byte* buffer, int flags);

    // sys/signalfd.h
    [LibraryImport(Library), SupportedOSPlatform("linux")]
    public static partial int signalfd(int fd, void* mask, int flags);

    // fcntl.h
    public const int F_SETSIG = 10;
    public const int F_SETLEASE = 1024;
    public const int F_RDLCK = 0;
    public const int F_UNLCK = 2;

    // signal.h
    public const int SIGURG = 23; // ignored unless it is handled

    // sys/epoll.h
    public const int EPOLL_CLOEXEC = O_CLOEXEC;
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;
    public const uint EPOLLIN = 0x001;
    public const uint EPOLLOUT = 0x004;
    public const uint EPOLLERR = 0x008; // always reported
    public const uint EPOLLHUP = 0x010; // always reported

    /// <summary>
    /// struct epoll_event, sys/epoll.h: <c>uint32_t events</c> at 0, then <c>epoll_data_t data</c> of 64 bits. On x86-64 it
    /// is packed (__EPOLL_PACKED, the layout of 32-bit programs): data at 4, 12 bytes in all.
    /// </summary>
    public const int EpollEventPackedSize = 12;

    /// <summary>As <see cref="EpollEventPackedSize"/> on every other processor: data at 8, 16 bytes in all.</summary>
    public const int EpollEventSize = 16;

    /// <summary>The length of <c>data</c>, which ends the struct in both of its forms.</summary>
    public const int EpollDataSize = 8;

    // sys/eventfd.h
    public const int EFD_CLOEXEC = O_CLOEXEC;
    public const int EFD_NONBLOCK = O_NONBLOCK;

    // sys/signalfd.h
    public const int SFD_CLOEXEC = O_CLOEXEC;
    public const int SFD_NONBLOCK = O_NONBLOCK;

    /// <summary>sizeof(struct signalfd_siginfo), sys/signalfd.h. It begins with <c>uint32_t ssi_signo</c>.</summary>
    public const int SignalfdSiginfoSize = 128;

    // asm-generic/signal-defs.h
    public const int SIG_BLOCK = 0;
    public const int SIG_UNBLOCK = 1;

    // asm-generic/signal.h, signal(7)
    public const int SIGUSR1 = 10;
    public const int SIGUSR2 = 12;
    public const int SIGCHLD = 17;

    // bits/socket.h
    public const int AF_INET6 = 10;

    // bits/socket_type.h
    public const int SOCK_CLOEXEC = O_CLOEXEC;
    public const int SOCK_NONBLOCK = O_NONBLOCK;

    // asm-generic/socket.h, socket(7)
    public const int SOL_SOCKET = 1;
    public const int SO_REUSEADDR = 2;
    public const int SO_ERROR = 4;
    public const int SO_LINGER = 13;
    public const int SO_REUSEPORT = 15; // spreads connections over the listeners
    public const int SO_ATTACH_FILTER = 26; // the value is a struct_sock_fprog
    public const int SO_ACCEPTCONN = 30;

    // linux/in6.h, ipv6(7)
    public const int IPV6_V6ONLY = 26;

    // linux/tcp.h, tcp(7)
    public const int TCP_USER_TIMEOUT = 18; // milliseconds
    public const int TCP_NOTSENT_LOWAT = 25; // bytes

    // bits/socket.h, send(2)
    public const int MSG_NOSIGNAL = 0x4000;
    public const int MSG_MORE = 0x8000; // no effect on a Unix socket
    public const int SHUT_RD = 0;

    // asm-generic/fcntl.h, in octal there
    public const int O_CREAT = 0x40; // 0100
    public const int O_APPEND = 0x400; // 02000
    public const int O_EXCL = 0x80; // 0200
    public const int O_NOCTTY = 0x100; // 0400
    public const int O_NONBLOCK = 0x800; // 04000
    public const int O_CLOEXEC = 0x80000; // 02000000

    // asm-generic/resource.h
    public const int RLIMIT_NOFILE = 7;
    public const int RLIMIT_AS = 9;

    // asm-generic/ioctls.h, ioctl_tty(2)
    public const int TIOCGWINSZ = 0x5413;
    public const int TIOCOUTQ = 0x5411; // SIOCOUTQ of tcp(7): bytes of a TCP socket that are not sent, or not acknowledged

    // linux/fcntl.h
    public const int F_DUPFD_CLOEXEC = 1030;
    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_EMPTY_PATH = 0x1000; // the descriptor itself is meant

    // linux/stat.h
    public const uint STATX_BASIC_STATS = 0x7FF;

    /// <summary>struct sockaddr_un, linux/un.h: family (2), then 108 bytes of path.</summary>
    public const int SunPathLength = 108;

    // linux/bpf_common.h: the instructions of a packet filter
    public const ushort BPF_LD = 0x00; // a load
    public const ushort BPF_B = 0x10; // of a byte
    public const ushort BPF_ABS = 0x20; // at offset k
    public const ushort BPF_JMP = 0x05; // a jump
    public const ushort BPF_JSET = 0x40; // by jt instructions if a bit of k is set, else by jf
    public const ushort BPF_RET = 0x06; // the end, with k bytes of the packet taken

    // netinet/tcp.h
    public const uint TH_SYN = 0x02;

    /// <summary>struct sock_filter, linux/filter.h.</summary>
    public struct struct_sock_filter
    {
        public ushort code;
        public byte jt;
        public byte jf;
        public uint k;
    }

    /// <summary>struct sock_fprog, linux/filter.h.</summary>
    public struct struct_sock_fprog
    {
        public ushort len;
        public struct_sock_filter* filter;
    }
}
