using System;
using System.Net.Sockets;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Proxies that share what they fetched, through a real Redis server: one fetch, one life, one purge.</summary>
[TestClass]
public sealed class SharedFleetTests : SharedCacheNativeTests
{
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

    /// <summary>
    /// Sharing together with the other ways to a poem: the second proxy has it from the first. With another transformation it is
    /// another poem.
    /// </summary>
    [TestMethod]
    [DataRow("mirrors")]
    [DataRow("transform")]
    [DataRow("file")]
    public void AnyWayToAPoem_IsShared(string way)
    {
        using var redis = new RedisServer();
        using var upstream = new CountedUpstream((client, _) => SendAll(client, Poem));
        NativeBinary transforms = Start(new Launch("transform"));
        _ = transforms.Output.WaitForLines(1);
        string[] options = way switch
        {
            "mirrors" => [$"0=127.0.0.1:{FaultServer.FreePort()},{upstream.Address}"],
            "transform" => ["--transform", "rot13", "--via", $"{transforms.Port()}", $"0={upstream.Address}"],
            _ => ["--file", Folder["list"]],
        };
        _ = Folder.Write("list", $"0={FaultServer.FreePort()}\n");
        NativeBinary[] proxies = [SharingProxy(redis.Address, options), SharingProxy(redis.Address, options)];
        Subscribed(redis, 2);
        int[] ports = Array.ConvertAll(proxies, static proxy => proxy.Port());
        if (way == "file")
        {
            for (int i = 0; i < proxies.Length; i++)
            {
                ports[i] = FaultServer.FreePort();
                _ = Folder.Write("list", $"{ports[i]}={upstream.Address}\n");
                proxies[i].Signal(Posix.SIGHUP);
                proxies[i].Errors.WaitForText("listener opened: ");
            }
        }

        byte[] poem = Wire.Fetch(ports[0]).Bytes;
        Assert.HasCount(Poem.Length, poem);
        Assert.AreNotEqual(way == "transform", poem.AsSpan().SequenceEqual(Poem));
        Wire.Fetch(ports[1]).AssertIs(poem);
        Assert.AreEqual(1, upstream.Fetches);
        if (way == "transform")
        {
            options[1] = "shout";
            byte[] loud = Wire.Fetch(SharingProxy(redis.Address, options).Port()).Bytes;
            Assert.IsFalse(loud.AsSpan().SequenceEqual(poem), "another transformation is another poem");
            Assert.AreEqual(2, upstream.Fetches);
        }
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
}
