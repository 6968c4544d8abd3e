using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>What the kernel still holds of what it took.</content>
internal static unsafe partial class NativeSocket
{
    /// <summary>Bytes that were handed to the kernel and that the peer has not acknowledged.</summary>
    /// <returns>0 where the system can't tell.</returns>
    public static long UnsentBytes(nint handle)
    {
        int bytes = 0;
        return System.OperatingSystem.IsLinux()
            && NativeDescriptor.Ioctl(handle, LinuxAbi.SIOCOUTQ, &bytes) == Errno.None
            ? bytes
            : 0;
    }
}
