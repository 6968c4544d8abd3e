using System;
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

    private static readonly object Gate = new();
    private static readonly MemoryGrants Grants = new(UnfilledBytes);
    private static volatile ControlGroups? _groups;

    /// <summary>
    /// Asks whether so much memory may be filled now. Linux gives a page when it is first written to, so this is asked right before
    /// that, not when a buffer is made.
    /// </summary>
    /// <param name="bytes">What is written next.</param>
    /// <exception cref="InsufficientMemoryException">It may not.</exception>
    public static void Fill(long bytes)
    {
        lock (Gate)
        {
            if (!Grants.TryTake(bytes, Environment.TickCount64))
            {
                throw new InsufficientMemoryException();
            }
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
        ReadOnlySpan<byte> membership = KernelFile.Read("/proc/self/cgroup", stackalloc byte[KernelFile.MaxBytes]);
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

        long machine = KernelFile.Field("/proc/meminfo", "MemAvailable:"u8, out long kibibytes) ? kibibytes * 1024 : long.MaxValue;
        return Math.Min(machine, GroupBytes());
    }

    /// <summary>What <c>ulimit -v</c> leaves.</summary>
    [SupportedOSPlatform("linux")]
    private static unsafe long AddressSpace()
    {
        Libc.struct_rlimit limit;
        return Libc.getrlimit(LinuxAbi.RLIMIT_AS, &limit) == 0
            && limit.rlim_cur < long.MaxValue
            && KernelFile.Field("/proc/self/status", "VmSize:"u8, out long kibibytes)
                ? Math.Max(0, (long)limit.rlim_cur - (kibibytes * 1024))
                : long.MaxValue;
    }
}
