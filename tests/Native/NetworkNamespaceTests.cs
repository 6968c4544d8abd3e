using System.Globalization;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>A network with few ports, or with a short backlog: in a namespace of its own.</summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed class NetworkNamespaceTests : NativeTests
{
    /// <summary>Each connection to one address needs a local port of its own.</summary>
    [TestMethod]
    public void Get_WithoutAFreeLocalPort_SaysSo_AndTriesAgain()
    {
        _ = Folder.Write("poem.txt", "poem\n");
        string[] slowly = ["slow-serve", "--num-bytes", "1", "--delay", "0.1", "poem.txt"];

        // The server's own port is one of the six. Of an odd number of ports the kernel does not try the last.
        NativeBinary server = StartInside("echo 40000 40005 > /proc/sys/net/ipv4/ip_local_port_range", slowly);
        string address = $"127.0.0.1:{server.Port()}";
        string[] eight = [.. Enumerable.Repeat(address, 8)];
        Finished finished = GetInside(server, ["--quiet", .. eight]);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        string[] expected = [.. Enumerable.Range(6, 3).Select(task => $"Task {task}: {address}: address not available")];
        Assert.AreEqual(string.Join('\n', expected), finished.Errors.TrimEnd('\n'));
        Assert.AreEqual(string.Concat(Enumerable.Repeat("poem\n", 5)), Encoding.ASCII.GetString(finished.Bytes));
        finished = GetInside(server, ["--quiet", "--retry", "3", .. eight]);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual(string.Concat(Enumerable.Repeat("poem\n", 8)), Encoding.ASCII.GetString(finished.Bytes));
    }

    /// <summary>The kernel drops what the backlog has no room for, and the client's kernel tries again: none is lost.</summary>
    [TestMethod]
    public void Serve_WithAFullBacklog_ServesAllLater()
    {
        const int Clients = 16;
        _ = Folder.Write("poem.txt", Poem);

        // With SYN cookies a client believes to be connected that the server has never heard of.
        NativeBinary server = StartInside(
            "echo 8 > /proc/sys/net/core/somaxconn; echo 0 > /proc/sys/net/ipv4/tcp_syncookies", "serve", "poem.txt");
        int port = server.Port();
        server.Signal(Posix.SIGSTOP);
        NativeBinary get = Start(InsideOf(server, ["get", "--quiet", .. Enumerable.Repeat($"{port}", Clients)]));
        Assert.IsTrue(SpinWait.SpinUntil(() => ListenDrops(server) > 0, Patience.Milliseconds), "the backlog was never full");
        server.Signal(Posix.SIGCONT);
        Finished finished = get.WaitForExit();
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.HasCount(Clients * Poem.Length, finished.Bytes);
    }

    private static Launch InsideOf(NativeBinary server, string[] arguments) => new(arguments)
    {
        Through = [Posix.Tool("nsenter"), "-t", server.ProcessId.ToString(CultureInfo.InvariantCulture), "-n"],
    };

    /// <summary>The counter of the kernel, from a line of names and a line of numbers.</summary>
    private static long ListenDrops(NativeBinary server)
    {
        string[][] lines = [.. File.ReadLines($"/proc/{server.ProcessId}/net/netstat").Take(2).Select(line => line.Split(' '))];
        return long.Parse(lines[1][System.Array.IndexOf(lines[0], "ListenDrops")], CultureInfo.InvariantCulture);
    }

    private Finished GetInside(NativeBinary server, string[] arguments) => Run(InsideOf(server, ["get", .. arguments]));

    private NativeBinary StartInside(string settings, params string[] arguments)
    {
        string unshare = Posix.Tool("unshare");
        string ip = Posix.Tool("ip");
        Finished trial = ToolRun.Run(Folder.Path, unshare, "-n", "/bin/sh", "-c", $"{ip} link set lo up && {settings}");
        if (trial.ExitCode != 0)
        {
            Assert.Inconclusive($"no network namespace can be made here: {trial.Errors}");
        }

        return Start(new Launch(arguments)
        {
            Through = [unshare, "-n", "/bin/sh", "-c", $"{ip} link set lo up && {settings}; exec \"$0\" \"$@\""],
        });
    }
}
