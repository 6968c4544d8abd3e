using System.Runtime.InteropServices;

namespace Poetry.Net.Native;

/// <content>Waiting for a single descriptor or a moment, outside any loop.</content>
internal static unsafe partial class Libc
{
    /// <summary>POLLIN, poll.h: 1 on Linux, macOS and FreeBSD.</summary>
    public const short POLLIN = 1;

    /// <summary>POLLOUT, poll.h: 4 on Linux, macOS and FreeBSD.</summary>
    public const short POLLOUT = 4;

    /// <summary>poll(2), poll.h. Its count is an unsigned long on Linux and an unsigned int elsewhere; for the 1 that we
    /// pass that is one register either way.</summary>
    [LibraryImport(Library)]
    public static partial int poll(struct_pollfd* descriptors, nuint count, int timeoutMs);

    /// <summary>nanosleep(2), time.h. Ends early with EINTR after a signal.</summary>
    [LibraryImport(Library)]
    public static partial int nanosleep(struct_timespec* length, struct_timespec* left);

    /// <summary>struct pollfd, poll.h: 8 bytes everywhere.</summary>
    public struct struct_pollfd
    {
        public int fd;
        public short events;
        public short revents;
    }
}
