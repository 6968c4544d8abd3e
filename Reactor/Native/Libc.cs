using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Poetry.Net.Native;

/// <summary>
/// The functions of the C library that every Unix has: signatures only. The native compiler binds them at link time
/// (<c>DirectPInvoke</c> in poetry.csproj).
/// </summary>
/// <remarks>
/// Call <c>Marshal.GetLastSystemError()</c> right after a call that failed, and only then: that is 2 ns cheaper than
/// <c>SetLastError</c> if the call fails, and 5.5 ns if it does not. Types: <c>int</c>, <c>size_t</c>, <c>ssize_t</c> and
/// <c>long</c> are <c>int</c>, <c>nint</c>, <c>nint</c> and <c>nint</c> here; <c>socklen_t</c> is 32 bits everywhere. All of
/// this holds for 64-bit systems; .NET's supported ones are.
/// </remarks>
[UnsupportedOSPlatform("windows")]
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    // sys/socket.h
    [LibraryImport(Library)]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Library)]
    public static partial int bind(int fd, byte* address, int length);

    [LibraryImport(Library)]
    public static partial int listen(int fd, int backlog);

    /// <summary>accept(2), sys/socket.h: for systems without <see cref="accept4"/>.</summary>
    [LibraryImport(Library)]
    public static partial int accept(int fd, byte* address, int* length);

    /// <summary>accept4(2), sys/socket.h: Linux and FreeBSD; macOS has none.</summary>
    [LibraryImport(Library)]
    [SupportedOSPlatform("linux")]
    [SupportedOSPlatform("freebsd")]
    public static partial int accept4(int fd, byte* address, int* length, int flags);

    [LibraryImport(Library)]
    public static partial int connect(int fd, byte* address, int length);

    [LibraryImport(Library)]
    public static partial nint send(int fd, byte* data, nint length, int flags);

    [LibraryImport(Library)]
    public static partial nint sendmsg(int fd, struct_msghdr* message, int flags);

    [LibraryImport(Library)]
    public static partial nint recv(int fd, byte* buffer, nint length, int flags);

    [LibraryImport(Library)]
    public static partial int shutdown(int fd, int how);

    [LibraryImport(Library)]
    public static partial int setsockopt(int fd, int level, int option, void* value, int length);

    [LibraryImport(Library)]
    public static partial int getsockopt(int fd, int level, int option, void* value, int* length);

    [LibraryImport(Library)]
    public static partial int getsockname(int fd, byte* address, int* length);

    [LibraryImport(Library)]
    public static partial int getpeername(int fd, byte* address, int* length);

    /// <summary>close(2), unistd.h. Do not repeat it after EINTR: the descriptor is closed, and the number may be in use
    /// again.</summary>
    [LibraryImport(Library)]
    public static partial int close(int fd);

    // unistd.h
    [LibraryImport(Library)]
    public static partial nint read(int fd, byte* buffer, nint length);

    [LibraryImport(Library)]
    public static partial nint write(int fd, byte* data, nint length);

    /// <summary>open(2), fcntl.h: variadic in C; see <see cref="DarwinAbi.open"/>.</summary>
    [LibraryImport(Library)]
    public static partial int open(byte* path, int flags, int mode);

    /// <summary>fcntl(2), fcntl.h: variadic in C; see <see cref="DarwinAbi.fcntl"/>.</summary>
    [LibraryImport(Library)]
    public static partial int fcntl(int fd, int command, nint argument);

    /// <summary>ioctl(2), sys/ioctl.h: variadic in C; see <see cref="DarwinAbi.ioctl"/>.</summary>
    [LibraryImport(Library)]
    public static partial int ioctl(int fd, nint request, void* argument);

    // stdio.h
    [LibraryImport(Library)]
    public static partial int rename(byte* from, byte* to);

    // unistd.h
    [LibraryImport(Library)]
    public static partial int fsync(int fd);

    [LibraryImport(Library)]
    public static partial int link(byte* path, byte* name);

    [LibraryImport(Library)]
    public static partial int unlink(byte* path);

    /// <summary>flock(2), sys/file.h. The lock ends with the last close of the open file.</summary>
    [LibraryImport(Library)]
    public static partial int flock(int fd, int operation);

    // dirent.h
    [LibraryImport(Library)]
    public static partial void* opendir(byte* path);

    [LibraryImport(Library)]
    public static partial void* readdir(void* directory);

    [LibraryImport(Library)]
    public static partial int closedir(void* directory);

    // unistd.h
    [LibraryImport(Library)]
    public static partial int isatty(int fd);

    // sys/resource.h
    [LibraryImport(Library)]
    public static partial int getrlimit(int resource, struct_rlimit* limit);

    [LibraryImport(Library)]
    public static partial int setrlimit(int resource, struct_rlimit* limit);

    // signal.h
    [LibraryImport(Library)]
    public static partial nint signal(int signal, nint disposition);

    // sys/wait.h
    [LibraryImport(Library)]
    public static partial int waitpid(int pid, int* status, int options);

    /// <summary>pthread_sigmask(3), signal.h. Returns the error.</summary>
    [LibraryImport(Library)]
    public static partial int pthread_sigmask(int how, void* set, void* before);

    // signal.h
    [LibraryImport(Library)]
    public static partial int sigaction(int signal, void* action, void* before);

    /// <summary>select(2), sys/select.h. The sets may be longer than FD_SETSIZE: the kernels use <paramref name="count"/>.
    /// On macOS this needs <see cref="DarwinAbi.select"/>.</summary>
    [LibraryImport(Library)]
    public static partial int select(int count, void* reads, void* writes, void* exceptions, struct_timeval* timeout);

    /// <summary>poll(2), poll.h. Its count is an unsigned long on Linux and an unsigned int elsewhere; a small number is passed
    /// in one register either way.</summary>
    [LibraryImport(Library)]
    public static partial int poll(struct_pollfd* descriptors, nuint count, int timeoutMs);

    /// <summary>nanosleep(2), time.h. Ends early with EINTR after a signal.</summary>
    [LibraryImport(Library)]
    public static partial int nanosleep(struct_timespec* length, struct_timespec* left);

    // poll.h: the same on all Unixes
    public const short POLLIN = 1;
    public const short POLLOUT = 4;

    // fcntl.h: the same on all Unixes
    public const int F_GETFD = 1;
    public const int F_SETFD = 2;
    public const int F_GETFL = 3;
    public const int F_SETFL = 4;
    public const int FD_CLOEXEC = 1;
    public const int O_RDONLY = 0;
    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_ACCMODE = 3;

    // sys/file.h: the same on all Unixes
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;

    // sys/wait.h: the same on all Unixes
    public const int WNOHANG = 1;

    // signal.h: the same on all Unixes
    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGTERM = 15;
    public const int SIGXFSZ = 25; // not on MIPS
    public const nint SIG_IGN = 1;
    public const nint SIG_ERR = -1;

    // sys/stat.h: the same on all Unixes
    public const int S_IFMT = 0xF000; // the bits of st_mode that hold the kind of a file
    public const int S_IFIFO = 0x1000;
    public const int S_IFCHR = 0x2000;
    public const int S_IFDIR = 0x4000;
    public const int S_IFREG = 0x8000;
    public const int S_IFLNK = 0xA000;
    public const int S_IFSOCK = 0xC000;

    /// <summary>struct rlimit, sys/resource.h. rlim_t is 64 bits: unsigned on Linux, signed on BSD. Infinity is the largest
    /// value of each, so an unsigned comparison works for both.</summary>
    public struct struct_rlimit
    {
        public ulong rlim_cur;
        public ulong rlim_max;
    }

    /// <summary>struct timeval, sys/time.h. tv_usec is 64 bits on Linux and FreeBSD; on macOS it is 32 bits and padding, which
    /// is the same on a little-endian machine.</summary>
    public struct struct_timeval
    {
        public long tv_sec;
        public long tv_usec;
    }

    /// <summary>struct timespec, time.h: two longs.</summary>
    public struct struct_timespec
    {
        public nint tv_sec;
        public nint tv_nsec;
    }

    /// <summary>struct msghdr, sys/socket.h; sendmsg(2). Lengths are size_t on Linux; int and socklen_t on BSD. On a
    /// little-endian machine that is the same while msg_control and msg_flags are zero.</summary>
    public struct struct_msghdr
    {
        public void* msg_name;
        public uint msg_namelen;
        public void* msg_iov;
        public nint msg_iovlen;
        public void* msg_control;
        public nint msg_controllen;
        public int msg_flags;
    }

    /// <summary>struct pollfd, poll.h: 8 bytes everywhere.</summary>
    public struct struct_pollfd
    {
        public int fd;
        public short events;
        public short revents;
    }

    /// <summary>struct winsize, sys/ioctl.h.</summary>
    public struct struct_winsize
    {
        public ushort ws_row;
        public ushort ws_col;
        public ushort ws_xpixel;
        public ushort ws_ypixel;
    }
}
