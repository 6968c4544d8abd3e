using System.Diagnostics;
using System.Globalization;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>
/// A peer that vanishes: its machine is switched off, a cable is cut. Nothing is queued in the server, which sends a few bytes
/// at a time, so that only the kernel knows that they are not acknowledged. In a network namespace of its own.
/// </summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed class VanishedPeerTests : NativeTests
{
    [TestMethod]
    public void SlowServe_APeerThatVanishes_IsGoneAtTheSendTimeout()
    {
        string unshare = Posix.Tool("unshare");
        string enter = Posix.Tool("nsenter");
        string bash = Posix.Tool("bash");
        string ip = Posix.Tool("ip");
        string iptables = Posix.Tool("iptables");
        Finished trial = ToolRun.Run(Folder.Path, unshare, "-n", ip, "link", "set", "lo", "up");
        if (trial.ExitCode != 0)
        {
            Assert.Inconclusive($"no network namespace can be made here: {trial.Errors}");
        }

        _ = Folder.Write("poem.txt", LongPoem);
        NativeBinary server = Start(new Launch("slow-serve", "--send-timeout", "0.5", "--delay", "0.1", "poem.txt")
        {
            Through = [unshare, "-n", "/bin/sh", "-c", $"{ip} link set lo up && exec \"$0\" \"$@\""],
        });
        string[] inside = [enter, "-t", server.ProcessId.ToString(CultureInfo.InvariantCulture), "-n"];
        int port = server.Port();
        using Process client = ToolRun.Start(Folder.Path, [.. inside, bash, "-c", $"exec cat < /dev/tcp/127.0.0.1/{port}"]);
        using var received = new ProcessOutput(client.StandardOutput.BaseStream, "what the client reads");
        received.WaitForBytes(20);
        Finished cut = ToolRun.Run(Folder.Path, [.. inside, iptables, "-A", "INPUT", "-j", "DROP"]);
        Assert.AreEqual(0, cut.ExitCode, cut.Errors);
        server.Errors.WaitForText(": timeout");
        client.Kill();
        client.WaitForExit();
        server.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }
}
