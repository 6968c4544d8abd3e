using System;
using System.Globalization;
using System.IO;
using System.Runtime.Versioning;
using System.Text;
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
    /// <summary>Smaller allocations are not checked: the check would cost more than the allocation.</summary>
    private const long MinCheckedBytes = 1024 * 1024;

    /// <summary>
    /// An answer is valid for so long, and for a quarter of what was available: other processes allocate too. Measured with 64
    /// blocks of 10 MB that grow at once: 0.98 of the rate of a receiver in C; 0.91 when each growth asked the system.
    /// </summary>
    private const long AnswerValidMs = 1000;

    private static readonly object Gate = new();
    private static long _askedMs = -AnswerValidMs - 1;
    private static long _granted;

    /// <summary>
    /// True if so much more can be allocated. An eighth of what is available is left for other processes and for the kernel,
    /// whose memory for sockets counts for the group as well.
    /// </summary>
    /// <param name="growth">In bytes.</param>
    public static bool HasRoomFor(long growth)
    {
        if (growth <= MinCheckedBytes)
        {
            return true;
        }

        lock (Gate)
        {
            long now = Environment.TickCount64;
            if (now - _askedMs > AnswerValidMs || growth > _granted)
            {
                long available = Bytes();
                if (growth >= available - (available / 8))
                {
                    return false;
                }

                _askedMs = now;
                _granted = Math.Max(growth, available / 4);
            }

            _granted -= growth;
            return true;
        }
    }

    /// <summary>What may be allocated.</summary>
    /// <returns>In bytes; <see cref="long.MaxValue"/> if unknown.</returns>
    public static long Bytes()
    {
        if (!OperatingSystem.IsLinux())
        {
            long total = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            return total > 0 ? total : long.MaxValue;
        }

        long machine = Field("/proc/meminfo", "MemAvailable:", out long kibibytes) ? kibibytes * 1024 : long.MaxValue;
        return Math.Min(Math.Min(machine, AddressSpace()), GroupBytes());
    }

    /// <summary>What the control groups of this process leave; <see cref="long.MaxValue"/> for no limit.</summary>
    public static long GroupBytes() => InGroups("/proc/self/cgroup", "/sys/fs/cgroup");

    /// <summary>
    /// What the control groups of a process leave: cgroups(7), of both versions, a group and all above it. The page cache of
    /// a group counts as free, since the kernel reclaims it first.
    /// </summary>
    /// <param name="membership">A file as <c>/proc/self/cgroup</c>: in each line hierarchy, controllers and path.</param>
    /// <param name="root">Where the groups are mounted. In a container that may be its own group, whatever the path says.</param>
    internal static long InGroups(string membership, string root)
    {
        long min = long.MaxValue;
        foreach (string line in LinesOf(membership))
        {
            string[] parts = line.Split(':', 3);
            if (parts is [_, "", { } path])
            {
                min = Math.Min(min, MinOfAncestors(root, path, "memory.max", "memory.current", ""));
            }
            else if (parts is [_, "memory", { } memoryPath])
            {
                string first = Path.Join(root, "memory");
                min = Math.Min(min, MinOfAncestors(first, memoryPath, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"));
            }
        }

        return min;
    }

    private static long MinOfAncestors(string root, string path, string limitName, string usageName, string prefix)
    {
        long min = long.MaxValue;
        for (string rest = path; ; rest = rest[..Math.Max(rest.LastIndexOf('/'), 0)])
        {
            string group = Path.Join(root, rest);
            if (Field(Path.Join(group, limitName), "", out long limit) && Field(Path.Join(group, usageName), "", out long usage))
            {
                string statistics = Path.Join(group, "memory.stat");
                _ = Field(statistics, $"{prefix}inactive_file", out long idle);
                _ = Field(statistics, $"{prefix}active_file", out long used);
                min = Math.Min(min, Math.Max(0, limit - usage + idle + used));
            }

            if (rest.Length == 0)
            {
                return min;
            }
        }
    }

    /// <summary>What <c>ulimit -v</c> leaves.</summary>
    [SupportedOSPlatform("linux")]
    private static unsafe long AddressSpace()
    {
        Libc.struct_rlimit limit;
        return Libc.getrlimit(LinuxAbi.RLIMIT_AS, &limit) == 0
            && limit.rlim_cur < long.MaxValue
            && Field("/proc/self/status", "VmSize:", out long kibibytes)
                ? Math.Max(0, (long)limit.rlim_cur - (kibibytes * 1024))
                : long.MaxValue;
    }

    /// <summary>Reads the number that follows a name at the start of a line; without a name, the first line is the number.</summary>
    private static bool Field(string path, string name, out long value)
    {
        foreach (string line in LinesOf(path))
        {
            ReadOnlySpan<char> rest = line.AsSpan();
            if (rest.StartsWith(name, StringComparison.Ordinal)
                && long.TryParse(rest[name.Length..].Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture, out value))
            {
                return true;
            }
        }

        value = 0;
        return false;
    }

    /// <summary>The lines of a file; none if it can't be read. System.IO's files and folders would add 125 KB to the executable.</summary>
    private static string[] LinesOf(string path)
    {
        if (NativeFile.OpenForReading(path, out nint file) != Errno.None)
        {
            return [];
        }

        // The longest had 1,475 bytes where it was tried.
        Span<byte> text = stackalloc byte[16 * 1024];
        int length = 0;
        while (length < text.Length && NativeFile.Read(file, text[length..], out int read) == Errno.None && read > 0)
        {
            length += read;
        }

        _ = NativeFile.Close(file);
        return Encoding.UTF8.GetString(text[..length]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
