using System.IO;
using System.Runtime.InteropServices;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Poetry.Tests.Testing;

/// <summary>What the tests need of POSIX and .NET does not offer.</summary>
internal static partial class Posix
{
    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGKILL = 9;
    public const int SIGTERM = 15;

    public static bool IsRoot => geteuid() == 0;

    public static void Kill(int processId, int signal) =>
        Assert.AreEqual(0, kill(processId, signal), $"kill({processId}, {signal})");

    public static void MakeFifo(string path)
    {
        const uint ReadableByAll = 0x1A4; // 0644
        Assert.AreEqual(0, mkfifo(path, ReadableByAll), $"mkfifo {path}");
    }

    /// <summary>A command before a program's that takes root's rights away; a skipped test where that can't be done.</summary>
    public static string[] WithoutRights()
    {
        if (!IsRoot)
        {
            return [];
        }

        if (!File.Exists("/usr/bin/setpriv"))
        {
            Assert.Inconclusive("root may do anything, and setpriv is not here to take its rights away");
        }

        return ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int sig);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);
}
