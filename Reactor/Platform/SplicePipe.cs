using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// A kernel pipe through which bytes go from one socket to another without a copy: splice(2), on Linux. Its owner closes it.
/// </summary>
internal sealed unsafe class SplicePipe(int reader, int writer)
{
    /// <summary>
    /// The size of the pipe, which is the maximum without privileges. Measured in C with 16 clients of 10 MB, as processor time
    /// relative to a server that sends the poem itself: 1.2 to 1.3 with this size, 3.0 with 256 KiB, 4.2 with 64 KiB; copying
    /// costs 3.1 to 4.1.
    /// </summary>
    public const int Capacity = 1024 * 1024;

    /// <summary>The number of bytes in the pipe.</summary>
    public int Length { get; private set; }

    /// <summary>Makes an empty pipe.</summary>
    /// <returns>Null if the system gives no pipe of this size, or if more than half of the descriptors are in use.</returns>
    public static SplicePipe? TryCreate()
    {
        int* ends = stackalloc int[2];
        if (!OperatingSystem.IsLinux() || LinuxAbi.pipe2(ends, LinuxAbi.O_NONBLOCK | LinuxAbi.O_CLOEXEC) != 0)
        {
            return null;
        }

        // The kernel assigns the lowest free number. An unprivileged user may have 64 pipes of this size.
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

    /// <summary>Moves bytes from a socket to the pipe. The pipe must be empty: a full pipe returns EAGAIN, like a socket without
    /// input.</summary>
    /// <returns>None with 0 bytes at the end of input.</returns>
    public Errno Fill(nint socket, long max, out int count)
    {
        Errno error = Move((int)socket, writer, (nint)Math.Min(max, Capacity), out count);
        Length += count;
        return error;
    }

    /// <summary>Sends the bytes in the pipe. A socket that the peer has reset raises SIGPIPE, which the process must ignore.</summary>
    public Errno Drain(nint socket, out int count)
    {
        Errno error = Move(reader, (int)socket, Length, out count);
        Length -= count;
        return error;
    }

    /// <summary>Closes the pipe. Bytes in the pipe are lost.</summary>
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

        nint result;
        do
        {
            result = LinuxAbi.splice(from, null, to, null, max, LinuxAbi.SPLICE_F_NONBLOCK);
        }
        while (NativeDescriptor.IsInterrupted(result));

        return NativeDescriptor.CheckCount(result, out count);
    }
}
