using System;
using System.Globalization;
using System.IO;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// How much memory may still be taken without driving the machine, or a group of processes that this one is limited with,
/// into need: there the kernel would give it, and end somebody when the bytes come to fill it.
/// </summary>
/// <remarks>Crosses threads: may be called from any, and what one has asked another goes by, under a lock.</remarks>
internal static class AvailableMemory
{
    /// <summary>Nobody is asked for memory of up to so many bytes: to ask is dearer than to take it.</summary>
    private const long NotWorthAsking = 1024 * 1024;

    /// <summary>
    /// An answer holds so long, for a quarter of what there was: others take memory too. Measured with 64 poems of 10 MB that
    /// <c>get</c> holds at once: 0.98 of the rate of a receiver in C, and 0.91 while each growth asked.
    /// </summary>
    private const long AnswerHoldsMs = 1000;

    private static readonly object Gate = new();
    private static long _askedMs = -AnswerHoldsMs - 1;
    private static long _granted;

    /// <summary>
    /// Is there room for so much more? The last eighth of what there is stays with all the others, and with the kernel, whose
    /// memory for sockets counts for the group as well.
    /// </summary>
    /// <param name="growth">In bytes.</param>
    public static bool HasRoomFor(long growth)
    {
        if (growth <= NotWorthAsking)
        {
            return true;
        }

        lock (Gate)
        {
            long now = Environment.TickCount64;
            if (now - _askedMs > AnswerHoldsMs || growth > _granted)
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

    /// <summary>What may still be taken.</summary>
    /// <returns>In bytes; <see cref="long.MaxValue"/> if nothing is known.</returns>
    public static long Bytes()
    {
        if (!OperatingSystem.IsLinux())
        {
            long most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            return most > 0 ? most : long.MaxValue;
        }

        long machine = Field("/proc/meminfo", "MemAvailable:", out long kibibytes) ? kibibytes * 1024 : long.MaxValue;
        return Math.Min(Math.Min(machine, AddressSpace()), InGroups("/proc/self/cgroup", "/sys/fs/cgroup"));
    }

    /// <summary>
    /// What the control groups that a process is in leave of their memory: cgroups(7), of both versions, a group and all
    /// those above it. What is in a group only because files were read counts as free, for the kernel takes it back first.
    /// </summary>
    /// <param name="membership">A file as <c>/proc/self/cgroup</c>: in each line hierarchy, controllers and path.</param>
    /// <param name="root">Where the groups are mounted. In a container that may be its own group, whatever the path says.</param>
    internal static long InGroups(string membership, string root)
    {
        long least = long.MaxValue;
        foreach (string line in LinesOf(membership))
        {
            string[] parts = line.Split(':', 3);
            if (parts is [_, "", { } path])
            {
                least = Math.Min(least, FromHereUp(root, path, "memory.max", "memory.current", ""));
            }
            else if (parts is [_, "memory", { } memoryPath])
            {
                string first = Path.Join(root, "memory");
                least = Math.Min(least, FromHereUp(first, memoryPath, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"));
            }
        }

        return least;
    }

    private static long FromHereUp(string root, string path, string limitName, string usageName, string prefix)
    {
        long least = long.MaxValue;
        for (string rest = path; ; rest = rest[..Math.Max(rest.LastIndexOf('/'), 0)])
        {
            string group = Path.Join(root, rest);
            if (Field(Path.Join(group, limitName), "", out long limit) && Field(Path.Join(group, usageName), "", out long usage))
            {
                string statistics = Path.Join(group, "memory.stat");
                _ = Field(statistics, $"{prefix}inactive_file", out long idle);
                _ = Field(statistics, $"{prefix}active_file", out long used);
                least = Math.Min(least, Math.Max(0, limit - usage + idle + used));
            }

            if (rest.Length == 0)
            {
                return least;
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

    /// <summary>The lines of a file; none of one that can't be read, for then nothing is known.</summary>
    private static string[] LinesOf(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
