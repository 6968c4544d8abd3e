using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Proxies that share a real Redis: one fetch, one purge, and a cache that fails in its own ways.</summary>
[TestClass]
public sealed class SharedCacheTests : ProxyNativeTests
{
    private const string Lost = "the shared cache cannot be used";
    private const string Back = "the shared cache is back";

    private RedisServer _redis = null!;

    /// <summary>On a busy machine half a second without a reply is no outage.</summary>
    private string _timeout = "10";

    [TestInitialize]
    public void StartRedis() => _redis = Own(new RedisServer());

    [TestMethod]
    public void TenProxies_And500Clients_CauseOneFetch()
    {
        int fetches = 0;
        using var upstream = new FaultServer((client, _) =>
        {
            Interlocked.Increment(ref fetches);
            Assert.IsTrue(Go.WaitOne(Patience.Milliseconds));
            _ = client.Send(Poem);
            client.Shutdown(SocketShutdown.Send);
        });
        NativeBinary[] fleet = Fleet(10, upstream.Address);
        Socket[] clients = [.. fleet.SelectMany(proxy => Connect(proxy, 50))];
        WaitFor(() => Volatile.Read(ref fetches) > 0, "a fetch");
        _ = Go.Set();
        foreach (Socket client in clients)
        {
            Wire.ReadToEnd(client).AssertIs(Poem);
        }

        Assert.AreEqual(1, fetches);
    }

    [TestMethod]
    public void TwentyUpstreams_CauseTwentyFetches()
    {
        int fetches = 0;
        FaultServer[] upstreams = new FaultServer[20];
        for (int i = 0; i < upstreams.Length; i++)
        {
            byte[] poem = MakePoem(100 + i);
            upstreams[i] = Own(new FaultServer((client, _) =>
            {
                Interlocked.Increment(ref fetches);
                _ = client.Send(poem);
                client.Shutdown(SocketShutdown.Send);
            }));
        }

        string[] addresses = [.. upstreams.Select(upstream => $"0={upstream.Address}")];
        NativeBinary[] fleet = Fleet(3, addresses);
        Socket[][] clients = [.. fleet.SelectMany(proxy => Enumerable.Range(0, 20).Select(i =>
            (Socket[])[Own(Wire.Connect(proxy.Port(i))), Own(Wire.Connect(proxy.Port(i)))]))];
        for (int i = 0; i < clients.Length; i++)
        {
            Array.ForEach(clients[i], client => Wire.ReadToEnd(client).AssertIs(MakePoem(100 + (i % 20))));
        }

        Assert.AreEqual(20, fetches);
    }

    [TestMethod]
    public void AProxyKilledWhileItFetches_IsReplacedWithinItsLease_AndNoPartLooksWhole()
    {
        using var upstream = new FaultServer((client, number) =>
        {
            _ = client.Send(Poem.AsSpan(0, 100));
            if (number > 1)
            {
                _ = client.Send(Poem.AsSpan(100));
                client.Shutdown(SocketShutdown.Send);
            }
        });
        NativeBinary[] fleet = Fleet(2, upstream.Address);
        using Socket first = Wire.Connect(fleet[0].Port());
        _ = Wire.ReadExactly(first, 100);
        using Socket second = Wire.Connect(fleet[1].Port());
        long began = Environment.TickCount64;
        fleet[0].Kill();
        Wire.ReadToEnd(second).AssertIs(Poem);
        Assert.IsLessThan(3000 + (Patience.Milliseconds / 10), Environment.TickCount64 - began);
    }

    [TestMethod]
    public void OneHangUp_PurgesThePoemEverywhere()
    {
        byte[] poem = MakePoem(500);
        NativeBinary server = ServePoem(poem);
        NativeBinary[] fleet = Fleet(3, $"{server.Port()}");
        foreach (NativeBinary proxy in fleet)
        {
            Wire.Fetch(proxy.Port()).AssertIs(poem);
        }

        _ = Folder.Write("poem.txt", MakePoem(700));
        server.Signal(Posix.SIGHUP);
        server.Errors.WaitForText("reloaded");
        fleet[1].Signal(Posix.SIGHUP);
        foreach (NativeBinary proxy in fleet)
        {
            WaitFor(() => Wire.Fetch(proxy.Port()).Bytes.Length == 700, "the new poem");
        }
    }

    [TestMethod]
    public void APoemOf64MiB_GoesThroughIt_AndALongerOneIsNotStored()
    {
        byte[] poem = MakePoem(64 * 1024 * 1024);
        NativeBinary server = ServePoem(poem);
        NativeBinary[] fleet = Fleet(2, $"{server.Port()}", "--max-poem", "0");
        Wire.Fetch(fleet[0].Port()).AssertIs(poem);
        WaitFor(() => KeyCount() == 1, "the poem in the cache");
        Wire.Fetch(fleet[1].Port()).AssertIs(poem);
        fleet[1].Errors.WaitForText("Using shared poem.");
        NativeBinary small = Fleet(1, $"{server.Port()}", "--shared-prefix", "small", "--shared-max", "1MiB")[0];
        Wire.Fetch(small.Port()).AssertIs(poem);
        Assert.AreEqual(1, KeyCount());
    }

    [TestMethod]
    [DataRow("killed")]
    [DataRow("paused")]
    [DataRow("full")]
    public void AnOutage_IsSaidOnce_AndEndsByItself(string kind)
    {
        _timeout = kind == "paused" ? "0.5" : _timeout;
        NativeBinary server = ServePoem(Poem);
        NativeBinary[] fleet = Fleet(
            2, [$"{server.Port()}", $"127.0.0.1:{server.Port()}"], "--ttl", "0.001", "--workers", "2");
        Wire.Fetch(fleet[0].Port()).AssertIs(Poem);
        Break(kind);
        for (int i = 0; i < 6; i++)
        {
            Array.ForEach(fleet, proxy => Wire.Fetch(proxy.Port(i % 2)).AssertIs(Poem));
        }

        Array.ForEach(fleet, proxy => proxy.Errors.WaitForText(Lost));
        Repair(kind);
        Array.ForEach(fleet, proxy => proxy.Errors.WaitForText(Back));
        foreach (NativeBinary proxy in kind == "paused" ? [] : fleet)
        {
            Assert.AreEqual(1, proxy.Errors.Lines.Count(line => line.Contains(Lost, StringComparison.Ordinal)), "one warning of both workers");
            Assert.AreEqual(1, proxy.Errors.Lines.Count(line => line.Contains(Back, StringComparison.Ordinal)));
            Wire.Fetch(proxy.Port()).AssertIs(Poem);
        }
    }

    [TestMethod]
    public void AWrongPassword_IsAnOutage_AndIsNotLogged()
    {
        using var redis = new RedisServer("--requirepass", "secret-of-redis");
        NativeBinary server = ServePoem(Poem);
        NativeBinary proxy = Start(new Launch(["proxy", "--shared-cache", redis.Address, "--netstring", $"{server.Port()}"])
        {
            Environment = new Dictionary<string, string> { ["POETRY_SHARED_PASSWORD"] = "wrong-secret" },
        });
        proxy.Errors.WaitForText(Lost);
        Assert.DoesNotContain("secret", proxy.Errors.Text);
    }

    [TestMethod]
    public void SigTerm_StoresTheFetchInFlight_AndGivesItsLockBack()
    {
        using FaultServer upstream = FaultServer.Pausing(Poem[..100], Poem[100..], Go);
        NativeBinary proxy = Fleet(1, upstream.Address)[0];
        using Socket client = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(client, 100);
        proxy.Signal(Posix.SIGTERM);
        proxy.Errors.WaitForText("draining");
        _ = Go.Set();
        _ = Wire.ReadToEnd(client);
        Assert.AreEqual(0, proxy.WaitForExit().ExitCode);
        string keys = _redis.Run("KEYS", "*")!;
        Assert.AreEqual($"poetry:1:{{plain:-:{upstream.Address}}}", keys);
    }

    [TestMethod]
    public void ALockOfAFetchThatIsCutByTheEnd_IsGivenBack()
    {
        using FaultServer upstream = FaultServer.Hanging(Poem[..100]);
        NativeBinary proxy = Fleet(1, upstream.Address, "--drain", "0.1")[0];
        using Socket client = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(client, 100);
        Assert.AreEqual(1, KeyCount());
        proxy.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, proxy.WaitForExit().ExitCode);
        WaitFor(() => KeyCount() == 0, "no lock");
    }

    [TestMethod]
    public void Figures_AreInTheMetrics()
    {
        NativeBinary server = ServePoem(Poem);
        NativeBinary proxy = Fleet(1, $"{server.Port()}", "--metrics", "unix:metrics.sock")[0];
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        Dictionary<string, double> figures = HttpAnswer.Get(Folder["metrics.sock"], "/metrics").Figures();
        Assert.AreEqual(1, figures["poetry_proxy_shared_up"]);
        Assert.AreEqual(0, figures["poetry_proxy_shared_outages_total"]);
    }

    private static void WaitFor(Func<bool> condition, string what) =>
        Assert.IsTrue(SpinWait.SpinUntil(condition, Patience.Milliseconds), $"waited for {what}");

    private int KeyCount() => int.Parse(_redis.Run("DBSIZE")!.TrimStart(':'), CultureInfo.InvariantCulture);

    private NativeBinary[] Fleet(int count, string upstream, params string[] options) => Fleet(count, [upstream], options);

    private NativeBinary[] Fleet(int count, string[] upstreams, params string[] options)
    {
        var fleet = new NativeBinary[count];
        for (int i = 0; i < count; i++)
        {
            fleet[i] = Start(new Launch(["proxy", "--shared-cache", _redis.Address, "--shared-timeout", _timeout, .. options, .. upstreams]));
            _ = fleet[i].Output.WaitForLines(upstreams.Length);
        }

        // Until all have subscribed, what was fetched before is not kept. Each worker has a poem.
        int workers = Array.IndexOf(options, "--workers") < 0 ? 1 : upstreams.Length;
        string all = $":{count * workers}";
        WaitFor(() => _redis.Run("PUBSUB", "NUMSUB", Channel(options))!.EndsWith(all, StringComparison.Ordinal), "subscriptions");
        return fleet;
    }

    private static string Channel(string[] options)
    {
        int at = Array.IndexOf(options, "--shared-prefix");
        return $"{(at < 0 ? "poetry:1" : options[at + 1])}:purge";
    }

    private void Break(string kind)
    {
        switch (kind)
        {
            case "killed":
                _redis.Kill();
                break;
            case "paused":
                _redis.Pause();
                break;
            default:
                Assert.AreEqual("+OK", _redis.Run("CONFIG", "SET", "maxmemory", "1"));
                break;
        }
    }

    private void Repair(string kind)
    {
        switch (kind)
        {
            case "killed":
                _redis.Start();
                break;
            case "paused":
                _redis.Resume();
                break;
            default:
                Assert.AreEqual("+OK", _redis.Run("CONFIG", "SET", "maxmemory", "0"));
                break;
        }
    }
}
