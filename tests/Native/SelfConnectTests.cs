using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// A connection to a local port without a listener may be given that very port as its own, and is then joined to itself.
/// </summary>
[TestClass]
public sealed class SelfConnectTests : NativeTests
{
    /// <summary>In a network of its own with two local ports it is certain to happen.</summary>
    private static readonly string[] InASmallNetwork =
    [
        "/usr/bin/unshare", "-n", "/bin/sh", "-c",
        "ip link set lo up && echo 40000 40001 >/proc/sys/net/ipv4/ip_local_port_range && exec \"$@\"", "sh",
    ];

    [TestMethod]
    public void Get_ConnectedToItself_IsRefused()
    {
        if (!OperatingSystem.IsLinux() || !Posix.IsRoot)
        {
            Assert.Inconclusive("a network namespace takes root, on Linux");
        }

        _ = Posix.Tool("unshare");
        _ = Posix.Tool("ip");
        for (int i = 0; i < 5; i++)
        {
            Finished finished = Run(new Launch("get", "--quiet", "40000") { Through = InASmallNetwork });
            AssertFailedTask(finished, "Task 1: 127.0.0.1:40000: connection refused\n");
        }
    }

    private static void AssertFailedTask(Finished finished, string line)
    {
        Assert.AreEqual(line, finished.Errors);
        Assert.AreEqual(1, finished.ExitCode);
    }
}
