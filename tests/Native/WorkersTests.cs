using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary><c>--workers</c>: several reactors that look like one server.</summary>
[TestClass]
public sealed class WorkersTests : NativeTests
{
    private const int SmallBufferBytes = 4096;

    [TestMethod]
    [DataRow("1", "2")]
    [DataRow("2", "1")]
    [DataRow("2", "auto")]
    public void Serve_APortThatAnotherPoetryServes_IsRefused(string workers, string otherWorkers)
    {
        NativeBinary first = ServePoem(Poem, "--workers", workers);
        Finished second = Run("serve", "--workers", otherWorkers, "--port", $"{first.Port()}", "poem.txt");
        AssertFailed(second, 1, $"poetry: cannot listen on 127.0.0.1:{first.Port()}: ", "in use");
        Wire.Fetch(first.Port()).AssertIs(Poem);
    }

    [TestMethod]
    [DataRow("a Unix socket is served by one worker", "serve", "unix:p.sock=poem.txt")]
    [DataRow("each poem is proxied by one worker", "proxy", "10001")]
    [DataRow("the limit of connections is 1", "serve", "--max-connections", "1", "poem.txt")]
    public void FewerWorkersThanAskedFor_AreLoggedWithTheReason(string why, params string[] arguments)
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Start(new Launch([.. arguments, "--workers", "2"]));
        _ = server.Output.WaitForLines(1);
        server.Errors.WaitForText($"workers limited to 1: 2 were asked for, but {why}");
    }

    /// <summary>A file that is missing is reported before standard input is read, and nothing else is said.</summary>
    [TestMethod]
    public void Serve_StandardInputAndAMissingFile_IsOneLine()
    {
        Finished finished = Run(new Launch("serve", "-", "missing") { Redirection = "</dev/null" });
        Assert.AreEqual(2, finished.ExitCode);
        Assert.HasCount(1, finished.ErrorLines);
        Assert.Contains("no such file: missing", finished.Errors);
    }

    /// <summary>A name has several addresses: each has a ready line, and with port 0 a port of its own.</summary>
    [TestMethod]
    public void Serve_OnAName_ListensOnAllItsAddresses()
    {
        _ = Folder.Write("poem.txt", Poem);
        int count = System.Net.Dns.GetHostAddresses("localhost").Distinct().Count();
        NativeBinary server = Serve("--iface", "localhost", "--workers", "2", "poem.txt");
        string[] lines = server.Output.WaitForLines(count);
        Assert.HasCount(count, lines.Distinct());
        for (int i = 0; i < count; i++)
        {
            Assert.StartsWith("Serving poem.txt on ", lines[i]);
        }

        Wire.Fetch(server.Port()).AssertIs(Poem);
        server.Signal(Posix.SIGTERM);
        Assert.HasCount(count, Encoding.UTF8.GetString(server.WaitForExit().Bytes).TrimEnd('\n').Split('\n'));
    }

    [TestMethod]
    public void Serve_SeveralListenersAndWorkers_PrintOneReadyLineEach()
    {
        _ = Folder.Write("poem.txt", Poem);
        NativeBinary server = Serve("--workers", "3", "0=poem.txt", "unix:poem.sock=poem.txt", "0=poem.txt");
        _ = server.Output.WaitForLines(3);
        for (int i = 0; i < 20; i++)
        {
            Wire.Fetch(server.Port(0)).AssertIs(Poem);
            Wire.Fetch(server.Port(2)).AssertIs(Poem);
            Wire.Fetch(Folder["poem.sock"]).AssertIs(Poem);
        }

        server.Signal(Posix.SIGTERM);
        Assert.HasCount(3, Encoding.UTF8.GetString(server.WaitForExit().Bytes).TrimEnd('\n').Split('\n'));
        Assert.IsFalse(File.Exists(Folder["poem.sock"]));
    }

    /// <summary>
    /// Clients that do not read hold their places. Of a crowd exactly as many get in as are allowed, however they are spread,
    /// and with shares that are not equal; then all places were filled, so that every worker has served.
    /// </summary>
    [TestMethod]
    [DataRow("2", 1)]
    [DataRow("2", 3)]
    [DataRow("2", 4)]
    [DataRow("3", 2)]
    [DataRow("4", 7)]
    public void Serve_MaxConnections_IsTheSumOfAllWorkers(string workers, int most)
    {
        const int Crowd = 100;
        NativeBinary server = ServePoem(LongPoem, "--workers", workers, "--max-connections", $"{most}", "--metrics", "unix:m.sock");
        for (int i = 0; i < Crowd; i++)
        {
            _ = Own(Wire.Connect(server.Port(), SmallBufferBytes));
        }

        AwaitOpen(most);

        // All connections up to the limit are accepted now; the waiting ones would be accepted at once if the limit allowed it.
        for (int i = 0; i < 20; i++)
        {
            Assert.AreEqual(most, Open());
        }
    }

    /// <summary>A listener that can't be shared gets the full limit, not the share of one worker of many.</summary>
    [TestMethod]
    public void Serve_MaxConnectionsOnAUnixSocket_IsNotDivided()
    {
        _ = Folder.Write("poem.txt", LongPoem);
        _ = Serve("--workers", "4", "--max-connections", "8", "--metrics", "unix:m.sock", "unix:poem.sock=poem.txt");
        for (int i = 0; i < 12; i++)
        {
            _ = Own(Wire.Connect(Folder["poem.sock"]));
        }

        AwaitOpen(8);
        Assert.AreEqual(8, Open());
    }

    [TestMethod]
    public void Proxy_MaxConnectionsOfOnePoem_IsNotDivided()
    {
        using FaultServer upstream = FaultServer.Hanging(Poem);
        NativeBinary proxy = Start(new Launch(
            "proxy", "--workers", "4", "--max-connections", "8", "--metrics", "unix:m.sock", $"{upstream.Port}"));
        for (int i = 0; i < 12; i++)
        {
            _ = Own(Wire.Connect(proxy.Port()));
        }

        AwaitOpen(8);
        Assert.AreEqual(8, Open());
    }

    [TestMethod]
    public void Terminate_ReachesAllWorkers()
    {
        NativeBinary server = ServePoem(LongPoem, "--workers", "2", "--drain", "3600");
        var clients = new List<(Socket Socket, byte[] Head)>();
        for (int i = 0; i < 20; i++)
        {
            Socket client = Own(Wire.Connect(server.Port(), SmallBufferBytes));
            clients.Add((client, Wire.ReadExactly(client, 1)));
        }

        server.Signal(Posix.SIGTERM);
        Assert.IsTrue(SpinWait.SpinUntil(() => Wire.IsRefused(server.Port()), Patience.Milliseconds), "it still accepts");
        foreach ((Socket client, byte[] head) in clients)
        {
            Delivery rest = Wire.ReadToEnd(client);
            new Delivery([.. head, .. rest.Bytes], rest.WasReset).AssertIs(LongPoem);
            client.Dispose();
        }

        Assert.AreEqual(0, server.WaitForExit().ExitCode);
    }

    [TestMethod]
    [DataRow("--drain", "0.3")]
    [DataRow("--drain", "3600")]
    public void Terminate_WithoutPatience_ResetsTheClientsOfAllWorkers(string option, string value)
    {
        NativeBinary server = ServePoem(LongPoem, "--workers", "2", option, value);
        Socket[] clients = [.. Enumerable.Range(0, 20).Select(_ => Own(Wire.Connect(server.Port(), SmallBufferBytes)))];
        Array.ForEach(clients, client => Wire.ReadExactly(client, 1));
        server.Signal(Posix.SIGTERM);
        server.Errors.WaitForText("draining");
        server.Signal(value == "3600" ? Posix.SIGINT : Posix.SIGUSR1);
        Assert.AreEqual(0, server.WaitForExit().ExitCode);
        Array.ForEach(clients, client => Assert.IsTrue(Wire.ReadToEnd(client).WasReset, "a poem that is not whole ended cleanly"));
    }

    /// <summary>
    /// Whichever worker has the last client: the signals, the figures and the watchdog live on the first, and as long as he
    /// does. With five servers of four workers the client is hardly ever always the first one's.
    /// </summary>
    [TestMethod]
    public void Terminate_OnlyOneWorkerIsBusy_TheServerStillTellsAndListens()
    {
        for (int i = 0; i < 5; i++)
        {
            NativeBinary server = ServePoem(LongPoem, "--workers", "4", "--drain", "3600", "--metrics", $"unix:m{i}.sock");
            using Socket last = Wire.Connect(server.Port(), SmallBufferBytes);
            _ = Wire.ReadExactly(last, 1);
            server.Signal(Posix.SIGTERM);
            Assert.IsTrue(SpinWait.SpinUntil(() => Wire.IsRefused(server.Port()), Patience.Milliseconds), "it still accepts");
            Assert.AreEqual(503, HttpAnswer.Get(Folder[$"m{i}.sock"], "/readyz").Status);
            server.Signal(Posix.SIGTERM);
            Assert.AreEqual(0, server.WaitForExit().ExitCode);
            Assert.IsTrue(Wire.ReadToEnd(last).WasReset, "a poem that is not whole ended cleanly");
        }
    }

    [TestMethod]
    public void Hangup_ReachesAllWorkers()
    {
        byte[] changed = MakePoem(700);
        NativeBinary server = ServePoem(Poem, "--workers", "2");
        _ = Folder.Write("poem.txt", changed);
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("reloaded");
        for (int i = 0; i < 40; i++)
        {
            Wire.Fetch(server.Port()).AssertIs(changed);
        }
    }

    [TestMethod]
    public void Hangup_EmptiesTheCachesOfAllWorkers()
    {
        int fetches = 0;
        using FaultServer upstream = new((client, _) =>
        {
            _ = client.Send(MakePoem(600 + Interlocked.Increment(ref fetches)));
            client.Shutdown(SocketShutdown.Send);
        });
        NativeBinary proxy = Start(new Launch("proxy", "--workers", "2", $"0={upstream.Port}", $"0={upstream.Port}"));
        Assert.HasCount(601, Wire.Fetch(proxy.Port(0)).Bytes);
        Assert.HasCount(602, Wire.Fetch(proxy.Port(1)).Bytes);
        proxy.Signal(Posix.SIGHUP);
        proxy.Errors.WaitForText("emptied the cache");
        Assert.IsTrue(SpinWait.SpinUntil(() => Wire.Fetch(proxy.Port(0)).Bytes.Length > 602, Patience.Milliseconds));
        Assert.IsTrue(SpinWait.SpinUntil(() => Wire.Fetch(proxy.Port(1)).Bytes.Length > 602, Patience.Milliseconds));
    }

    /// <summary>Whatever is missing at the start, it is said in one line before anything is said to be served.</summary>
    [TestMethod]
    public void Serve_WithHardlyAnyDescriptors_StartsWholeOrNotAtAll()
    {
        _ = Folder.Write("poem.txt", Poem);
        int served = 0;
        for (int descriptors = 8; descriptors <= 40; descriptors += 2)
        {
            NativeBinary server = Start(new Launch("serve", "--workers", "4", "poem.txt") { Before = $"ulimit -n {descriptors};" });
            Assert.IsTrue(
                SpinWait.SpinUntil(
                    () => server.Output.Lines.Length > 0 || server.Errors.Text.Contains("poetry: ", StringComparison.Ordinal),
                    Patience.Milliseconds),
                $"{descriptors} descriptors: not a word");
            if (server.Output.Lines.Length > 0)
            {
                // With its last descriptor it may find itself unable to accept, and says so; but it lives.
                Delivery delivery = Wire.Fetch(server.Port());
                served += Poem.AsSpan().SequenceEqual(delivery.Bytes) ? 1 : 0;
                Assert.IsTrue(delivery.Bytes.Length == Poem.Length || delivery.WasReset, $"{descriptors} descriptors: {delivery}");
                server.Signal(Posix.SIGTERM);
                Assert.AreEqual(0, server.WaitForExit().ExitCode);
            }
            else
            {
                AssertFailed(server.WaitForExit(), 1, "poetry: ");
            }
        }

        Assert.IsGreaterThan(0, served);
    }

    private int Open() => (int)HttpAnswer.Get(Folder["m.sock"], "/metrics").Figures()["poetry_connections_open"];

    private void AwaitOpen(int count) =>
        Assert.IsTrue(SpinWait.SpinUntil(() => Open() >= count, Patience.Milliseconds), $"{Open()} got in, and not {count}");
}
