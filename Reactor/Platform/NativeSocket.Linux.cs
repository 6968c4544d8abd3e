using System;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>What only Linux is asked.</content>
internal static unsafe partial class NativeSocket
{
    /// <summary>Bytes that were handed to the kernel and that the peer has not acknowledged.</summary>
    /// <returns>0 where the system can't tell.</returns>
    public static int UnsentBytes(nint handle)
    {
        int bytes = 0;
        return OperatingSystem.IsLinux()
            && NativeDescriptor.Ioctl(handle, LinuxAbi.TIOCOUTQ, &bytes) == Errno.None
            ? bytes
            : 0;
    }

    /// <summary>Sends from a file, without the bytes passing through this process.</summary>
    /// <param name="handle">The socket. A write to one that the peer has reset raises SIGPIPE, which has to be ignored.</param>
    /// <param name="file">A file that can be mapped.</param>
    /// <param name="offset">Where in it to begin.</param>
    /// <param name="length">In bytes.</param>
    /// <param name="sent">How many bytes the kernel took.</param>
    /// <returns>As <see cref="Send(nint, byte*, int, bool, out int)"/>; EOPNOTSUPP elsewhere.</returns>
    public static Errno SendFile(nint handle, nint file, long offset, int length, out int sent)
    {
        sent = 0;
        if (!OperatingSystem.IsLinux())
        {
            return Errno.EOPNOTSUPP;
        }

        nint result = LinuxAbi.sendfile((int)handle, (int)file, &offset, length);
        return NativeDescriptor.IsInterrupted(result)
            ? SendFile(handle, file, offset, length, out sent)
            : NativeDescriptor.CheckCount(result, out sent);
    }

    /// <summary>Sends one datagram to a Unix socket, without waiting.</summary>
    /// <param name="address">A path, or a name of the abstract space with a leading NUL.</param>
    /// <param name="data">The datagram.</param>
    /// <returns>What the kernel said; ENOTSUP elsewhere.</returns>
    public static Errno SendDatagram(in SocketAddress address, ReadOnlySpan<byte> data)
    {
        if (!OperatingSystem.IsLinux())
        {
            return Errno.EOPNOTSUPP;
        }

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
