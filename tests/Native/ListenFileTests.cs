using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Lists of listeners in a file, and what SIGHUP makes of a change.</summary>
[TestClass]
public sealed class ListenFileTests : ProxyNativeTests
{
    private const string List = "list.conf";

    [TestMethod]
    [DataRow("1")]
    [DataRow("2")]
    public void Serve_NewListenersOpen_GoneOnesDrain_UnchangedOnesGoOn(string workers)
    {
        int kept = FaultServer.FreePort();
        int gone = FaultServer.FreePort();
        int added = FaultServer.FreePort();
        byte[] other = MakePoem(700);
        _ = Folder.Write("a.txt", LongPoem);
        _ = Folder.Write("b.txt", other);
        _ = Folder.Write(List, $"# two poems\n\n{kept}=a.txt\n  {gone}=a.txt\r\n");
        NativeBinary server = Start(new Launch("serve", "--workers", workers, "--file", List));
        _ = server.Output.WaitForLines(2);
        using Socket keptClient = Wire.Connect(kept, 4096);
        using Socket goneClient = Wire.Connect(gone, 4096);
        byte[] keptStart = Wire.ReadExactly(keptClient, 10);
        byte[] goneStart = Wire.ReadExactly(goneClient, 10);

        _ = Folder.Write(List, $"{kept}=a.txt\n{added}=b.txt");
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText($"listener opened: Serving b.txt on 127.0.0.1:{added}");
        Wire.Fetch(added).AssertIs(other);
        Wire.Fetch(kept).AssertIs(LongPoem);
        Assert.ThrowsExactly<SocketException>(() => Wire.Connect(gone));
        Assert.IsTrue(LongPoem.AsSpan().SequenceEqual((byte[])[.. keptStart, .. Wire.ReadToEnd(keptClient).Bytes]));
        Assert.IsTrue(LongPoem.AsSpan().SequenceEqual((byte[])[.. goneStart, .. Wire.ReadToEnd(goneClient).Bytes]));
    }

    [TestMethod]
    public void Serve_AnotherPoemAtTheSameAddress_IsServed()
    {
        int port = FaultServer.FreePort();
        byte[] other = MakePoem(700);
        _ = Folder.Write("a.txt", Poem);
        _ = Folder.Write("b.txt", other);
        _ = Folder.Write(List, $"{port}=a.txt\n");
        NativeBinary server = Start(new Launch("serve", "--file", List));
        _ = server.Output.WaitForLines(1);
        Wire.Fetch(port).AssertIs(Poem);
        _ = Folder.Write(List, $"{port}=b.txt\n");
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText($"listener changed: Serving b.txt on 127.0.0.1:{port}");
        Wire.Fetch(port).AssertIs(other);
    }

    /// <summary>Where a line names another poem the socket stays: no client is refused, and each gets one poem or the other.</summary>
    [TestMethod]
    [DataRow("1")]
    [DataRow("2")]
    public void Serve_PoemsThatChangePlaces_RefuseNoClient(string workers)
    {
        int port = FaultServer.FreePort();
        byte[] other = MakePoem(700);
        _ = Folder.Write("a.txt", Poem);
        _ = Folder.Write("b.txt", other);
        _ = Folder.Write(List, $"{port}=a.txt\n");
        NativeBinary server = Start(new Launch("serve", "--workers", workers, "--file", List));
        _ = server.Output.WaitForLines(1);
        for (int i = 0; i < 20; i++)
        {
            bool isOther = i % 2 == 0;
            _ = Folder.Write(List, $"{port}={(isOther ? "b.txt" : "a.txt")}\n");
            server.Signal(Posix.SIGHUP);
            bool isServed = false;
            for (int clients = 0; !isServed; clients++)
            {
                Assert.IsLessThan(10_000, clients, "the reload comes to an end");
                byte[] poem = Wire.Fetch(port).Bytes;
                isServed = poem.AsSpan().SequenceEqual(isOther ? other : Poem);
                Assert.IsTrue(isServed || poem.AsSpan().SequenceEqual(isOther ? Poem : other), "one poem or the other");
            }
        }
    }

    [TestMethod]
    public void Proxy_UnchangedUpstreams_KeepTheirPoems()
    {
        NativeBinary upstream = ServePoem(Poem);
        int kept = FaultServer.FreePort();
        int gone = FaultServer.FreePort();
        int added = FaultServer.FreePort();
        _ = Folder.Write(List, $"{kept}={upstream.Port()}\n{gone}={FaultServer.FreePort()},{upstream.Port()}\n");
        NativeBinary proxy = Start(new Launch("proxy", "--workers", "2", "--file", List));
        _ = proxy.Output.WaitForLines(2);
        Wire.Fetch(kept).AssertIs(Poem);
        Wire.Fetch(gone).AssertIs(Poem);
        _ = Folder.Write(List, $"{kept}={upstream.Port()}\n{added}={FaultServer.FreePort()}\n");
        proxy.Signal(Posix.SIGHUP);
        proxy.Errors.WaitForText("listener opened: ");
        upstream.Kill();
        Wire.Fetch(kept).AssertIs(Poem);
        Assert.IsTrue(Wire.Fetch(added).WasReset);
        Assert.ThrowsExactly<SocketException>(() => Wire.Connect(gone));
    }

    /// <summary>At the start a wrong list is wrong usage; later it changes nothing, and is named in the log.</summary>
    [TestMethod]
    [DataRow("x=y=\n", "line 1: ")]
    [DataRow("# good\n\n99999=poem.txt\n", "line 3: ")]
    [DataRow("1=poem.txt\n1=poem.txt\n", "line 2: 127.0.0.1:1 is in line 1 already")]
    [DataRow("0=missing.txt\n", "line 1: no such file: missing.txt")]
    [DataRow("0=poem.txt\n0=-\n", "line 2: ")]
    [DataRow("0=poem\0.txt\n", "line 1: there is a control character in it")]
    [DataRow("\uFEFF0=missing.txt", "line 1: no such file: missing.txt")]
    [DataRow("# nothing\n", "there is nothing to serve in it")]
    [DataRow("", "there is nothing to serve in it")]
    public void AWrongList_IsRefused_AndChangesNothingLater(string text, string problem)
    {
        int port = FaultServer.FreePort();
        _ = Folder.Write("poem.txt", Poem);
        _ = Folder.Write(List, text);
        AssertFailed(Run("serve", "--file", List), 2, problem);
        _ = Folder.Write(List, $"{port}=poem.txt");
        NativeBinary server = Start(new Launch("serve", "--file", List));
        _ = server.Output.WaitForLines(1);
        _ = Folder.Write(List, text);
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("keeping the old listeners: ");
        Assert.Contains(problem, server.Errors.Text);
        Wire.Fetch(port).AssertIs(Poem);
    }

    [TestMethod]
    public void AListThatIsNoList_IsRefused()
    {
        AssertFailed(Run("serve", "--file", Folder.Path), 2, "is not a regular file");
        AssertFailed(Run("serve", "--file", "nofile"), 2, "no such file: nofile");
        _ = Folder.Write(List, new byte[10_000_000]);
        AssertFailed(Run("serve", "--file", List), 2, "is longer than 1048576 bytes");
        _ = Folder.Write(List, new string('x', 900_000));
        AssertFailed(Run("serve", "--file", List), 2, "line 1: it is longer than 4096 characters");
        _ = Folder.Write(List, [0x31, 0x3D, 0xFF]);
        AssertFailed(Run("serve", "--file", List), 2, "is not UTF-8");
        AssertFailed(Run("serve", "--file", List, "poem.txt"), 2, "exclude each other");
        AssertFailed(Run("proxy", "--file", List, "10001"), 2, "exclude each other");
        _ = Folder.Write(List, "10001=10001");
        AssertFailed(Run("proxy", "--file", List), 2, "line 1: 127.0.0.1:10001 is the proxy itself");
    }

    /// <summary>A wrong list is read on every SIGHUP: what was opened for it must not stay. A poem of this length is a descriptor.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    [DataRow("0=poem.txt\n0=long.txt\n0=missing.txt", "line 3: no such file: missing.txt", DisplayName = "a missing poem")]
    [DataRow("0=poem.txt\n0=long.txt\nTAKEN=poem.txt", "line 3: cannot listen on 127.0.0.1:", DisplayName = "a port that is taken")]
    public void AListThatCannotBeApplied_LeavesNoneOfItsPoemsOpen(string list, string problem)
    {
        using FaultServer taken = FaultServer.Sending(Encoding.ASCII.GetBytes("mine"));
        _ = Folder.Write("poem.txt", Poem);
        _ = Folder.Write("long.txt", LongPoem);
        _ = Folder.Write(List, "0=poem.txt");
        NativeBinary server = Start(new Launch("serve", "--file", List));
        _ = server.Output.WaitForLines(1);
        string descriptors = $"/proc/{server.ProcessId}/fd";
        int before = Directory.GetFileSystemEntries(descriptors).Length;
        _ = Folder.Write(List, list.Replace("TAKEN", $"{taken.Port}", StringComparison.Ordinal));
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText(problem);
        Assert.HasCount(before, Directory.GetFileSystemEntries(descriptors));
    }

    [TestMethod]
    public void AListThatCannotBeApplied_LeavesNoneOfItsUpstreamsInTheMetrics()
    {
        using FaultServer taken = FaultServer.Sending(Encoding.ASCII.GetBytes("mine"));
        string metrics = Path.Join(Folder.Path, "m.sock");
        _ = Folder.Write(List, "0=kept.example:1");
        NativeBinary proxy = Start(new Launch("proxy", "--file", List, "--metrics", $"unix:{metrics}"));
        _ = proxy.Output.WaitForLines(1);
        _ = Folder.Write(List, $"0=added.example:1\n{taken.Port}=refused.example:1");
        proxy.Signal(Posix.SIGHUP);
        proxy.Errors.WaitForText("keeping the old listeners: ");
        string page = HttpAnswer.Get(metrics, "/metrics").Body;
        Assert.Contains("kept.example:1", page);
        Assert.DoesNotContain("added.example:1", page);
        Assert.DoesNotContain("refused.example:1", page);
    }

    [TestMethod]
    public void AListenerThatCannotBeBound_ChangesNothing()
    {
        int port = FaultServer.FreePort();
        using FaultServer taken = FaultServer.Sending(Encoding.ASCII.GetBytes("mine"));
        _ = Folder.Write("poem.txt", Poem);
        _ = Folder.Write(List, $"{taken.Port}=poem.txt");
        AssertFailed(Run("serve", "--file", List), 1, $"{List}: line 1: cannot listen on 127.0.0.1:{taken.Port}");
        _ = Folder.Write(List, $"{port}=poem.txt");
        NativeBinary server = Start(new Launch("serve", "--file", List));
        _ = server.Output.WaitForLines(1);
        _ = Folder.Write("poem.txt", MakePoem(700));
        _ = Folder.Write(List, $"{FaultServer.FreePort()}=poem.txt\n{taken.Port}=poem.txt");
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText($"keeping the old listeners: {List}: line 2: cannot listen on 127.0.0.1:{taken.Port}");
        Wire.Fetch(port).AssertIs(Poem);
    }
}
