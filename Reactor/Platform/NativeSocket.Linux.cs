using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>Calls that only Linux has.</content>
internal static unsafe partial class NativeSocket
{
    /// <summary>Gets the number of bytes that the kernel has accepted and the peer has not acknowledged.</summary>
    /// <returns>The number; 0 if the system can't tell.</returns>
    public static int UnsentBytes(nint handle)
    {
        int bytes = 0;
        return OperatingSystem.IsLinux()
            && NativeDescriptor.Ioctl(handle, LinuxAbi.TIOCOUTQ, &bytes) == Errno.None
            ? bytes
            : 0;
    }

    /// <summary>Sends bytes of a file that can be mapped, without a copy in this process. A socket that the peer has reset
    /// raises SIGPIPE, which the process must ignore.</summary>
    /// <returns>As <see cref="Send(nint, byte*, int, bool, out int)"/>; EOPNOTSUPP on other systems.</returns>
    public static Errno SendFile(nint handle, nint file, long offset, int length, out int sent)
    {
        sent = 0;
        if (!OperatingSystem.IsLinux())
        {
            return Errno.EOPNOTSUPP;
        }

        nint result;
        do
        {
            result = LinuxAbi.sendfile((int)handle, (int)file, &offset, length);
        }
        while (NativeDescriptor.IsInterrupted(result));

        return NativeDescriptor.CheckCount(result, out sent);
    }

    /// <summary>Sends one datagram to a Unix socket, without waiting.</summary>
    public static Errno SendDatagram(in SocketAddress address, ReadOnlySpan<byte> data)
    {
        Errno error = Create(AddressKind.Unix, out nint handle, CommonAbi.SOCK_DGRAM);
        if (error != Errno.None)
        {
            return error;
        }

        error = Connect(handle, address);
        error = error == Errno.None ? Send(handle, data, more: false, out _) : error;
        _ = Close(handle);
        return error;
    }
}
