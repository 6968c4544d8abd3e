using System;
using System.Globalization;
using System.IO;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <content>The memory that there is, and what the process holds of its own code.</content>
internal static unsafe partial class NativeProcess
{
    /// <summary>
    /// Lets go of the pages of code that have been touched so far. Once a server is ready those are mostly of the command
    /// line, the runtime's initialization and the linker, which never run again; what is needed is mapped again from the
    /// page cache at the cost of a minor fault for each 64 KiB. Only on Linux.
    /// </summary>
    /// <remarks>Measured: of 4.5 MB of resident file pages 1.5 come back while a server serves.</remarks>
    public static void ForgetIdleCode()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            foreach (string line in File.ReadLines("/proc/self/maps"))
            {
                ForgetIfCode(line);
            }
        }
        catch (IOException)
        {
            // Without /proc there is nothing to find the pages by, and nothing depends on it.
        }
    }

    /// <summary>
    /// How much memory may still be taken without driving the machine, or the group that this process is limited with, into
    /// need: there the kernel ends a process rather than refuse it memory.
    /// </summary>
    /// <returns>In bytes; <see cref="long.MaxValue"/> if nothing is known.</returns>
    public static long AvailableMemory()
    {
        long most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        most = most > 0 ? most : long.MaxValue;
        return OperatingSystem.IsLinux() ? Math.Min(most, AvailableMemoryOfLinux()) : most;
    }

    /// <summary>What is free and what can be freed without swapping: proc(5).</summary>
    private static long AvailableMemoryOfLinux()
    {
        const string Field = "MemAvailable:";
        const string Unit = " kB";
        try
        {
            foreach (string line in File.ReadLines("/proc/meminfo"))
            {
                if (line.StartsWith(Field, StringComparison.Ordinal)
                    && line.EndsWith(Unit, StringComparison.Ordinal)
                    && long.TryParse(line.AsSpan()[Field.Length..^Unit.Length], CultureInfo.InvariantCulture, out long kibibytes))
                {
                    return kibibytes * 1024;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without /proc it is not known, and the total has to do.
        }

        return long.MaxValue;
    }

    /// <summary>Code that no linker has written to: private, executable, of a file, as <c>r-xp</c> of proc(5) says.</summary>
    [SupportedOSPlatform("linux")]
    private static void ForgetIfCode(string line)
    {
        int dash = line.IndexOf('-', StringComparison.Ordinal);
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        if (dash < 0
            || space < dash
            || !line.AsSpan(space).StartsWith(" r-xp ", StringComparison.Ordinal)
            || !line.Contains('/', StringComparison.Ordinal)
            || !nint.TryParse(line.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out nint start)
            || !nint.TryParse(line.AsSpan(dash + 1, space - dash - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out nint end))
        {
            return;
        }

        _ = LinuxAbi.madvise(start, end - start, LinuxAbi.MADV_DONTNEED);
    }
}
