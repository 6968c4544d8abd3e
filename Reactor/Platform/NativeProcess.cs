using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// What a process arranges with its system before it opens anything. To be called once, first thing in Main, on the only
/// thread there is.
/// </summary>
internal static unsafe partial class NativeProcess
{
    /// <summary>
    /// Gives the descriptors 0, 1 and 2 to /dev/null where they were closed when we were started. Else the first sockets
    /// would get these numbers, and what is printed would go to a client (seen, with 0 and 1 closed).
    /// </summary>
    public static Errno EnsureStandardDescriptors() =>
        OperatingSystem.IsWindows() ? Errno.None : EnsureStandardDescriptorsOnUnix();

    /// <summary>Has the calling thread do nothing for a moment, or less if there is a signal. Not on Windows, where a moment
    /// is a millisecond at least.</summary>
    public static void Doze(int microseconds)
    {
        if (!OperatingSystem.IsWindows())
        {
            var length = new Libc.struct_timespec { tv_nsec = microseconds * 1000 };
            _ = Libc.nanosleep(&length, null);
        }
    }

    /// <summary>
    /// The arguments of the process with nothing lost. The runtime reads them as UTF-8, and puts U+FFFD for each byte that is
    /// none: the name of an old file would not find it any more. On Linux they are read again where that has happened.
    /// </summary>
    /// <param name="args">As the runtime has them.</param>
    /// <returns>Text for <see cref="PathText"/>.</returns>
    public static IReadOnlyList<string> WholeArguments(IReadOnlyList<string> args)
    {
        bool isLossy = false;
        for (int i = 0; i < args.Count; i++)
        {
            isLossy |= args[i].Contains('\uFFFD');
        }

        if (!isLossy || !OperatingSystem.IsLinux())
        {
            return args;
        }

        try
        {
            ReadOnlySpan<byte> all = File.ReadAllBytes("/proc/self/cmdline");
            string[] whole = new string[args.Count];
            for (int i = whole.Length - 1; i >= 0; i--)
            {
                if (all.IsEmpty)
                {
                    return args;
                }

                // Each ends with a zero; the name of the program comes before the first.
                all = all[..^1];
                int start = all.LastIndexOf((byte)0) + 1;
                whole[i] = PathText.Decode(all[start..]);
                all = all[..start];
            }

            return whole;
        }
        catch (IOException)
        {
            return args;
        }
    }

    /// <summary>Makes a write to a closed pipe fail with EPIPE, instead of ending the process.</summary>
    public static Errno IgnoreSigPipe() => OperatingSystem.IsWindows() ? Errno.None : Ignore(Libc.SIGPIPE);

    /// <summary>
    /// Makes a write to a file fail with EFBIG that may not grow any more (ulimit -f), instead of ending the process: a log
    /// that is full costs records, not the server.
    /// </summary>
    public static Errno IgnoreSigXfsz() => OperatingSystem.IsWindows() ? Errno.None : Ignore(Libc.SIGXFSZ);

    /// <summary>Raises the limit of open files as far as the system lets us.</summary>
    /// <returns>How many descriptors this process may have open from now on; <see cref="long.MaxValue"/> if there is no
    /// limit, as on Windows.</returns>
    public static long RaiseOpenFileLimit() => OperatingSystem.IsWindows() ? long.MaxValue : RaiseOpenFileLimitOnUnix();

    /// <summary>How many descriptors are open, as far as they lie together: none is looked for behind a long gap.</summary>
    /// <param name="limit">Of <see cref="RaiseOpenFileLimit"/>.</param>
    /// <returns>On Windows, where nothing depends on it, 0.</returns>
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

    [UnsupportedOSPlatform("windows")]
    private static Errno Ignore(int signal) =>
        Libc.signal(signal, Libc.SIG_IGN) == Libc.SIG_ERR ? LastError.OfLibc() : Errno.None;

    [UnsupportedOSPlatform("windows")]
    private static Errno EnsureStandardDescriptorsOnUnix()
    {
        fixed (byte* path = "/dev/null\0"u8)
        {
            for (nint handle = 0; handle <= 2; handle++)
            {
                if (NativeDescriptor.IsOpen(handle))
                {
                    continue;
                }

                // Without close-on-exec: a standard descriptor is to be inherited. open(2) takes the lowest number that
                // is free, which is this one, for those below it are open. Not for writing, so that who prints still gets
                // EBADF: a poem that went nowhere was not delivered.
                Errno error = NativeDescriptor.Open(path, handle == 0 ? Libc.O_RDWR : Libc.O_RDONLY, 0, out nint opened);
                if (error != Errno.None || opened != handle)
                {
                    return error == Errno.None ? Errno.EBADF : error;
                }
            }
        }

        return Errno.None;
    }

    [UnsupportedOSPlatform("windows")]
    private static long RaiseOpenFileLimitOnUnix()
    {
        int resource = OperatingSystem.IsLinux() ? LinuxAbi.RLIMIT_NOFILE : DarwinAbi.RLIMIT_NOFILE;
        Libc.struct_rlimit limit;
        if (Libc.getrlimit(resource, &limit) != 0)
        {
            return 256; // POSIX promises 20 and every system gives 256: the limit is unknown, so be modest
        }

        Libc.struct_rlimit raised = limit;
        raised.rlim_cur = OperatingSystem.IsMacOS() ? Math.Min(limit.rlim_max, DarwinAbi.OPEN_MAX_macOS) : limit.rlim_max;
        if (raised.rlim_cur > limit.rlim_cur && Libc.setrlimit(resource, &raised) == 0)
        {
            limit = raised;
        }

        return (long)Math.Min(limit.rlim_cur, long.MaxValue);
    }
}
