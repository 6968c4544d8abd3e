using System.Net.Sockets;
using System.Text;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The proxy as its clients and its upstream see it.</summary>
[TestClass]
public sealed class ProxyTests : ProxyNativeTests
{
    private const int SmallBufferBytes = 4096;

    [TestMethod]
    public void Proxy_SaysWhatItProxies_AndServesFromMemory()
    {
        NativeBinary upstream = ServePoem(Poem);
        NativeBinary proxy = Proxy($"{upstream.Port()}");
        Assert.AreEqual($"Proxying 127.0.0.1:{upstream.Port()} on 127.0.0.1:{proxy.Port()}.", proxy.Output.Lines[0]);
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        proxy.Errors.WaitForText("Fetching poem from server.");
        upstream.Kill();
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        proxy.Errors.WaitForText("Using cached poem.");
    }

    /// <summary>Over a Unix socket there is no reset: who takes such a poem is told what that means.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void APoemFromAUnixSocket_IsServed_WithAWarningUnlessItIsFramed(bool isFramed)
    {
        _ = Folder.Write("poem.txt", Poem);
        string[] framing = isFramed ? ["--netstring"] : [];
        NativeBinary upstream = Start(new Launch(["serve", .. framing, "unix:poem.sock=poem.txt"]));
        _ = upstream.Output.WaitForLines(1);
        NativeBinary proxy = Proxy([.. framing, "unix:poem.sock"]);
        Finished got = Run(["get", "--quiet", .. framing, $"{proxy.Port()}"]);
        new Delivery(got.Bytes, WasReset: false).AssertIs(Poem, got.Errors);
        proxy.Errors.WaitForText("Fetching poem from server.");
        Assert.AreEqual(!isFramed, proxy.Errors.Text.Contains("will look whole", StringComparison.Ordinal), proxy.Errors.Text);
    }

    [TestMethod]
    public void FiftyClientsAtOnce_AreOneConnectionUpstream()
    {
        int connections = 0;
        using var upstream = new FaultServer((client, number) =>
        {
            _ = Interlocked.Increment(ref connections);
            _ = client.Send(Poem.AsSpan(0, 100));
            Assert.IsTrue(Go.WaitOne(Patience.Milliseconds));
            _ = client.Send(Poem.AsSpan(100));
            client.Shutdown(SocketShutdown.Send);
        });
        NativeBinary proxy = Proxy("--workers", "2", $"{upstream.Port}");
        Socket[] clients = Connect(proxy, 50);
        foreach (Socket client in clients)
        {
            Assert.IsTrue(Poem.AsSpan(0, 100).SequenceEqual(Wire.ReadExactly(client, 100)), "what has come is passed on at once");
        }

        _ = Go.Set();
        foreach (Socket client in clients)
        {
            Assert.IsTrue(Poem.AsSpan(100).SequenceEqual(Wire.ReadToEnd(client).Bytes));
        }

        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        Assert.AreEqual(1, connections);
    }

    [TestMethod]
    public void AnEmptyPoem_HasACleanEnd()
    {
        using FaultServer upstream = FaultServer.Sending([]);
        NativeBinary proxy = Proxy("--allow-empty", $"{upstream.Port}");
        Wire.Fetch(proxy.Port()).AssertIs([]);
        Wire.Fetch(proxy.Port()).AssertIs([]);
    }

    [TestMethod]
    public void AHalfClosedClient_GetsACachedPoem()
    {
        NativeBinary upstream = ServePoem(LongPoem);
        NativeBinary proxy = Proxy($"{upstream.Port()}");
        Wire.Fetch(proxy.Port()).AssertIs(LongPoem);
        using Socket client = Wire.Connect(proxy.Port(), SmallBufferBytes);
        client.Shutdown(SocketShutdown.Send);
        Wire.ReadToEnd(client).AssertIs(LongPoem);
    }

    [TestMethod]
    public void AHangUp_EmptiesTheCache()
    {
        NativeBinary upstream = ServePoem(Poem);
        NativeBinary proxy = Proxy($"{upstream.Port()}");
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        byte[] another = MakePoem(1000);
        _ = Folder.Write("poem.txt", another);
        upstream.Signal(Posix.SIGHUP);
        upstream.Errors.WaitForText("reloaded");
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        proxy.Signal(Posix.SIGHUP);
        proxy.Errors.WaitForText("emptied the cache");
        Wire.Fetch(proxy.Port()).AssertIs(another);
    }

    [TestMethod]
    public void Netstrings_TravelOnBothSides()
    {
        NativeBinary upstream = ServePoem(Poem, "--netstring");
        NativeBinary proxy = Proxy("--netstring", $"{upstream.Port()}");
        byte[] framed = [.. Encoding.ASCII.GetBytes($"{Poem.Length}:"), .. Poem, (byte)','];
        Wire.Fetch(proxy.Port()).AssertIs(framed);
        Wire.Fetch(proxy.Port()).AssertIs(framed);
        Finished got = Run("get", "--netstring", "--quiet", $"{proxy.Port()}");
        Assert.AreEqual(0, got.ExitCode, got.Errors);
        Assert.IsTrue(Poem.AsSpan().SequenceEqual(got.Bytes));
    }

    [TestMethod]
    public void APoemThatIsTooLong_PassesThrough()
    {
        NativeBinary upstream = ServePoem(LongPoem);
        NativeBinary proxy = Proxy("--max-poem", "100KiB", $"{upstream.Port()}");
        var clients = new List<Thread>();
        var deliveries = new Delivery[4];
        for (int i = 0; i < deliveries.Length; i++)
        {
            int place = i;
            clients.Add(new Thread(() => deliveries[place] = Wire.Fetch(proxy.Port())));
            clients[i].Start();
        }

        clients.ForEach(client => client.Join());
        Array.ForEach(deliveries, delivery => delivery.AssertIs(LongPoem));
        for (int number = 1; number <= deliveries.Length; number++)
        {
            proxy.Errors.WaitForText($"#{number} proxied");
        }

        Assert.DoesNotContain("Using cached poem.", proxy.Errors.Text);
    }

    [TestMethod]
    public void APoemThatIsTooLong_DoesNotWaitForEverForItsSlowestReader()
    {
        NativeBinary upstream = ServePoem(LongPoem);
        NativeBinary proxy = Proxy("--max-poem", "100KiB", "--send-timeout", "0.5", $"{upstream.Port()}");
        using Socket slow = Wire.Connect(proxy.Port(), SmallBufferBytes);
        _ = Wire.ReadExactly(slow, 1);
        Wire.Fetch(proxy.Port()).AssertIs(LongPoem);
        Wire.WaitForReset(slow);
        proxy.Errors.WaitForText("timeout");
    }

    [TestMethod]
    public void AClientThatDoesNotRead_HoldsNobodyUp()
    {
        NativeBinary upstream = ServePoem(LongPoem);
        NativeBinary proxy = Proxy("--store-and-forward", $"{upstream.Port()}");
        using Socket slow = Wire.Connect(proxy.Port(), SmallBufferBytes);
        _ = Wire.ReadExactly(slow, 1);
        Wire.Fetch(proxy.Port()).AssertIs(LongPoem);
        proxy.Signal(Posix.SIGHUP);
        proxy.Errors.WaitForText("emptied the cache");
        Assert.IsTrue(LongPoem.AsSpan(1).SequenceEqual(Wire.ReadToEnd(slow).Bytes), "it goes on with the poem that it began with");
    }

    [TestMethod]
    public void SeveralPoems_HaveAProxyEach()
    {
        NativeBinary one = ServePoem(Poem);
        _ = Folder.Write("long.txt", LongPoem);
        NativeBinary other = Serve("long.txt");
        NativeBinary proxy = Start(new Launch("proxy", $"0={one.Port()}", $"0={other.Port()}"));
        Wire.Fetch(proxy.Port(0)).AssertIs(Poem);
        Wire.Fetch(proxy.Port(1)).AssertIs(LongPoem);
    }
}
