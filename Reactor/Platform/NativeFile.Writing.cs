using System;
using System.Globalization;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>Writing to existing files, devices and terminals.</content>
internal static unsafe partial class NativeFile
{
    /// <summary>Opens an existing device, FIFO or file for writing. Never waits.</summary>
    /// <param name="path">Any path.</param>
    /// <param name="handle">Owned by the caller; −1 after a failure.</param>
    /// <returns>ENXIO for a FIFO without a reader.</returns>
    public static Errno OpenForWriting(string path, out nint handle)
    {
        if (OperatingSystem.IsWindows())
        {
            const uint Flags = WindowsAbi.FILE_ATTRIBUTE_NORMAL;
            return OpenOnWindows(path, WindowsAbi.GENERIC_WRITE, WindowsAbi.OPEN_EXISTING, Flags, out handle);
        }

        int flags = OperatingSystem.IsLinux()
            ? LinuxAbi.O_NONBLOCK | LinuxAbi.O_CLOEXEC | LinuxAbi.O_NOCTTY
            : DarwinAbi.O_NONBLOCK | CloseOnExecOfBsd | NoControllingTerminalOfBsd;
        return OpenOnUnix(path, Libc.O_WRONLY | flags, out handle);
    }

    /// <summary>
    /// Opens the terminal or pipe of a descriptor once more, for writing without blocking. The two do not share flags such as
    /// O_NONBLOCK, as duplicates would. Not for files: the new handle begins at their start.
    /// </summary>
    /// <param name="descriptor">A terminal, another character device, or a pipe.</param>
    /// <param name="handle">Owned by the caller; −1 after a failure.</param>
    /// <returns>ENOSYS where the system can't do that: on the BSDs /dev/fd only duplicates.</returns>
    public static Errno OpenAgainWithoutBlocking(nint descriptor, out nint handle)
    {
        handle = NativeSocket.Invalid;
        return OperatingSystem.IsLinux()
            ? OpenOnUnix(
                string.Create(CultureInfo.InvariantCulture, $"/dev/fd/{descriptor}"),
                Libc.O_WRONLY | LinuxAbi.O_NONBLOCK | LinuxAbi.O_NOCTTY | LinuxAbi.O_CLOEXEC,
                out handle)
            : Errno.ENOSYS;
    }

    /// <summary>Waits until a write will not block.</summary>
    /// <param name="handle">A descriptor. On Windows all of them block, and this does not wait.</param>
    /// <param name="timeoutMs">−1 waits without limit, 0 does not wait.</param>
    /// <returns><see cref="Errno.EAGAIN"/> after the time-out. A descriptor with an error counts as writable.</returns>
    public static Errno WaitWritable(nint handle, int timeoutMs)
    {
        if (OperatingSystem.IsWindows())
        {
            return Errno.None;
        }

        var wanted = new Libc.struct_pollfd { fd = (int)handle, events = Libc.POLLOUT };
        int count;
        do
        {
            count = Libc.poll(&wanted, 1, timeoutMs);
        }
        while (count < 0 && NativeDescriptor.IsInterrupted());
        return count < 0 ? LastError.OfLibc() : count == 0 ? Errno.EAGAIN : Errno.None;
    }
}
