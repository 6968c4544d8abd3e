using System;
using System.Buffers.Text;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// How much memory may be allocated without risking the OOM killer, for the machine and for our control group. Linux
/// overcommits: too large an allocation succeeds, and a process is killed when the pages are first written to.
/// </summary>
/// <remarks>
/// <para>The collector's own figures can't stand in: <c>GC.GetGCMemoryInfo</c> has the load of the last collection, and in a
/// group of 200 MB did not see 60 MB of native memory until the next one (tried; a server that allocates nothing has none).</para>
/// <para>Crosses threads: may be called from any thread; they share one cached answer, under a lock.</para>
/// </remarks>
internal static class AvailableMemory
{
    /// <summary>Smaller reservations are not checked: the check would cost more than the allocation.</summary>
    private const long MinCheckedBytes = 1024 * 1024;

    /// <summary>More than the files that are read here have before the fields that are looked for.</summary>
    private const int MaxFileBytes = 8 * 1024;

    private static readonly object Gate = new();
    private static readonly MemoryGrants Grants = new(UnfilledBytes);
    private static volatile ControlGroups? _groups;

    /// <summary>
    /// True if so much memory may be filled now. Linux gives a page when it is first written to, so this is asked right before
    /// that, not when a buffer is made.
    /// </summary>
    /// <param name="bytes">What is written next.</param>
    public static bool CanFill(long bytes)
    {
        lock (Gate)
        {
            return Grants.TryTake(bytes, Environment.TickCount64);
        }
    }

    /// <summary>As <see cref="CanFill"/>.</summary>
    /// <param name="bytes">What is written next.</param>
    /// <exception cref="InsufficientMemoryException">It may not.</exception>
    public static void Fill(long bytes)
    {
        if (!CanFill(bytes))
        {
            throw new InsufficientMemoryException();
        }
    }

    /// <summary>
    /// Asks whether <c>ulimit -v</c> allows so much more address space, and leaves an eighth of it for the runtime. It counts
    /// memory that was never written to.
    /// </summary>
    /// <param name="growth">In bytes.</param>
    /// <exception cref="InsufficientMemoryException">It does not.</exception>
    public static void Reserve(long growth)
    {
        if (growth > MinCheckedBytes && OperatingSystem.IsLinux() && AddressSpace() is var left && growth >= left - (left / 8))
        {
            throw new InsufficientMemoryException();
        }
    }

    /// <summary>What may be allocated.</summary>
    /// <returns>In bytes; <see cref="long.MaxValue"/> if unknown.</returns>
    public static long Bytes()
    {
        long unfilled = UnfilledBytes();
        return OperatingSystem.IsLinux() ? Math.Min(unfilled, AddressSpace()) : unfilled;
    }

    /// <summary>What the control groups of this process leave; <see cref="long.MaxValue"/> for no limit.</summary>
    public static long GroupBytes()
    {
        ReadOnlySpan<byte> membership = Read("/proc/self/cgroup", stackalloc byte[MaxFileBytes]);
        ControlGroups? groups = _groups;
        if (groups is null || !groups.AreOf(membership))
        {
            groups = new ControlGroups(membership, "/sys/fs/cgroup");
            _groups = groups;
        }

        return groups.FreeBytes();
    }

    /// <summary>What may be filled: the limits of the machine and of the control groups.</summary>
    /// <returns>In bytes; <see cref="long.MaxValue"/> if unknown.</returns>
    private static long UnfilledBytes()
    {
        if (!OperatingSystem.IsLinux())
        {
            long total = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            return total > 0 ? total : long.MaxValue;
        }

        long machine = Field("/proc/meminfo", "MemAvailable:"u8, out long kibibytes) ? kibibytes * 1024 : long.MaxValue;
        return Math.Min(machine, GroupBytes());
    }

    /// <summary>What <c>ulimit -v</c> leaves.</summary>
    [SupportedOSPlatform("linux")]
    private static unsafe long AddressSpace()
    {
        Libc.struct_rlimit limit;
        return Libc.getrlimit(LinuxAbi.RLIMIT_AS, &limit) == 0
            && limit.rlim_cur < long.MaxValue
            && Field("/proc/self/status", "VmSize:"u8, out long kibibytes)
                ? Math.Max(0, (long)limit.rlim_cur - (kibibytes * 1024))
                : long.MaxValue;
    }

    /// <summary>Reads the number that follows a name at the start of a line; without a name, the first line is the number.</summary>
    internal static bool Field(string path, ReadOnlySpan<byte> name, out long value)
    {
        ReadOnlySpan<byte> text = Read(path, stackalloc byte[MaxFileBytes]);
        foreach (Range line in text.Split((byte)'\n'))
        {
            if (text[line].StartsWith(name))
            {
                ReadOnlySpan<byte> number = text[line][name.Length..].Trim(" \tkB"u8);
                return Utf8Parser.TryParse(number, out value, out int length) && length == number.Length;
            }
        }

        value = 0;
        return false;
    }

    /// <summary>Reads the start of a file; nothing if it can't be read.</summary>
    private static ReadOnlySpan<byte> Read(string path, Span<byte> buffer)
    {
        int length = 0;
        if (NativeFile.OpenForReading(path, out nint file) == Errno.None)
        {
            while (length < buffer.Length && NativeFile.Read(file, buffer[length..], out int read) == Errno.None && read > 0)
            {
                length += read;
            }

            _ = NativeFile.Close(file);
        }

        return buffer[..length];
    }
}
