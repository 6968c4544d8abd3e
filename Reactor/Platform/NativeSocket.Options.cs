using System;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>The options of a socket, and sockets that were opened by another process.</content>
internal static unsafe partial class NativeSocket
{
    /// <summary>SOL_SOCKET. Winsock took this and the options below from 4.4BSD, with their numbers.</summary>
    private static int SocketLevel => OperatingSystem.IsLinux() ? LinuxAbi.SOL_SOCKET : DarwinAbi.SOL_SOCKET;

    private static int AcceptingConnections =>
        OperatingSystem.IsLinux() ? LinuxAbi.SO_ACCEPTCONN : DarwinAbi.SO_ACCEPTCONN;

    /// <summary>From now on <see cref="Close"/> drops what was not sent, and resets the connection.</summary>
    public static Errno ResetOnClose(nint handle)
    {
        // struct linger, sys/socket.h: on, and for no time. Two ints; two shorts on Windows, which the first int holds.
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

    /// <summary>Lets a listener bind while connections of an earlier one are still closing; never beside another listener. Windows
    /// does so by default, and SO_REUSEADDR would allow two listeners there: the port is made exclusive instead.</summary>
    public static Errno AllowAddressReuse(nint handle)
    {
        int option = OperatingSystem.IsWindows() ? WindowsAbi.SO_EXCLUSIVEADDRUSE
            : OperatingSystem.IsLinux() ? LinuxAbi.SO_REUSEADDR : DarwinAbi.SO_REUSEADDR;
        return SetOption(handle, SocketLevel, option, 1);
    }

    /// <summary>Lets several listeners of one user share a port, with the connections spread over them.</summary>
    /// <returns>EOPNOTSUPP on Windows. macOS shares the port and does not spread.</returns>
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

    /// <summary>Keeps IPv4 connections away from an IPv6 listener, or lets them in; the default is the system's.</summary>
    public static Errno SetOnlyIPv6(nint handle, bool isOnly) => SetOption(
        handle,
        CommonAbi.IPPROTO_IPV6,
        OperatingSystem.IsLinux() ? LinuxAbi.IPV6_V6ONLY : DarwinAbi.IPV6_V6ONLY,
        isOnly ? 1 : 0);

    /// <summary>Small packets go at once. For TCP.</summary>
    public static Errno SetNoDelay(nint handle) => SetOption(handle, CommonAbi.IPPROTO_TCP, CommonAbi.TCP_NODELAY, 1);

    /// <summary>
    /// Bounds what the kernel holds of a connection that it has not sent yet. What is sent and not yet acknowledged does not
    /// count, so that a long way is filled all the same. For TCP, on Linux; elsewhere the system decides.
    /// </summary>
    public static Errno SetUnsentLimit(nint handle, int limitBytes) => OperatingSystem.IsLinux()
        ? SetOption(handle, CommonAbi.IPPROTO_TCP, LinuxAbi.TCP_NOTSENT_LOWAT, limitBytes)
        : Errno.None;

    /// <summary>True if it is a socket that listens. For descriptors that were inherited.</summary>
    public static bool IsListening(nint handle) =>
        GetOption(handle, AcceptingConnections, out int listening) == Errno.None && listening != 0;

    /// <summary>Checks that it is an open socket.</summary>
    /// <returns>None if so, else ENOTSOCK or EBADF.</returns>
    public static Errno Verify(nint handle) => GetOption(handle, AcceptingConnections, out _);

    /// <summary>Gives an inherited socket the properties of <see cref="Create"/>'s. From here on we own it.</summary>
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
