using System.Globalization;

namespace Poetry.Tests.Testing;

/// <summary>
/// A control group with a limit, for processes that join it at their start; gone with the test. Where none may be made, the
/// test is skipped.
/// </summary>
internal sealed class ControlGroup : IDisposable
{
    private static int s_lastNumber;

    private readonly string _path;

    /// <param name="controller">Where the first version has it mounted.</param>
    /// <param name="limitName">What its limit is called there.</param>
    /// <param name="newLimitName">What it is called in the second version.</param>
    /// <param name="limit">The limit.</param>
    private ControlGroup(string controller, string limitName, string newLimitName, long limit)
    {
        string mount = $"/sys/fs/cgroup/{controller}";
        bool isFirst = Directory.Exists(mount);
        _path = $"{(isFirst ? mount : "/sys/fs/cgroup")}/poetry-test-{Environment.ProcessId}-{++s_lastNumber}";
        try
        {
            _ = Directory.CreateDirectory(_path);
            File.WriteAllText(Path.Combine(_path, isFirst ? limitName : newLimitName), limit.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Dispose();
            Assert.Inconclusive($"no control group can be made here: {exception.Message}");
        }
    }

    /// <summary>A line of shell that makes its process join.</summary>
    public string Join => $"echo $$ >{_path}/cgroup.procs;";

    /// <summary>A group with so much memory.</summary>
    public static ControlGroup OfMemory(long bytes) => new("memory", "memory.limit_in_bytes", "memory.max", bytes);

    /// <summary>A group with so many threads.</summary>
    public static ControlGroup OfThreads(int count) => new("pids", "pids.max", "pids.max", count);

    /// <summary>Removes it; its processes have to have ended.</summary>
    public void Dispose()
    {
        if (Directory.Exists(_path))
        {
            // Its files are the kernel's, and go with it.
            Directory.Delete(_path);
        }
    }
}
