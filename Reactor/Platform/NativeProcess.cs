using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// The set-up of a process before it opens a file or socket, once, at the start of Main; also sleeps and descriptor counts.
/// </summary>
internal static unsafe class NativeProcess
{
    /// <summary>
    /// Opens /dev/null at each of the descriptors 0, 1 and 2 that is closed. Otherwise the first sockets would get these numbers,
    /// and output would go to a client (seen, with 0 and 1 closed).
    /// </summary>
    public static Errno EnsureStandardDescriptors()
    {
        if (OperatingSystem.IsWindows())
        {
            return Errno.None;
        }

        fixed (byte* path = "/dev/null\0"u8)
        {
            for (nint handle = 0; handle <= 2; handle++)
            {
                if (NativeDescriptor.IsOpen(handle))
                {
                    continue;
                }

                // No close-on-exec: children inherit standard descriptors. open(2) takes the lowest free number, which is
                // this one, since the lower ones are open. Output is opened for reading only, so that a write still fails
                // with EBADF instead of losing data silently.
                Errno error = NativeDescriptor.Open(path, handle == 0 ? Libc.O_RDWR : Libc.O_RDONLY, 0, out nint opened);
                if (error != Errno.None || opened != handle)
                {
                    return error == Errno.None ? Errno.EBADF : error;
                }
            }
        }

        return Errno.None;
    }

    /// <summary>Sleeps; a signal may end it early. Does nothing on Windows, where a sleep takes at least a millisecond.</summary>
    public static void SleepMicroseconds(int microseconds)
    {
        if (!OperatingSystem.IsWindows())
        {
            var length = new Libc.struct_timespec { tv_nsec = microseconds * 1000 };
            _ = Libc.nanosleep(&length, null);
        }
    }

    /// <summary>
    /// Makes a write to a file at its size limit (ulimit -f) fail with EFBIG, instead of ending the process: a full log loses
    /// records, and the server goes on.
    /// </summary>
    public static Errno IgnoreSigXfsz() => OperatingSystem.IsWindows() ? Errno.None : NativeSignals.Ignore(Libc.SIGXFSZ);

    /// <summary>
    /// Ignores SIGCHLD if this is process 1 of a container, which becomes the parent of orphans: the kernel then removes them
    /// when they end. This program starts no children itself.
    /// </summary>
    public static void ReapOrphans()
    {
        if (OperatingSystem.IsLinux() && Environment.ProcessId == 1)
        {
            _ = NativeSignals.Ignore(LinuxAbi.SIGCHLD);

            // Removes children that ended before.
            while (Libc.waitpid(-1, null, Libc.WNOHANG) > 0)
            {
            }
        }
    }

    /// <summary>Counts the open descriptors exactly, even with gaps.</summary>
    /// <returns>Null if the system can't tell, or if descriptors have run out: counting takes one.</returns>
    public static int? OpenDescriptors()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        fixed (byte* path = "/proc/self/fd\0"u8)
        {
            void* directory = Libc.opendir(path);
            if (directory is null)
            {
                return null;
            }

            // The directory also lists ".", "..", and the descriptor that reads it.
            int count = -3;
            while (Libc.readdir(directory) is not null)
            {
                count++;
            }

            _ = Libc.closedir(directory);
            return count;
        }
    }

    /// <summary>Raises the limit of open files as far as the system allows.</summary>
    /// <returns>The new limit; <see cref="long.MaxValue"/> for none, as on Windows.</returns>
    public static long RaiseOpenFileLimit()
    {
        if (OperatingSystem.IsWindows())
        {
            return long.MaxValue;
        }

        int resource = OperatingSystem.IsLinux() ? LinuxAbi.RLIMIT_NOFILE : DarwinAbi.RLIMIT_NOFILE;
        Libc.struct_rlimit limit;
        if (Libc.getrlimit(resource, &limit) != 0)
        {
            return 256; // unknown: POSIX promises 20, and every system gives 256
        }

        Libc.struct_rlimit raised = limit;
        raised.rlim_cur = OperatingSystem.IsMacOS() ? Math.Min(limit.rlim_max, DarwinAbi.OPEN_MAX_macOS) : limit.rlim_max;
        if (raised.rlim_cur > limit.rlim_cur && Libc.setrlimit(resource, &raised) == 0)
        {
            limit = raised;
        }

        return (long)Math.Min(limit.rlim_cur, long.MaxValue);
    }

    /// <summary>Counts the open descriptors. The search ends at a long gap.</summary>
    /// <returns>0 on Windows, where it is not needed.</returns>
    public static int CountDescriptors(long limit)
    {
        const int LongGap = 64;
        int count = 0;
        for (int handle = 0, gap = 0; !OperatingSystem.IsWindows() && handle < limit && gap < LongGap; handle++)
        {
            bool isOpen = NativeDescriptor.IsOpen(handle);
            count += isOpen ? 1 : 0;
            gap = isOpen ? 0 : gap + 1;
        }

        return count;
    }
}
