using System.Net.Sockets;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Native;

/// <summary>A shared cache that fails is never in the way: each client gets its poem, or a reset after a part of it.</summary>
[TestClass]
public sealed class SharedCacheFaultTests : SharedCacheNativeTests
{
    private const string Lost = "the shared cache cannot be used";
    private const string Back = "the shared cache is back";

    /// <summary>
    /// Aim: an outage costs one warning of all workers, no poem and no fetch that would not be made without a shared cache; and it ends
    /// by itself. Method: of four poems of two proxies, one is fetched before the outage, two in it, and one after it.
    /// </summary>
    [TestMethod]
    [DataRow("killed")]
    [DataRow("paused")]
    [DataRow("full")]
    [DataRow("read-only")]
    [DataRow("refused")]
    public void AnOutage_IsOneWarning_AndEndsByItself(string kind)
    {
        using var redis = new RedisServer();
        CountedUpstream[] upstreams = [.. Enumerable.Range(0, 4).Select(_ => Own(
            new CountedUpstream(static (client, _) => SendAll(client, Poem))))];
        string timeout = kind == "paused" ? "0.5" : "10";
        NativeBinary[] proxies = SharingProxies(2, redis, ["--workers", "2", "--shared-timeout", timeout], upstreams);
        Array.ForEach(proxies, static proxy => Wire.Fetch(proxy.Port(0)).AssertIs(Poem));
        Change(redis, kind, isOutage: true);
        foreach (NativeBinary proxy in proxies)
        {
            Wire.Fetch(proxy.Port(1)).AssertIs(Poem);
            Wire.Fetch(proxy.Port(2)).AssertIs(Poem);
            proxy.Errors.WaitForText(Lost);
            Assert.AreEqual(0, Figure(proxy, "poetry_proxy_shared_up"));
        }

        Change(redis, kind, isOutage: false);
        Array.ForEach(proxies, static proxy => proxy.Errors.WaitForText(Back));
        if (kind == "paused")
        {
            // On a busy machine half a second without an answer may come again.
            return;
        }

        foreach (NativeBinary proxy in proxies)
        {
            Wire.Fetch(proxy.Port(3)).AssertIs(Poem);
            Assert.AreEqual(1, Figure(proxy, "poetry_proxy_shared_up"));
            Assert.AreEqual(1, Figure(proxy, "poetry_proxy_shared_outages_total"));
            Assert.AreEqual((1, 1), (Count(proxy.Errors.Text, Lost), Count(proxy.Errors.Text, Back)), "one warning of both workers");
        }

        string key = $"poetry:1:{{plain:-:{upstreams[3].Address}}}";
        RedisCluster.Until(() => redis.Run("EXISTS", key) == ":1", "the value that was stored after the outage");
        CollectionAssert.AreEqual((int[])[1, 2, 2, 1], Array.ConvertAll(upstreams, static upstream => upstream.Fetches));
    }

    [TestMethod]
    public void AWrongPassword_IsAnOutage_AndIsNotLogged()
    {
        using var redis = new RedisServer("--requirepass", "secret-of-redis");
        NativeBinary proxy = Start(new Launch(["proxy", "--shared-cache", redis.Address, "10001"])
        {
            Environment = new Dictionary<string, string> { ["POETRY_SHARED_PASSWORD"] = "wrong-secret" },
        });
        proxy.Errors.WaitForText(Lost);
        Assert.DoesNotContain("secret", proxy.Errors.Text);
    }

    /// <summary>
    /// Aim: a server that answers and does not store poems costs one warning a poem, and no proxy waits for a poem that will
    /// never be stored. Method: the second proxy asks as soon as the first has its poem, and both again while the poem is refused.
    /// </summary>
    [TestMethod]
    [DataRow("scripts", "NOPERM")]
    [DataRow("length", "invalid bulk length")]
    public void AStoreThatIsRefused_IsNoOutage_AndNoProxyWaitsForIt(string kind, string reason)
    {
        using var redis = new RedisServer();
        string[] Setting(bool isDamage) => kind == "scripts"
            ? ["ACL", "SETUSER", "default", isDamage ? "-eval" : "+eval"]
            : ["CONFIG", "SET", "proto-max-bulk-len", isDamage ? "1mb" : "512mb"];
        byte[] poem = MakePoem(2 * 1024 * 1024);
        using var upstream = new CountedUpstream((client, _) => SendAll(client, poem));
        NativeBinary[] proxies = SharingProxies(2, redis, ["--ttl", "0.001"], upstream);
        Assert.AreEqual("+OK", redis.Run(Setting(isDamage: true)));
        Wire.Fetch(proxies[0].Port()).AssertIs(poem);
        long began = Environment.TickCount64;
        Wire.Fetch(proxies[1].Port()).AssertIs(poem);
        Assert.IsLessThan(2900, Environment.TickCount64 - began, "no wait for the lease of a lock");
        Array.ForEach(proxies, proxy => Wire.Fetch(proxy.Port()).AssertIs(poem));
        foreach (NativeBinary proxy in proxies)
        {
            proxy.Errors.WaitForText(reason);
            Assert.AreEqual(1, Figure(proxy, "poetry_proxy_shared_up"));
            Assert.AreEqual(1, Count(proxy.Errors.Text, "refuses to store"));
            Assert.IsGreaterThan(0, Figure(proxy, "poetry_proxy_shared_refusals_total"));
        }

        Assert.AreEqual("+OK", redis.Run(Setting(isDamage: false)));
        RedisCluster.Until(
            () =>
            {
                Wire.Fetch(proxies[0].Port()).AssertIs(poem);
                return proxies[0].Errors.Text.Contains(" again after ", StringComparison.Ordinal);
            },
            "the poem that is stored again");
        Array.ForEach(proxies, proxy => Assert.DoesNotContain(Lost, proxy.Errors.Text));
    }

    [TestMethod]
    [DataRow("HTTP/1.1 400 Bad Request\r\n\r\n", "this is not Redis")]
    [DataRow("+", "timed out")]
    [DataRow("", "timed out")]
    public void AServerThatIsNoRedis_IsNotInTheWay(string answer, string expected)
    {
        using FaultServer server = FaultServer.Hanging(System.Text.Encoding.ASCII.GetBytes(answer));
        using var upstream = new CountedUpstream((client, _) => SendAll(client, Poem));
        NativeBinary proxy = SharingProxy($"redis://{server.Address}", "--shared-timeout", "0.5", $"0={upstream.Address}");
        Wire.Fetch(proxy.Port()).AssertIs(Poem);
        proxy.Errors.WaitForText(expected);
        Assert.AreEqual(1, Count(proxy.Errors.Text, Lost));
    }

    /// <summary>A value of another type, and one that is no poem, are replaced, and are no outage.</summary>
    [TestMethod]
    [DataRow("LPUSH", "x")]
    [DataRow("SET", "5:abc,")]
    [DataRow("SET", "")]
    [DataRow("SET", "4:word,more")]
    public void AValueThatIsNoPoem_IsReplaced(string command, string value)
    {
        using var redis = new RedisServer();
        byte[] frame = [.. "4:poem,"u8];
        using var upstream = new CountedUpstream((client, _) => SendAll(client, frame));
        NativeBinary[] proxies = SharingProxies(2, redis, ["--netstring"], upstream);
        string key = $"poetry:1:{{framed:-:{upstream.Address}}}";
        Assert.StartsWith(command == "SET" ? "+OK" : ":1", redis.Run(command, key, value));
        Delivery first = Wire.Fetch(proxies[0].Port());
        Assert.IsTrue(first.WasReset || first.Bytes.AsSpan().SequenceEqual(frame), "whole or reset");
        foreach (NativeBinary proxy in proxies)
        {
            FetchAfterPause(proxy).AssertIs(frame);
            Assert.DoesNotContain(Lost, proxy.Errors.Text);
        }

        Assert.AreEqual("4:poem,", redis.Run("GET", key));
        Assert.AreEqual(1, upstream.Fetches);
    }

    /// <summary>Killed while it sends a value: a client that has a part of it is reset, and the next one is served.</summary>
    [TestMethod]
    public void AServerThatDiesInTheMiddleOfAValue_CutsNoPoemOffCleanly()
    {
        using var redis = new RedisServer();
        byte[] poem = MakePoem(16 * 1024 * 1024);
        using var upstream = new CountedUpstream((client, _) => SendAll(client, poem));
        NativeBinary[] proxies = SharingProxies(2, redis, upstream);
        Wire.Fetch(proxies[0].Port()).AssertIs(poem);
        RedisCluster.Until(() => redis.Run("STRLEN", $"poetry:1:{{plain:-:{upstream.Address}}}") != ":0", "the value");
        var clients = new List<Socket>(Connect(proxies[1], 20));
        byte[] start = Wire.ReadExactly(clients[0], 1);
        redis.Kill();
        int whole = 0;
        foreach (Socket client in clients)
        {
            Delivery rest = Wire.ReadToEnd(client);
            int length = rest.Bytes.Length + (client == clients[0] ? start.Length : 0);
            Assert.IsTrue(rest.WasReset || length == poem.Length, $"a clean end after {length} bytes");
            whole += rest.WasReset ? 0 : 1;
        }

        TestContext.WriteLine($"{whole} of {clients.Count} clients were given all of it");
        FetchAfterPause(proxies[1]).AssertIs(poem);
    }

    /// <summary>
    /// Aim: a cluster that loses a master is followed, by proxies that do not notice more than an outage. Method: clients of
    /// twelve poems, whose keys are on all masters, ask before, while and after one is killed.
    /// </summary>
    [TestMethod]
    public void ACluster_LosesAMaster_AndNoClientSeesIt()
    {
        using var cluster = new RedisCluster(hasReplicas: true);
        var upstreams = new List<CountedUpstream>();
        var addresses = new List<string>();
        for (int i = 0; i < 12; i++)
        {
            upstreams.Add(Own(new CountedUpstream(static (client, _) => SendAll(client, Poem))));
            addresses.Add($"0={upstreams[i].Address}");
        }

        NativeBinary[] proxies = [SharingProxy(cluster.Address, [.. addresses]), SharingProxy(cluster.Address, [.. addresses])];
        var clients = new List<Socket>();
        for (int i = 0; i < addresses.Count; i++)
        {
            foreach (NativeBinary proxy in proxies)
            {
                _ = proxy.Output.WaitForLines(addresses.Count);
                clients.Add(Own(Wire.Connect(proxy.Port(i))));
                clients.Add(Own(Wire.Connect(proxy.Port(i))));
            }

            if (i == addresses.Count / 2)
            {
                Wire.ReadToEnd(clients[0]).AssertIs(Poem);
                clients.RemoveAt(0);
                cluster[1].Kill();
            }
        }

        foreach (Socket client in clients)
        {
            Wire.ReadToEnd(client).AssertIs(Poem);
        }

        RedisCluster.Until(
            () => cluster[RedisCluster.Masters + 1].Run("INFO", "replication")!.Contains("role:master", StringComparison.Ordinal)
                && RedisCluster.IsComplete(cluster[0]),
            "the new master");
        foreach (NativeBinary proxy in proxies)
        {
            RedisCluster.Until(() => Figure(proxy, "poetry_proxy_shared_up") == 1, "the end of the outage");
        }
    }

    public required TestContext TestContext { get; set; }

    private static void Change(RedisServer redis, string kind, bool isOutage)
    {
        string[] command = [];
        switch (kind)
        {
            case "killed":
                (isOutage ? (Action)redis.Kill : redis.Start)();
                break;
            case "paused":
                (isOutage ? (Action)redis.Pause : redis.Resume)();
                break;
            case "full":
                command = ["CONFIG", "SET", "maxmemory", isOutage ? "1" : "0"];
                break;
            case "read-only":
                command = isOutage ? ["REPLICAOF", "127.0.0.1", "1"] : ["REPLICAOF", "NO", "ONE"];
                break;
            default:
                command = isOutage ? ["ACL", "SETUSER", "default", "-@all", "+acl"] : ["ACL", "SETUSER", "default", "+@all"];
                break;
        }

        Assert.IsTrue(command.Length == 0 || redis.Run(command) == "+OK");
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
