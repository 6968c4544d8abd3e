using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>Waiting for space, flushing to the disk, and checks for a reader or a writer in another process.</content>
internal static unsafe partial class NativeFile
{
    /// <summary>Waits until a write will not block.</summary>
    /// <param name="handle">A descriptor. On Windows all descriptors block, and this method does not wait.</param>
    /// <param name="timeoutMs">The maximum wait; −1 for no limit, 0 to return at once.</param>
    /// <returns><see cref="Errno.EAGAIN"/> after the timeout. A descriptor with an error counts as writable.</returns>
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
        while (NativeDescriptor.IsInterrupted(count));

        return count == 0 ? Errno.EAGAIN : NativeDescriptor.Check(count);
    }

    /// <summary>Flushes the data of a file to the disk.</summary>
    public static Errno Sync(nint handle) => OperatingSystem.IsWindows()
        ? CheckWindows(WindowsAbi.FlushFileBuffers(handle))
        : NativeDescriptor.Check(Libc.fsync((int)handle));

    /// <summary>Flushes the names in a directory to the disk. Windows does that by itself.</summary>
    public static Errno SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return Errno.None;
        }

        Errno error = OpenForReading(path, out nint handle);
        if (error == Errno.None)
        {
            error = Sync(handle);
            _ = Close(handle);
        }

        return error;
    }

    /// <summary>True if this pipe has no reader any more.</summary>
    public static bool IsReaderGone(nint handle)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        // Errors and hang-ups are reported even if no event is requested.
        var wanted = new Libc.struct_pollfd { fd = (int)handle };
        return Libc.poll(&wanted, 1, 0) > 0;
    }

    /// <summary>True if the file is open for writing, here or in another process.</summary>
    /// <param name="handle">A regular file, open for reading only.</param>
    /// <returns>False if there is no writer, or if that is unknown: only Linux can tell, and only to the file's owner and root.</returns>
    public static bool HasWriter(nint handle)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        // A read lease is granted only if there is no writer. It is held for an instant. If a process opens the file for writing
        // meanwhile, the open waits and sends a signal: SIGURG does nothing, while the default SIGIO would end the process.
        int fd = (int)handle;
        if (Libc.fcntl(fd, LinuxAbi.F_SETSIG, LinuxAbi.SIGURG) != 0)
        {
            return false;
        }

        if (Libc.fcntl(fd, LinuxAbi.F_SETLEASE, LinuxAbi.F_RDLCK) == 0)
        {
            _ = Libc.fcntl(fd, LinuxAbi.F_SETLEASE, LinuxAbi.F_UNLCK);
            return false;
        }

        return LastError.OfLibc() == Errno.EAGAIN;
    }
}
