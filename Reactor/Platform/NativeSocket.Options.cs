using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>Socket options, and sockets that another process has opened.</content>
internal static unsafe partial class NativeSocket
{
    /// <summary>SOL_SOCKET. Winsock took this and the options below from 4.4BSD, with their numbers.</summary>
    private static int SocketLevel => OperatingSystem.IsLinux() ? LinuxAbi.SOL_SOCKET : DarwinAbi.SOL_SOCKET;

    private static int AcceptingConnections =>
        OperatingSystem.IsLinux() ? LinuxAbi.SO_ACCEPTCONN : DarwinAbi.SO_ACCEPTCONN;

    /// <summary>Makes <see cref="Close"/> drop unsent data and reset the connection.</summary>
    public static Errno ResetOnClose(nint handle)
    {
        // struct linger, sys/socket.h: on, for 0 seconds. Two ints; on Windows two shorts, which the first int holds.
        int* linger = stackalloc int[] { 1, 0 };
        int option = OperatingSystem.IsLinux() ? LinuxAbi.SO_LINGER : DarwinAbi.SO_LINGER;
        return SetOption(handle, SocketLevel, option, linger, OperatingSystem.IsWindows() ? sizeof(int) : 2 * sizeof(int));
    }

    /// <summary>Takes the pending error of the socket, such as the result of a connect, and clears it.</summary>
    public static Errno TakeError(nint handle)
    {
        int option = OperatingSystem.IsLinux() ? LinuxAbi.SO_ERROR : DarwinAbi.SO_ERROR;
        Errno error = GetOption(handle, option, out int raw);
        return error == Errno.None ? LastError.FromRaw(raw) : error;
    }

    /// <summary>Lets a listener bind while connections of an earlier listener are closing, but not beside another listener. That
    /// is Windows's default, where SO_REUSEADDR would allow two listeners: there the port is made exclusive instead.</summary>
    public static Errno AllowAddressReuse(nint handle)
    {
        int option = OperatingSystem.IsWindows() ? WindowsAbi.SO_EXCLUSIVEADDRUSE
            : OperatingSystem.IsLinux() ? LinuxAbi.SO_REUSEADDR : DarwinAbi.SO_REUSEADDR;
        return SetOption(handle, SocketLevel, option, 1);
    }

    /// <summary>Lets several listeners of one user share a port, and spreads the connections over them.</summary>
    /// <returns>EOPNOTSUPP on Windows. macOS shares the port, but does not spread the connections.</returns>
    public static Errno SharePort(nint handle)
    {
        if (OperatingSystem.IsWindows())
        {
            return Errno.EOPNOTSUPP;
        }

        int option = OperatingSystem.IsLinux() ? LinuxAbi.SO_REUSEPORT
            : OperatingSystem.IsFreeBSD() ? DarwinAbi.SO_REUSEPORT_LB_FreeBSD : DarwinAbi.SO_REUSEPORT_macOS;
        return SetOption(handle, SocketLevel, option, 1);
    }

    /// <summary>Sets whether an IPv6 listener refuses IPv4 connections. The default depends on the system.</summary>
    public static Errno SetOnlyIPv6(nint handle, bool isOnly) => SetOption(
        handle,
        CommonAbi.IPPROTO_IPV6,
        OperatingSystem.IsLinux() ? LinuxAbi.IPV6_V6ONLY : DarwinAbi.IPV6_V6ONLY,
        isOnly ? 1 : 0);

    /// <summary>Makes a TCP socket send small packets at once.</summary>
    public static Errno SetNoDelay(nint handle) => SetOption(handle, CommonAbi.IPPROTO_TCP, CommonAbi.TCP_NODELAY, 1);

    /// <summary>
    /// Limits the unsent bytes of a TCP connection in the kernel's buffer. Sent but unacknowledged bytes do not count, so a path
    /// with a long round trip is still filled. Linux only; other systems use their own limit.
    /// </summary>
    public static Errno SetUnsentLimit(nint handle, int limitBytes) => OperatingSystem.IsLinux()
        ? SetOption(handle, CommonAbi.IPPROTO_TCP, LinuxAbi.TCP_NOTSENT_LOWAT, limitBytes)
        : Errno.None;

    /// <summary>True if it is a socket that listens. Used for inherited descriptors.</summary>
    public static bool IsListening(nint handle) =>
        GetOption(handle, AcceptingConnections, out int listening) == Errno.None && listening != 0;

    /// <summary>Checks that it is an open socket.</summary>
    /// <returns>None if it is, otherwise ENOTSOCK or EBADF.</returns>
    public static Errno Verify(nint handle) => GetOption(handle, AcceptingConnections, out _);

    /// <summary>Gives an inherited socket the properties that <see cref="Create"/> sets. The caller owns it from now on.</summary>
    /// <returns>ENOTSOCK or EBADF if it is not a socket.</returns>
    public static Errno Adopt(nint handle)
    {
        Errno error = Verify(handle);
        if (error != Errno.None)
        {
            return error;
        }

        if (OperatingSystem.IsWindows())
        {
            return MakeNonBlockingOnWindows(ref handle);
        }

        error = MakeNonBlockingOnUnix(handle);
        return error == Errno.None ? PrepareOnBsd(ref handle) : error;
    }

    private static Errno SetOption(nint handle, int level, int option, int value) =>
        SetOption(handle, level, option, &value, sizeof(int));

    private static Errno SetOption(nint handle, int level, int option, void* value, int length) =>
        OperatingSystem.IsWindows()
            ? CheckWindows(WindowsAbi.setsockopt(handle, level, option, value, length))
            : NativeDescriptor.Check(Libc.setsockopt((int)handle, level, option, value, length));

    private static Errno GetOption(nint handle, int option, out int value)
    {
        int result = 0;
        int length = sizeof(int);
        Errno error = OperatingSystem.IsWindows()
            ? CheckWindows(WindowsAbi.getsockopt(handle, SocketLevel, option, &result, &length))
            : NativeDescriptor.Check(Libc.getsockopt((int)handle, SocketLevel, option, &result, &length));
        value = result;
        return error;
    }
}
