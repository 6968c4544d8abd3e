using System;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// A pipe of the kernel through which bytes go from one socket to another without a copy: splice(2), on Linux. Its owner
/// closes it.
/// </summary>
internal sealed unsafe class SplicePipe(int reader, int writer)
{
    /// <summary>
    /// Its size, and the largest that the kernel gives without privileges. 16 clients of 10 MB in C, processor time against a
    /// server that sends the poem itself: 1.2 to 1.3 with this size, 3.0 with 256 KiB, 4.2 with 64 KiB; copying costs 3.1 to 4.1.
    /// </summary>
    public const int Capacity = 1024 * 1024;

    /// <summary>Bytes in the pipe.</summary>
    public int Length { get; private set; }

    /// <summary>Makes an empty one.</summary>
    /// <returns>Null where there is none of this size, or where more than half of the descriptors are in use.</returns>
    public static SplicePipe? TryCreate()
    {
        int* ends = stackalloc int[2];
        if (!OperatingSystem.IsLinux() || LinuxAbi.pipe2(ends, LinuxAbi.O_NONBLOCK | LinuxAbi.O_CLOEXEC) != 0)
        {
            return null;
        }

        // The system gives the lowest free number. An unprivileged user may have 64 pipes of this size.
        var pipe = new SplicePipe(ends[0], ends[1]);
        Libc.struct_rlimit limit;
        if (Libc.getrlimit(LinuxAbi.RLIMIT_NOFILE, &limit) == 0 && (ulong)ends[1] < limit.rlim_cur / 2
            && Libc.fcntl(ends[1], LinuxAbi.F_SETPIPE_SZ, Capacity) >= Capacity)
        {
            return pipe;
        }

        pipe.Close();
        return null;
    }

    /// <summary>Takes bytes from a socket. The pipe has to be empty: a full one returns EAGAIN as a socket without input does.</summary>
    /// <returns>None with 0 bytes for the end of input.</returns>
    public Errno Fill(nint socket, long max, out int count)
    {
        Errno error = Move((int)socket, writer, (nint)Math.Min(max, Capacity), out count);
        Length += count;
        return error;
    }

    /// <summary>Sends what is in the pipe. A socket that the peer has reset raises SIGPIPE, which has to be ignored.</summary>
    public Errno Drain(nint socket, out int count)
    {
        Errno error = Move(reader, (int)socket, Length, out count);
        Length -= count;
        return error;
    }

    /// <summary>Closes it. What is in it is lost.</summary>
    public void Close()
    {
        _ = NativeSocket.Close(reader);
        _ = NativeSocket.Close(writer);
    }

    private static Errno Move(int from, int to, nint max, out int count)
    {
        count = 0;
        if (!OperatingSystem.IsLinux())
        {
            return Errno.EOPNOTSUPP;
        }

        nint result = LinuxAbi.splice(from, null, to, null, max, LinuxAbi.SPLICE_F_NONBLOCK);
        return NativeDescriptor.IsInterrupted(result) ? Move(from, to, max, out count) : NativeDescriptor.CheckCount(result, out count);
    }
}
