using System.Text;

namespace Poetry.Net;

/// <summary>
/// The memory control groups of a process, with their ancestors, and the files with their limits and usage: cgroups(7), both
/// versions. Immutable. A query allocates nothing: most queries are made when memory runs out, and the garbage of 300 queries
/// was 4 MB.
/// </summary>
internal sealed class ControlGroups
{
    private readonly byte[] _membership;
    private readonly List<(string Limit, string Usage, string Statistics, bool IsFirstVersion)> _files = [];

    /// <param name="membership">The text of <c>/proc/self/cgroup</c>: each line has hierarchy, controllers and path.</param>
    /// <param name="root">The mount point of the groups. In a container it may be the container's group, whatever the path is.</param>
    public ControlGroups(ReadOnlySpan<byte> membership, string root)
    {
        _membership = membership.ToArray();
        foreach (string line in Encoding.UTF8.GetString(membership).Split('\n'))
        {
            string[] parts = line.Split(':', 3);
            if (parts is [_, "", { } path])
            {
                AddAncestors(root, path, "memory.max", "memory.current", isFirstVersion: false);
            }
            else if (parts is [_, "memory", { } memoryPath])
            {
                AddAncestors(
                    Path.Join(root, "memory"), memoryPath, "memory.limit_in_bytes", "memory.usage_in_bytes", isFirstVersion: true);
            }
        }
    }

    /// <summary>True if the groups were made from this text.</summary>
    public bool AreOf(ReadOnlySpan<byte> membership) => membership.SequenceEqual(_membership);

    /// <summary>
    /// The minimum of the free bytes of all groups; <see cref="long.MaxValue"/> for no limit. The page cache of a group is free,
    /// too: the kernel reclaims it first.
    /// </summary>
    public long FreeBytes()
    {
        long min = long.MaxValue;
        foreach (var (limitFile, usageFile, statistics, isFirstVersion) in _files)
        {
            if (KernelFile.Field(limitFile, default, out long limit) && KernelFile.Field(usageFile, default, out long usage))
            {
                _ = KernelFile.Field(statistics, isFirstVersion ? "total_inactive_file"u8 : "inactive_file"u8, out long idle);
                _ = KernelFile.Field(statistics, isFirstVersion ? "total_active_file"u8 : "active_file"u8, out long used);
                min = Math.Min(min, Math.Max(0, limit - usage + idle + used));
            }
        }

        return min;
    }

    private void AddAncestors(string root, string path, string limit, string usage, bool isFirstVersion)
    {
        for (string rest = path; ; rest = rest[..Math.Max(rest.LastIndexOf('/'), 0)])
        {
            string group = Path.Join(root, rest);
            _files.Add((Path.Join(group, limit), Path.Join(group, usage), Path.Join(group, "memory.stat"), isFirstVersion));
            if (rest.Length == 0)
            {
                return;
            }
        }
    }
}
