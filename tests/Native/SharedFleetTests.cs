using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Proxies that share what they fetched, through a real Redis server: one fetch, one life, one purge.</summary>
[TestClass]
public sealed class SharedFleetTests : SharedCacheNativeTests
{
    [TestMethod]
    public void TenProxies_And500Clients_CauseOneFetch()
    {
        using var redis = new RedisServer();
        using CountedUpstream upstream = Waiting(Poem);
        var clients = new List<Socket>();
        foreach (NativeBinary proxy in SharingProxies(10, redis, upstream))
        {
            clients.AddRange(Connect(proxy, 50));
        }

        upstream.WaitForFetch();
        _ = Go.Set();
        foreach (Socket client in clients)
        {
            Wire.ReadToEnd(client).AssertIs(Poem);
        }

        Assert.AreEqual(1, upstream.Fetches);
    }

    [TestMethod]
    public void AnotherPoemOfEachOf20Upstreams_Causes20Fetches()
    {
        using var redis = new RedisServer();
        var upstreams = new List<CountedUpstream>();
        for (int i = 0; i < 20; i++)
        {
            byte[] poem = MakePoem(600 + i);
            upstreams.Add(Own(new CountedUpstream((client, _) => SendAll(client, poem))));
        }

        var clients = new List<Socket>();
        NativeBinary[] proxies = SharingProxies(3, redis, [.. upstreams]);
        foreach (NativeBinary proxy in proxies)
        {
            for (int i = 0; i < upstreams.Count; i++)
            {
                clients.Add(Own(Wire.Connect(proxy.Port(i))));
                clients.Add(Own(Wire.Connect(proxy.Port(i))));
            }
        }

        for (int i = 0; i < clients.Count; i++)
        {
            Wire.ReadToEnd(clients[i]).AssertIs(MakePoem(600 + (i / 2 % upstreams.Count)));
        }

        Assert.IsTrue(upstreams.TrueForAll(static upstream => upstream.Fetches == 1));
    }

    /// <summary>The lease of a proxy that is killed while it fetches runs out, and another proxy fetches for its own client.</summary>
    [TestMethod]
    public void AProxyThatIsKilledWhileItFetches_CostsTheOthersItsLease()
    {
        using var redis = new RedisServer();
        using var upstream = new CountedUpstream((client, number) =>
        {
            if (number == 1)
            {
                _ = client.Send(Poem.AsSpan(0, 100));
            }
            else
            {
                SendAll(client, Poem);
            }
        });
        NativeBinary[] proxies = SharingProxies(2, redis, upstream);
        Socket first = Own(Wire.Connect(proxies[0].Port()));
        _ = Wire.ReadExactly(first, 100);
        Socket second = Own(Wire.Connect(proxies[1].Port()));
        RedisCluster.Until(() => Figure(proxies[1], "poetry_proxy_shared_waits_total") == 1, "the wait of the second proxy");
        Assert.AreEqual(0, second.Available, "a proxy that waits for another gives its clients nothing");
        var watch = Stopwatch.StartNew();
        proxies[0].Kill();
        Wire.ReadToEnd(second).AssertIs(Poem);
        Assert.IsLessThan(5.0, watch.Elapsed.TotalSeconds, "a lease is 3 s");
        Assert.AreEqual(2, upstream.Fetches);
    }

    [TestMethod]
    public void APoem_IsKeptForTheRestOfItsLife()
    {
        using var redis = new RedisServer();
        using var upstream = new CountedUpstream((client, number) => SendAll(client, MakePoem(600 + number)));
        NativeBinary[] proxies = SharingProxies(2, redis, upstream);
        Wire.Fetch(proxies[0].Port()).AssertIs(MakePoem(601));
        string key = KeyOf(redis);
        Assert.AreEqual(":1", redis.Run("PEXPIRE", key, "1500"));
        Wire.Fetch(proxies[1].Port()).AssertIs(MakePoem(601));
        Assert.AreEqual(1, upstream.Fetches, "it came from the shared cache");
        RedisCluster.Until(() => redis.Run("EXISTS", key) == ":0", "the end of its life");
        Wire.Fetch(proxies[1].Port()).AssertIs(MakePoem(602));
        Wire.Fetch(proxies[0].Port()).AssertIs(MakePoem(601), "the proxy that fetched it, which keeps it for all of --ttl");
    }

    [TestMethod]
    public void OneSighup_PurgesThePoemEverywhere()
    {
        using var redis = new RedisServer();
        using var upstream = new CountedUpstream((client, number) => SendAll(client, MakePoem(600 + number)));
        NativeBinary[] proxies = SharingProxies(3, redis, upstream);
        foreach (NativeBinary proxy in proxies)
        {
            Wire.Fetch(proxy.Port()).AssertIs(MakePoem(601));
        }

        proxies[1].Signal(Posix.SIGHUP);
        foreach (NativeBinary proxy in proxies)
        {
            RedisCluster.Until(() => Wire.Fetch(proxy.Port()).Bytes.Length == 602, "the new poem");
        }

        Assert.AreEqual(2, upstream.Fetches);
    }

    [TestMethod]
    public void AFetchThatBeganBeforeAPurge_IsNotStoredAfterIt()
    {
        using var redis = new RedisServer();
        using var upstream = new CountedUpstream((client, number) =>
        {
            byte[] poem = MakePoem(600 + number);
            if (number == 1)
            {
                _ = client.Send(poem.AsSpan(0, 100));
                Assert.IsTrue(Go.WaitOne(Patience.Milliseconds));
                poem = poem[100..];
            }

            SendAll(client, poem);
        });
        NativeBinary[] proxies = SharingProxies(2, redis, upstream);
        Socket early = Own(Wire.Connect(proxies[0].Port()));
        byte[] start = Wire.ReadExactly(early, 100);
        string locked = KeyOf(redis);
        Assert.EndsWith(":lock", locked);
        proxies[1].Signal(Posix.SIGHUP);
        RedisCluster.Until(() => redis.Run("EXISTS", locked) == ":0", "the purge");
        _ = Go.Set();
        CollectionAssert.AreEqual(MakePoem(601), (byte[])[.. start, .. Wire.ReadToEnd(early).Bytes], "the fetch goes on for its client");
        foreach (NativeBinary proxy in proxies)
        {
            Wire.Fetch(proxy.Port()).AssertIs(MakePoem(602));
        }

        Assert.AreEqual(2, upstream.Fetches);
    }

    [TestMethod]
    public void APoemLongerThanSharedMax_IsFetchedByEachProxy()
    {
        using var redis = new RedisServer();
        byte[] poem = MakePoem(100_001);
        using var upstream = new CountedUpstream((client, _) => SendAll(client, poem));
        NativeBinary[] proxies = SharingProxies(2, redis, ["--shared-max", "100000"], upstream);
        foreach (NativeBinary proxy in proxies)
        {
            Wire.Fetch(proxy.Port()).AssertIs(poem);
        }

        Assert.AreEqual(2, upstream.Fetches);
        Assert.AreEqual(string.Empty, redis.Run("KEYS", "*"));
    }

    /// <summary>Redis serves nothing else while it copies such a value: on a busy machine for longer than the default timeout.</summary>
    [TestMethod]
    public void APoemOf64MiB_GoesThroughTheSharedCache()
    {
        using var redis = new RedisServer();
        byte[] poem = new byte[64 * 1024 * 1024];
        new Random(1).NextBytes(poem);
        using var upstream = new CountedUpstream((client, _) => SendAll(client, poem));
        foreach (NativeBinary proxy in SharingProxies(2, redis, ["--shared-timeout", "20"], upstream))
        {
            Wire.Fetch(proxy.Port()).AssertIs(poem);
            RedisCluster.Until(() => redis.Run("STRLEN", $"poetry:1:{{plain:-:{upstream.Address}}}") == ":67108864", "the value");
        }

        Assert.AreEqual(1, upstream.Fetches);
    }

    /// <summary>Drained, a fetch in flight is stored, and no lock is left.</summary>
    [TestMethod]
    public void Sigterm_StoresTheFetchInFlight()
    {
        using var redis = new RedisServer();
        using CountedUpstream upstream = Waiting(Poem);
        NativeBinary[] proxies = SharingProxies(2, redis, upstream);
        Socket client = Own(Wire.Connect(proxies[0].Port()));
        upstream.WaitForFetch();
        proxies[0].Signal(Posix.SIGTERM);
        _ = Go.Set();
        Wire.ReadToEnd(client).AssertIs(Poem);
        Assert.AreEqual(0, proxies[0].WaitForExit().ExitCode);
        Assert.DoesNotEndWith(":lock", KeyOf(redis));
        Wire.Fetch(proxies[1].Port()).AssertIs(Poem);
        Assert.AreEqual(1, upstream.Fetches);
    }
}
