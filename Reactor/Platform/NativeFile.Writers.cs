using System;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>Whether a file is open for writing.</content>
internal static unsafe partial class NativeFile
{
    /// <summary>True if the file is open for writing, here or in another process.</summary>
    /// <param name="handle">A regular file, open for reading only.</param>
    /// <returns>False too if the system does not tell: only Linux does, and only the owner of the file and root may ask.</returns>
    public static bool HasWriter(nint handle)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        // A read lease is granted only if there is no writer. While it is held, for an instant, an open for writing waits, and
        // sends a signal: SIGURG does nothing, where the usual SIGIO would end the process.
        int fd = (int)handle;
        if (LinuxAbi.fcntl(fd, LinuxAbi.F_SETSIG, LinuxAbi.SIGURG) != 0)
        {
            return false;
        }

        if (LinuxAbi.fcntl(fd, LinuxAbi.F_SETLEASE, LinuxAbi.F_RDLCK) == 0)
        {
            _ = LinuxAbi.fcntl(fd, LinuxAbi.F_SETLEASE, LinuxAbi.F_UNLCK);
            return false;
        }

        return LastError.OfLibc() == Errno.EAGAIN;
    }
}
