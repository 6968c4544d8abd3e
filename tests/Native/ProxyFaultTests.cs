using System.Net;
using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>What the clients of a proxy see of upstreams that fail, and upstreams of clients that leave.</summary>
[TestClass]
public sealed class ProxyFaultTests : ProxyNativeTests
{
    [TestMethod]
    public void AnUpstreamThatResets_ResetsAllClients_AndTheNextFetchesAgain()
    {
        using var upstream = new FaultServer((client, number) =>
        {
            if (number > 1)
            {
                _ = client.Send(Poem);
                client.Shutdown(SocketShutdown.Send);
                return;
            }

            _ = client.Send(Poem.AsSpan(0, 100));
            Assert.IsTrue(Go.WaitOne(Patience.Milliseconds));
            Wire.Reset(client);
        });
        NativeBinary proxy = Proxy($"{upstream.Port}");
        Socket[] clients = Connect(proxy, 10);
        foreach (Socket client in clients)
        {
            _ = Wire.ReadExactly(client, 100);
        }

        _ = Go.Set();
        foreach (Socket client in clients)
        {
            Delivery rest = Wire.ReadToEnd(client);
            Assert.IsTrue(rest.WasReset, "a part of a poem has no clean end");
            Assert.IsEmpty(rest.Bytes);
        }

        proxy.Errors.WaitForText("failed: upstream reset after 100 bytes");
        FetchAfterPause(proxy).AssertIs(Poem);
    }

    [TestMethod]
    public void AnUpstreamThatRefuses_IsNoEmptyPoem()
    {
        NativeBinary proxy = Proxy($"{FaultServer.FreePort()}");
        Delivery delivery = Wire.Fetch(proxy.Port());
        Assert.IsTrue(delivery.WasReset);
        Assert.IsEmpty(delivery.Bytes);
        proxy.Errors.WaitForText("failed: connection refused");
    }

    [TestMethod]
    public void AnUpstreamThatIsSilent_HasFailed()
    {
        using FaultServer upstream = FaultServer.Hanging(Poem[..100]);
        NativeBinary proxy = Proxy("--timeout", "0.2", $"{upstream.Port}");
        Delivery delivery = Wire.Fetch(proxy.Port());
        Assert.IsTrue(delivery.WasReset);
        Assert.IsTrue(Poem.AsSpan(0, 100).SequenceEqual(delivery.Bytes));
    }

    [TestMethod]
    [DataRow(true, DisplayName = "by a reset")]
    [DataRow(false, DisplayName = "by ending its side")]
    public void WhenTheLastClientLeaves_TheConnectionUpstreamIsClosed(bool byReset)
    {
        using var left = new ManualResetEvent(initialState: false);
        using var upstream = new FaultServer((client, number) =>
        {
            _ = client.Send(Poem.AsSpan(0, 100));
            try
            {
                _ = client.Receive(new byte[1]);
            }
            finally
            {
                _ = left.Set();
            }
        });
        NativeBinary proxy = Proxy($"{upstream.Port}");
        Socket[] clients = Connect(proxy, 3);
        foreach (Socket client in clients)
        {
            _ = Wire.ReadExactly(client, 100);
        }

        foreach (Socket client in clients)
        {
            Assert.IsFalse(left.WaitOne(0), "a client still waits");
            if (byReset)
            {
                Wire.Reset(client);
            }
            else
            {
                client.Shutdown(SocketShutdown.Send);
                Assert.IsTrue(Wire.ReadToEnd(client).WasReset, "what it has is no whole poem");
            }
        }

        Assert.IsTrue(left.WaitOne(Patience.Milliseconds), "the connection upstream is still open");
        proxy.Errors.WaitForText("Canceling poem download.");
    }

    [TestMethod]
    public void Netstrings_TellACutPoem()
    {
        using FaultServer upstream = FaultServer.Sending([.. Encoding.ASCII.GetBytes($"{Poem.Length}:"), .. Poem.AsSpan(0, 100)]);
        NativeBinary proxy = Proxy("--netstring", $"{upstream.Port}");
        Assert.IsTrue(Wire.Fetch(proxy.Port()).WasReset);
        proxy.Errors.WaitForText($"failed: got 100 of {Poem.Length} bytes");
    }

    [TestMethod]
    public void TwoProxiesInACircle_EndByTheirTimeOut()
    {
        int port = FaultServer.FreePort();
        NativeBinary second = Proxy("--timeout", "0.3", $"{port}");
        NativeBinary first = Proxy("--timeout", "0.3", "--port", $"{port}", $"{second.Port()}");
        Delivery delivery = Wire.Fetch(first.Port());
        Assert.IsTrue(delivery.WasReset);
        Assert.IsEmpty(delivery.Bytes);
        Assert.AreEqual(1, first.Errors.Lines.Count(line => line.Contains("Fetching", StringComparison.Ordinal)), first.Errors.Text);
    }

    [TestMethod]
    public void AProxyOfItself_IsRefused()
    {
        int port = FaultServer.FreePort();
        AssertFailed(Run("proxy", "--port", $"{port}", $"{port}"), 2, "is the proxy itself");
        AssertFailed(Run("proxy"), 2, "no address given");
    }

    /// <summary>A name that has to be looked up, with its IPv4 address.</summary>
    private static (string Name, string Address) NameOfThisMachine()
    {
        string name = Dns.GetHostName();
        try
        {
            return (name, $"{Dns.GetHostAddresses(name, AddressFamily.InterNetwork)[0]}");
        }
        catch (Exception error) when (error is SocketException or IndexOutOfRangeException)
        {
            Assert.Inconclusive($"this machine's name has no address: {error.Message}");
            throw;
        }
    }

    /// <summary>A name that only a look-up tells: one line, not one for each client, and no client waits for the timeout.</summary>
    [TestMethod]
    [DataRow("")]
    [DataRow("0.0.0.0")]
    [DataRow("unix:self.sock")]
    public void AProxyOfItselfByAnotherName_IsNoticedWhenItConnects(string listen)
    {
        const int Clients = 5;
        bool isUnix = listen.StartsWith("unix:", StringComparison.Ordinal);
        int port = FaultServer.FreePort();
        (string name, string address) = isUnix ? default : NameOfThisMachine();
        string own = isUnix ? "unix:./self.sock" : $"{name}:{port}";
        listen = listen.Length == 0 ? address : listen;
        NativeBinary proxy = Start(new Launch(
            ["proxy", .. isUnix ? ["--listen", listen] : (string[])["--iface", listen, "--port", $"{port}"], own, "--netstring"]));
        _ = proxy.Output.WaitForLines(1);
        for (int i = 0; i < Clients; i++)
        {
            Finished finished = Run("get", "--netstring", "--timeout", "30", isUnix ? listen : own);
            Assert.AreEqual(1, finished.ExitCode, finished.Errors);
            Assert.DoesNotContain("timed out", finished.Errors);
        }

        proxy.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, proxy.WaitForExit().ExitCode);
        Assert.HasCount(
            1, proxy.Errors.Lines.Where(line => line.Contains($"fetch of {own} failed: that is the proxy itself", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void AMirrorThatIsTheProxyItself_IsPassedOver()
    {
        NativeBinary upstream = ServePoem(Poem);
        int port = FaultServer.FreePort();
        (string name, _) = NameOfThisMachine();
        NativeBinary proxy = Start(new Launch("proxy", "--iface", "0.0.0.0", "--port", $"{port}", $"{name}:{port},{upstream.Port()}"));
        _ = proxy.Output.WaitForLines(1);
        Wire.Fetch(port).AssertIs(Poem);
        proxy.Errors.WaitForText($" {name}:{port}: that is the proxy itself\n");
    }

    [TestMethod]
    public void Terminated_ItLetsAFetchFinish()
    {
        using FaultServer upstream = FaultServer.Pausing(Poem[..100], Poem[100..], Go);
        NativeBinary proxy = Proxy($"{upstream.Port}");
        using Socket client = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(client, 100);
        proxy.Signal(Posix.SIGTERM);
        proxy.Errors.WaitForText("draining");
        _ = Go.Set();
        Delivery rest = Wire.ReadToEnd(client);
        Assert.IsFalse(rest.WasReset);
        Assert.IsTrue(Poem.AsSpan(100).SequenceEqual(rest.Bytes));
        Assert.AreEqual(0, proxy.WaitForExit().ExitCode);
    }

    [TestMethod]
    public void Terminated_WithoutPatience_ItResetsWhoWaits()
    {
        using FaultServer upstream = FaultServer.Hanging(Poem[..100]);
        NativeBinary proxy = Proxy("--drain", "0.1", $"{upstream.Port}");
        using Socket client = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(client, 100);
        proxy.Signal(Posix.SIGTERM);
        Assert.IsTrue(Wire.ReadToEnd(client).WasReset);
        Assert.AreEqual(0, proxy.WaitForExit().ExitCode);
    }
}
