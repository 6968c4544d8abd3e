using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>Operations that are one call on some systems, and several on others.</content>
internal static unsafe partial class NativeSocket
{
    /// <summary>The flags of a send. BSD needs none: it has SO_NOSIGPIPE.</summary>
    private static int SendFlags(bool more) => !OperatingSystem.IsLinux() ? 0
        : more ? LinuxAbi.MSG_NOSIGNAL | LinuxAbi.MSG_MORE : LinuxAbi.MSG_NOSIGNAL;

    [UnsupportedOSPlatform("windows")]
    private static int AcceptOnUnix(int listener, byte* sockaddr, int* length)
    {
        if (OperatingSystem.IsLinux())
        {
            return AcceptOnLinux(listener, sockaddr, length);
        }

        return OperatingSystem.IsFreeBSD()
            ? Libc.accept4(
                listener, sockaddr, length, DarwinAbi.SOCK_NONBLOCK_FreeBSD | DarwinAbi.SOCK_CLOEXEC_FreeBSD)
            : Libc.accept(listener, sockaddr, length);
    }

    /// <summary>Uses accept4; accept if a container's filter forbids accept4.</summary>
    [SupportedOSPlatform("linux")]
    private static int AcceptOnLinux(int listener, byte* sockaddr, int* length)
    {
        int handle = Libc.accept4(listener, sockaddr, length, LinuxAbi.SOCK_NONBLOCK | LinuxAbi.SOCK_CLOEXEC);
        if (handle < 0 && LastError.OfLibc().IsMissingCall())
        {
            handle = Libc.accept(listener, sockaddr, length);
            if (handle >= 0)
            {
                _ = MakeNonBlockingOnUnix(handle);
            }
        }

        return handle;
    }

    /// <summary>Sets the properties of a new socket for which Linux has flags. After a failure, closes the socket.</summary>
    [UnsupportedOSPlatform("windows")]
    private static Errno PrepareOnBsd(ref nint handle)
    {
        if (OperatingSystem.IsLinux())
        {
            return Errno.None;
        }

        int noSigPipe = DarwinAbi.SO_NOSIGPIPE_FreeBSD;
        Errno error = Errno.None;
        if (!OperatingSystem.IsFreeBSD())
        {
            noSigPipe = DarwinAbi.SO_NOSIGPIPE_macOS;
            error = MakeNonBlockingOnUnix(handle);
        }

        // macOS returns EINVAL for an accepted connection that has ended already: the next read reports the end.
        Errno option = error == Errno.None ? SetOption(handle, DarwinAbi.SOL_SOCKET, noSigPipe, 1) : error;
        if (option is Errno.None or Errno.EINVAL)
        {
            return Errno.None;
        }

        _ = NativeDescriptor.Close(handle);
        handle = Invalid;
        return option;
    }

    [UnsupportedOSPlatform("windows")]
    private static Errno MakeNonBlockingOnUnix(nint handle)
    {
        Errno error = NativeDescriptor.SetNonBlocking(handle);
        return error == Errno.None ? NativeDescriptor.SetCloseOnExec(handle) : error;
    }

    [SupportedOSPlatform("windows")]
    private static Errno CreateOnWindows(int family, int type, out nint handle)
    {
        // Winsock counts its users, so every caller may call WSAStartup: this class needs no state and no lock.
        handle = Invalid;
        byte* data = stackalloc byte[WindowsAbi.WsaDataSize];
        int startup = WindowsAbi.WSAStartup(0x0202, data);
        if (startup != 0)
        {
            return ErrnoTables.OfWindows(startup);
        }

        const uint Flags = WindowsAbi.WSA_FLAG_OVERLAPPED | WindowsAbi.WSA_FLAG_NO_HANDLE_INHERIT;
        handle = WindowsAbi.WSASocketW(family, type, 0, null, 0, Flags);
        return handle == Invalid ? LastError.OfWindows() : MakeNonBlockingOnWindows(ref handle);
    }

    [SupportedOSPlatform("windows")]
    private static Errno MakeNonBlockingOnWindows(ref nint handle)
    {
        uint on = 1;
        Errno error = CheckWindows(WindowsAbi.ioctlsocket(handle, WindowsAbi.FIONBIO, &on));
        if (error != Errno.None)
        {
            _ = WindowsAbi.closesocket(handle);
            handle = Invalid;
        }

        return error;
    }

    [SupportedOSPlatform("windows")]
    private static Errno SendGatheredOnWindows(nint handle, IoVector* pieces, int count, out int sent)
    {
        WindowsAbi.WSABUF* buffers = stackalloc WindowsAbi.WSABUF[count];
        for (int i = 0; i < count; i++)
        {
            buffers[i] = new WindowsAbi.WSABUF { len = (uint)pieces[i].Length, buf = pieces[i].Data };
        }

        uint bytes = 0;
        Errno error = CheckWindows(WindowsAbi.WSASend(handle, buffers, (uint)count, &bytes, 0, null, null));
        sent = error == Errno.None ? (int)bytes : 0;
        return error;
    }

    [SupportedOSPlatform("windows")]
    private static Errno CheckWindows(int result) => result < 0 ? LastError.OfWindows() : Errno.None;

    [SupportedOSPlatform("windows")]
    private static Errno CheckWindows(int result, out int count)
    {
        count = Math.Max(result, 0);
        return CheckWindows(result);
    }
}
