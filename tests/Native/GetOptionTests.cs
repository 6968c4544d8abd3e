using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>poetry get: limits, expectations, retries and mirrors.</summary>
[TestClass]
public sealed class GetOptionTests : NativeTests
{
    /// <summary>0 bytes and FIN is what a balancer answers whose server is down.</summary>
    [TestMethod]
    public void Get_EmptyReply_IsAFailureUnlessAllowed()
    {
        FaultServer server = Own(FaultServer.Sending([]));
        Finished finished = Run("get", "--quiet", server.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.AreEqual($"Task 1: {server.Address}: empty reply\n", finished.Errors);
        finished = Run("get", "--quiet", "--allow-empty", "--output", "empty.txt", server.Address);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual(0, new FileInfo(Folder["empty.txt"]).Length);
    }

    [TestMethod]
    [DataRow("", DisplayName = "empty reply")]
    [DataRow("20:half a frame", "--netstring", DisplayName = "cut frame")]
    public void Get_Retry_FetchesAgain(string first, params string[] options)
    {
        byte[] poem = options.Length == 0 ? Poem : [.. Encoding.ASCII.GetBytes($"{Poem.Length}:"), .. Poem, (byte)','];
        FaultServer server = Own(new FaultServer((client, number) =>
        {
            _ = client.Send(number <= 2 ? Encoding.ASCII.GetBytes(first) : poem);
            client.Shutdown(SocketShutdown.Send);
        }));
        Finished finished = Run(["get", "--retry", "2", .. options, server.Address]);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
    }

    [TestMethod]
    public void Get_Retry_ReachesAServerThatStartsLater()
    {
        int port = FaultServer.FreePort();
        NativeBinary get = Start(new Launch("get", "-v", "--retry", "8", $"{port}"));
        get.Errors.WaitForText($"Task 1: 127.0.0.1:{port}: connection refused, trying again in 0.5 s\n");
        _ = ServePoem(Poem, "--port", $"{port}");
        get.Errors.WaitForText($"Task 1: 127.0.0.1:{port}: connected to 127.0.0.1:{port}\n");
        new Delivery(get.WaitForExit().Bytes, WasReset: false).AssertIs(Poem, "standard output");
    }

    [TestMethod]
    public void Get_Mirrors_AreTriedInTurn()
    {
        int down = FaultServer.FreePort();
        FaultServer empty = Own(FaultServer.Sending([]));
        FaultServer cut = Own(FaultServer.Resetting(Poem[..100]));
        FaultServer good = Own(FaultServer.Sending(Poem));
        FaultServer unused = Own(FaultServer.Sending(MakePoem(10)));
        string mirrors = $"127.0.0.1:{down},{empty.Address},{cut.Address},{good.Address},{unused.Address}";
        Finished finished = Run("get", "-v", mirrors);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
        Assert.Contains($"Task 1: {mirrors}: 127.0.0.1:{down}: connection refused, trying the next server\n", finished.Errors);
        Assert.Contains($"Task 1: {mirrors}: {empty.Address}: empty reply, trying the next server\n", finished.Errors);
        Assert.Contains($"bytes of poetry from {mirrors}\n", finished.Errors);
    }

    [TestMethod]
    public void Get_MirrorsIntoADirectory_NameTheFileAfterTheFirst()
    {
        _ = Directory.CreateDirectory(Folder["poems"]);
        int down = FaultServer.FreePort();
        FaultServer good = Own(FaultServer.Sending(Poem));
        Assert.AreEqual(0, Run("get", "--output", "poems", $"127.0.0.1:{down},{good.Address}").ExitCode);
        CollectionAssert.AreEqual(Poem, File.ReadAllBytes(Folder[$"poems/127.0.0.1_{down}.txt"]));
    }

    /// <summary>All failed: one failure, and no retry without --retry.</summary>
    [TestMethod]
    public void Get_AllMirrorsFail_IsOneFailure()
    {
        FaultServer one = Own(FaultServer.Sending([]));
        FaultServer two = Own(FaultServer.Resetting([]));
        Finished finished = Run("get", "--quiet", $"{one.Address},{two.Address}");
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.HasCount(1, finished.ErrorLines, finished.Errors);
        Assert.Contains($": {one.Address}: empty reply; {two.Address}: ", finished.Errors);
    }

    /// <summary>A listener whose queue is full answers no SYN.</summary>
    [TestMethod]
    public void Get_ConnectTimeout_BoundsTheConnect()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var address = (IPEndPoint)listener.LocalEndPoint!;
        var queue = new List<Socket>();
        for (int i = 0; i < 4; i++)
        {
            queue.Add(Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false }));
            try
            {
                queue[^1].Connect(address);
            }
            catch (SocketException)
            {
                // It is under way.
            }
        }

        Finished finished = Run("get", "--quiet", "--connect-timeout", "200ms", $"{address.Port}");
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.Contains("timed out", finished.Errors);
    }

    [TestMethod]
    public void Get_MaxTime_BoundsTheWholeDownload()
    {
        FaultServer server = Own(FaultServer.Hanging(Poem));
        Finished finished = Run("get", "--quiet", "--max-time", "0.3", server.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.AreEqual($"Task 1: {server.Address}: timed out: not done in 0.3 s\n", finished.Errors);
        Assert.IsEmpty(finished.Bytes);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Get_MaxBytes_FailsALongerPoem(bool isFramed)
    {
        // Neither server ends: the length alone decides.
        byte[] sent = [.. Encoding.ASCII.GetBytes(isFramed ? $"{Poem.Length}:" : string.Empty), .. Poem];
        FaultServer server = Own(FaultServer.Hanging(sent));
        string[] framing = isFramed ? ["--netstring"] : [];
        Finished finished = Run(["get", "--quiet", "--retry", "5", "--max-bytes", $"{Poem.Length - 1}", .. framing, server.Address]);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.AreEqual($"Task 1: {server.Address}: longer than {Poem.Length - 1} bytes (--max-bytes)\n", finished.Errors);
        Assert.IsEmpty(finished.Bytes);
        FaultServer whole = Own(FaultServer.Sending(Poem));
        Assert.AreEqual(0, Run("get", "--quiet", "--max-bytes", $"{Poem.Length}", whole.Address).ExitCode);
    }

    [TestMethod]
    public void Get_ExpectedPoem_IsTheOnlyOneAccepted()
    {
        FaultServer server = Own(FaultServer.Sending(Poem));
        string hash = Convert.ToHexString(SHA256.HashData(Poem));
        Finished finished = Run("get", "--quiet", "--expect-bytes", $"{Poem.Length}", "--sha256", hash, server.Address);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        new Delivery(finished.Bytes, WasReset: false).AssertIs(Poem, "standard output");
        AssertRefused($"got {Poem.Length} of the {Poem.Length + 1} bytes expected", "--expect-bytes", $"{Poem.Length + 1}");
        AssertRefused($"longer than the {Poem.Length - 1} bytes expected", "--expect-bytes", $"{Poem.Length - 1}");
        AssertRefused($"not the poem expected: its SHA-256 is {hash.ToLowerInvariant()}", "--sha256", new string('0', 64));

        void AssertRefused(string problem, params string[] options)
        {
            Finished refused = Run(["get", "--quiet", "--output", "got.txt", .. options, server.Address]);
            Assert.AreEqual(1, refused.ExitCode, refused.Errors);
            Assert.AreEqual($"Task 1: {server.Address}: {problem}\n", refused.Errors);
            Assert.IsFalse(File.Exists(Folder["got.txt"]));
        }
    }

    [TestMethod]
    public void Get_ParallelMax_IsNotExceeded()
    {
        int active = 0, most = 0;
        FaultServer server = Own(new FaultServer((client, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref active));
            _ = client.Send(Poem);
            client.Shutdown(SocketShutdown.Send);
            _ = client.Receive(new byte[1]);
            _ = Interlocked.Decrement(ref active);
        }));
        Finished finished = Run(["get", "--quiet", "--parallel-max", "1", .. Enumerable.Repeat(server.Address, 5)]);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        Assert.AreEqual(5 * Poem.Length, finished.Bytes.Length);
        Assert.IsLessThanOrEqualTo(2, most, "the next one may begin before the connection of the last one is closed");
    }

    [TestMethod]
    public void Get_StrictTransform_DoesNotPrintWhatIsNotTransformed()
    {
        FaultServer server = Own(FaultServer.Sending(Poem));
        NativeBinary transforms = Start(new Launch("transform"));
        string via = $"{transforms.Port()}";
        Finished finished = Run("get", "--quiet", "--strict-transform", "--transform", "nosuch", "--via", via, server.Address);
        Assert.AreEqual(1, finished.ExitCode, finished.Errors);
        Assert.IsEmpty(finished.Bytes);
        Assert.StartsWith($"Task 1: {server.Address}: nosuch failed: ", finished.Errors);
        finished = Run("get", "--quiet", "--strict-transform", "--transform", "shout", "--via", via, server.Address);
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
    }

    [TestMethod]
    public void Get_Sync_FlushesFileAndDirectory()
    {
        FaultServer server = Own(FaultServer.Sending(Poem));
        string strace = Posix.Tool("strace");
        Finished finished = Run(new Launch("get", "--quiet", "--sync", "--output", "got.txt", server.Address)
        {
            Through = [strace, "-f", "-o", "calls", "-e", "trace=fsync,rename,renameat,renameat2"],
        });
        Assert.AreEqual(0, finished.ExitCode, finished.Errors);
        CollectionAssert.AreEqual(Poem, File.ReadAllBytes(Folder["got.txt"]));
        string[] calls = [.. File.ReadAllLines(Folder["calls"]).Where(line => line.Contains('(', StringComparison.Ordinal))];
        int rename = Array.FindIndex(calls, line => line.Contains("rename", StringComparison.Ordinal));
        int[] syncs = [.. Enumerable.Range(0, calls.Length).Where(i => calls[i].Contains("fsync", StringComparison.Ordinal))];
        Assert.HasCount(2, syncs, string.Join('\n', calls));
        Assert.IsTrue(syncs[0] < rename && rename < syncs[1], string.Join('\n', calls));
    }

    /// <summary>A name that no file can have is found out before anything is fetched.</summary>
    [TestMethod]
    [DataRow("nosuch/got.txt", "no such file or directory")]
    [DataRow("file/got.txt", "not a directory")]
    [DataRow("long", "file name too long")]
    [DataRow("got", "is a directory")]
    [DataRow("socket", "no such device or address")]
    public void Get_ImpossibleOutput_IsRefusedBeforeTheFetch(string name, string reason)
    {
        int asked = 0;
        FaultServer server = Own(new FaultServer((_, _) => asked++));
        _ = Folder.Write("file", "a file");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(Folder["socket"]));
        string path = name == "long" ? new string('n', 256) : name;
        string output = path;
        if (name == "got")
        {
            path = $"got/127.0.0.1_{server.Port}.txt";
            _ = Directory.CreateDirectory(Folder[path]);
        }

        Finished finished = Run("get", "--output", output, server.Address);
        AssertFailed(finished, 1, $"poetry: cannot write {path}: {reason}");
        finished = Run("get", "--progress", "json", "--output", output, server.Address);
        Assert.AreEqual($"{{\"event\":\"error\",\"error\":\"cannot write {path}: {reason}\"}}\n", finished.Errors);
        Assert.AreEqual(0, asked);
    }

    /// <summary>As curl and wget do: a link stays, and the poem is where it leads to.</summary>
    [TestMethod]
    public void Get_OutputIntoALink_FollowsIt()
    {
        FaultServer server = Own(FaultServer.Sending(Poem));
        _ = File.CreateSymbolicLink(Folder["null"], "/dev/null");
        _ = Folder.Write("target", "an old poem");
        _ = File.CreateSymbolicLink(Folder["link"], "target");
        Assert.AreEqual(0, Run("get", "--quiet", "--output", "null", server.Address).ExitCode);
        Assert.AreEqual(0, Run("get", "--quiet", "--output", "link", server.Address).ExitCode);
        Assert.AreEqual("/dev/null", new FileInfo(Folder["null"]).LinkTarget);
        Assert.AreEqual("target", new FileInfo(Folder["link"]).LinkTarget);
        CollectionAssert.AreEqual(Poem, File.ReadAllBytes(Folder["target"]));
    }
}
