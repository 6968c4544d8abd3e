using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>The proxy as its clients and its upstream see it.</summary>
[TestClass]
public sealed class ProxyTests : NativeTests
{
    private const int SmallBufferBytes = 4096;

    private ManualResetEvent _go = null!;

    [TestInitialize]
    public void MakeGate() => _go = Own(new ManualResetEvent(initialState: false));

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

    [TestMethod]
    public void FiftyClientsAtOnce_AreOneConnectionUpstream()
    {
        int connections = 0;
        using var upstream = new FaultServer((client, number) =>
        {
            _ = Interlocked.Increment(ref connections);
            _ = client.Send(Poem.AsSpan(0, 100));
            Assert.IsTrue(_go.WaitOne(Patience.Milliseconds));
            _ = client.Send(Poem.AsSpan(100));
            client.Shutdown(SocketShutdown.Send);
        });
        NativeBinary proxy = Proxy("--workers", "2", $"{upstream.Port}");
        Socket[] clients = Connect(proxy, 50);
        foreach (Socket client in clients)
        {
            Assert.IsTrue(Poem.AsSpan(0, 100).SequenceEqual(Wire.ReadExactly(client, 100)), "what has come is passed on at once");
        }

        _ = _go.Set();
        foreach (Socket client in clients)
        {
            Assert.IsTrue(Poem.AsSpan(100).SequenceEqual(Wire.ReadToEnd(client).Bytes));
        }

        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        Assert.AreEqual(1, connections);
    }

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
            Assert.IsTrue(_go.WaitOne(Patience.Milliseconds));
            Wire.Reset(client);
        });
        NativeBinary proxy = Proxy($"{upstream.Port}");
        Socket[] clients = Connect(proxy, 10);
        foreach (Socket client in clients)
        {
            _ = Wire.ReadExactly(client, 100);
        }

        _ = _go.Set();
        foreach (Socket client in clients)
        {
            Delivery rest = Wire.ReadToEnd(client);
            Assert.IsTrue(rest.WasReset, "a part of a poem has no clean end");
            Assert.IsEmpty(rest.Bytes);
        }

        proxy.Errors.WaitForText("failed: upstream reset after 100 bytes");
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
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
    public void AnEmptyPoem_HasACleanEnd()
    {
        using FaultServer upstream = FaultServer.Sending([]);
        NativeBinary proxy = Proxy($"{upstream.Port}");
        Wire.Fetch(proxy.Port()).AssertIs([]);
        Wire.Fetch(proxy.Port()).AssertIs([]);
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
            Assert.IsFalse(left.WaitOne(0), "somebody still waits");
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
    public void Netstrings_TellACutPoem()
    {
        using FaultServer upstream = FaultServer.Sending([.. Encoding.ASCII.GetBytes($"{Poem.Length}:"), .. Poem.AsSpan(0, 100)]);
        NativeBinary proxy = Proxy("--netstring", $"{upstream.Port}");
        Assert.IsTrue(Wire.Fetch(proxy.Port()).WasReset);
        proxy.Errors.WaitForText($"failed: got 100 of {Poem.Length} bytes");
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

    [TestMethod]
    public void Terminated_ItLetsAFetchFinish()
    {
        using FaultServer upstream = FaultServer.Pausing(Poem[..100], Poem[100..], _go);
        NativeBinary proxy = Proxy($"{upstream.Port}");
        using Socket client = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(client, 100);
        proxy.Signal(Posix.SIGTERM);
        proxy.Errors.WaitForText("ending");
        _ = _go.Set();
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

    private NativeBinary Proxy(params string[] arguments)
    {
        NativeBinary proxy = Start(new Launch(["proxy", .. arguments]));
        _ = proxy.Output.WaitForLines(1);
        return proxy;
    }

    private Socket[] Connect(NativeBinary proxy, int count)
    {
        var clients = new Socket[count];
        for (int i = 0; i < count; i++)
        {
            clients[i] = Own(Wire.Connect(proxy.Port()));
        }

        return clients;
    }
}
