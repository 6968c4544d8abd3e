using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>Proxies that share what they fetched, through a real Redis server: one fetch, one life, one purge.</summary>
[TestClass]
public sealed class SharedCacheTests : SharedCacheNativeTests
{
    private RedisServer _redis = null!;

    [TestInitialize]
    public void StartRedis() => _redis = Own(new RedisServer());

    [TestMethod]
    public void TenProxies_And500Clients_CauseOneFetch()
    {
        using var upstream = new CountedUpstream((client, _) =>
        {
            Assert.IsTrue(Go.WaitOne(Patience.Milliseconds));
            SendAll(client, Poem);
        });
        NativeBinary[] fleet = SharingProxies(10, _redis, upstream);
        Socket[] clients = [.. fleet.SelectMany(proxy => Connect(proxy, 50))];
        RedisCluster.Until(() => upstream.Fetches > 0, "a fetch");
        _ = Go.Set();
        Array.ForEach(clients, client => Wire.ReadToEnd(client).AssertIs(Poem));
        Assert.AreEqual(1, upstream.Fetches);
    }

    [TestMethod]
    public void TwentyUpstreams_CauseTwentyFetches()
    {
        CountedUpstream[] upstreams = [.. Enumerable.Range(0, 20).Select(i => Own(
            new CountedUpstream((client, _) => SendAll(client, MakePoem(100 + i)))))];
        NativeBinary[] fleet = SharingProxies(3, _redis, upstreams);
        Socket[] clients = [.. fleet.SelectMany(proxy => Enumerable.Range(0, 40).Select(i => Own(Wire.Connect(proxy.Port(i / 2)))))];
        for (int i = 0; i < clients.Length; i++)
        {
            Wire.ReadToEnd(clients[i]).AssertIs(MakePoem(100 + (i / 2 % 20)));
        }

        Assert.AreEqual(20, upstreams.Sum(upstream => upstream.Fetches));
    }

    [TestMethod]
    public void AProxyKilledWhileItFetches_IsReplacedWithinItsLease_AndNoPartLooksWhole()
    {
        using var upstream = new CountedUpstream((client, number) =>
        {
            _ = client.Send(Poem.AsSpan(0, 100));
            if (number > 1)
            {
                SendAll(client, Poem[100..]);
            }
        });
        NativeBinary[] fleet = SharingProxies(2, _redis, upstream);
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
        int length = 500;
        using var upstream = new CountedUpstream((client, _) => SendAll(client, MakePoem(length)));
        NativeBinary[] fleet = SharingProxies(3, _redis, upstream);
        Array.ForEach(fleet, proxy => Wire.Fetch(proxy.Port()).AssertIs(MakePoem(500)));
        length = 700;
        fleet[1].Signal(Posix.SIGHUP);
        foreach (NativeBinary proxy in fleet)
        {
            RedisCluster.Until(() => Wire.Fetch(proxy.Port()).Bytes.Length == 700, "the new poem");
        }
    }

    [TestMethod]
    public void APoemOf64MiB_GoesThroughIt()
    {
        byte[] poem = MakePoem(64 * 1024 * 1024);
        using var upstream = new CountedUpstream((client, _) => SendAll(client, poem));
        NativeBinary[] fleet = SharingProxies(2, _redis, ["--max-poem", "0"], upstream);
        Wire.Fetch(fleet[0].Port()).AssertIs(poem);
        RedisCluster.Until(() => _redis.Run("KEYS", "*:lock") == string.Empty && KeyOf(_redis).Length > 0, "the poem in the cache");
        Wire.Fetch(fleet[1].Port()).AssertIs(poem);
        fleet[1].Errors.WaitForText("Using shared poem.");
    }

    [TestMethod]
    public void APoem_IsKeptForTheRestOfItsLife()
    {
        using var upstream = new CountedUpstream((client, number) => SendAll(client, MakePoem(600 + number)));
        NativeBinary[] proxies = SharingProxies(2, _redis, upstream);
        Wire.Fetch(proxies[0].Port()).AssertIs(MakePoem(601));
        string key = KeyOf(_redis);
        Assert.AreEqual(":1", _redis.Run("PEXPIRE", key, "1500"));
        Wire.Fetch(proxies[1].Port()).AssertIs(MakePoem(601));
        Assert.AreEqual(1, upstream.Fetches, "it came from the shared cache");
        RedisCluster.Until(() => _redis.Run("EXISTS", key) == ":0", "the end of its life");
        Wire.Fetch(proxies[1].Port()).AssertIs(MakePoem(602));
        Wire.Fetch(proxies[0].Port()).AssertIs(MakePoem(601), "the proxy that fetched it, which keeps it for all of --ttl");
    }

    [TestMethod]
    public void AFetchThatBeganBeforeAPurge_IsNotStoredAfterIt()
    {
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
        NativeBinary[] proxies = SharingProxies(2, _redis, upstream);
        Socket early = Own(Wire.Connect(proxies[0].Port()));
        byte[] start = Wire.ReadExactly(early, 100);
        string locked = KeyOf(_redis);
        Assert.EndsWith(":lock", locked);
        proxies[1].Signal(Posix.SIGHUP);
        RedisCluster.Until(() => _redis.Run("EXISTS", locked) == ":0", "the purge");
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
        NativeBinary[] proxies = [SharingProxy(_redis.Address, options), SharingProxy(_redis.Address, options)];
        Subscribed(_redis, 2);
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
            byte[] loud = Wire.Fetch(SharingProxy(_redis.Address, options).Port()).Bytes;
            Assert.IsFalse(loud.AsSpan().SequenceEqual(poem), "another transformation is another poem");
            Assert.AreEqual(2, upstream.Fetches);
        }
    }

    [TestMethod]
    public void APoemLongerThanSharedMax_IsFetchedByEachProxy()
    {
        byte[] poem = MakePoem(100_001);
        using var upstream = new CountedUpstream((client, _) => SendAll(client, poem));
        NativeBinary[] proxies = SharingProxies(2, _redis, ["--shared-max", "100000"], upstream);
        foreach (NativeBinary proxy in proxies)
        {
            Wire.Fetch(proxy.Port()).AssertIs(poem);
        }

        Assert.AreEqual(2, upstream.Fetches);
        Assert.AreEqual(string.Empty, _redis.Run("KEYS", "*"));
    }

    [TestMethod]
    public void SigTerm_StoresTheFetchInFlight_AndGivesItsLockBack()
    {
        using FaultServer upstream = FaultServer.Pausing(Poem[..100], Poem[100..], Go);
        NativeBinary proxy = SharingProxy(_redis.Address, upstream.Address);
        using Socket client = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(client, 100);
        proxy.Signal(Posix.SIGTERM);
        proxy.Errors.WaitForText("draining");
        _ = Go.Set();
        _ = Wire.ReadToEnd(client);
        Assert.AreEqual(0, proxy.WaitForExit().ExitCode);
        Assert.AreEqual($"poetry:1:{{plain:-:{upstream.Address}}}", KeyOf(_redis));
    }

    [TestMethod]
    public void ALockOfAFetchThatIsCutByTheEnd_IsGivenBack()
    {
        using FaultServer upstream = FaultServer.Hanging(Poem[..100]);
        NativeBinary proxy = SharingProxy(_redis.Address, "--drain", "0.1", upstream.Address);
        using Socket client = Wire.Connect(proxy.Port());
        _ = Wire.ReadExactly(client, 100);
        Assert.EndsWith(":lock", KeyOf(_redis));
        proxy.Signal(Posix.SIGTERM);
        Assert.AreEqual(0, proxy.WaitForExit().ExitCode);
        RedisCluster.Until(() => _redis.Run("DBSIZE") == ":0", "no lock");
    }
}
