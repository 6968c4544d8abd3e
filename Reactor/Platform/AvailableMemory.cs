using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// The memory that may be allocated without risking the OOM killer, on the machine and in our control group. Linux
/// overcommits: too large an allocation succeeds, and a process is killed when the pages are first written to.
/// </summary>
/// <remarks>
/// <para>The garbage collector's figures can't replace this: <c>GC.GetGCMemoryInfo</c> has the load at the last collection. In
/// a group of 200 MB it did not see 60 MB of native memory until the next one, which a server that allocates nothing never has.</para>
/// <para>Crosses threads: any thread may call it; all share one cached answer, under a lock.</para>
/// </remarks>
internal static class AvailableMemory
{
    /// <summary>Smaller reservations are not checked: the check would cost more than the allocation.</summary>
    private const long MinCheckedBytes = 1024 * 1024;

    private static readonly object Gate = new();
    private static readonly MemoryGrants Grants = new(UnfilledBytes);
    private static volatile ControlGroups? _groups;

    /// <summary>
    /// Checks that memory may be filled now. Linux allocates a page when it is first written to, so call this right before that,
    /// not when a buffer is made.
    /// </summary>
    /// <param name="bytes">The number of bytes that are written next.</param>
    /// <exception cref="InsufficientMemoryException">Too little memory is free.</exception>
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
    /// Checks that <c>ulimit -v</c> allows more address space, and keeps an eighth of the rest for the runtime. The limit also
    /// counts memory that was never written to.
    /// </summary>
    /// <param name="growth">The number of bytes to add.</param>
    /// <exception cref="InsufficientMemoryException">The limit does not allow it.</exception>
    public static void Reserve(long growth)
    {
        if (growth > MinCheckedBytes && OperatingSystem.IsLinux() && AddressSpace() is var left && growth >= left - (left / 8))
        {
            throw new InsufficientMemoryException();
        }
    }

    /// <summary>Gets the number of bytes that may be allocated.</summary>
    /// <returns>The number; <see cref="long.MaxValue"/> if unknown.</returns>
    public static long Bytes()
    {
        long unfilled = UnfilledBytes();
        return OperatingSystem.IsLinux() ? Math.Min(unfilled, AddressSpace()) : unfilled;
    }

    /// <summary>The bytes that are free in the control groups of this process; <see cref="long.MaxValue"/> for no limit.</summary>
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

    /// <summary>Gets the number of bytes that may be filled, by the limits of the machine and of the control groups.</summary>
    /// <returns>The number; <see cref="long.MaxValue"/> if unknown.</returns>
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

    /// <summary>The bytes that <c>ulimit -v</c> still allows; <see cref="long.MaxValue"/> for no limit.</summary>
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
