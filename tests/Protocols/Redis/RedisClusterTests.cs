using System.Net.Sockets;
using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>Redis Cluster: redirects are read strictly and followed, also while slots move and masters die.</summary>
[TestClass]
public sealed class RedisClusterTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>The slots are those that redis-server 7.0 gives (CLUSTER KEYSLOT); the first one is in its specification.</summary>
    [TestMethod]
    [DataRow("123456789", 12739)]
    [DataRow("", 0)]
    [DataRow("foo", 12182)]
    [DataRow("{foo}bar", 12182)]
    [DataRow("a{foo}{bar}", 12182)]
    [DataRow("foo{}{bar}", 8363)]
    [DataRow("foo{{bar}}zap", 4015)]
    [DataRow("{foo", 13308)]
    public void Slot_OfAKey_IsTheServers(string key, int slot)
    {
        Assert.AreEqual(slot, RedisSlot.Of(Encoding.UTF8.GetBytes(key)));
    }

    [TestMethod]
    [DataRow("MOVED 3999 127.0.0.1:6381", 3999, "127.0.0.1", 6381, false)]
    [DataRow("ASK 0 ::1:6381", 0, "::1", 6381, true)]
    [DataRow("MOVED 16383 a.example:1", 16383, "a.example", 1, false)]
    [DataRow("MOVED 1 :6381", 1, "", 6381, false)]
    [DataRow("MOVED 1 ?:6381", 1, "", 6381, false)]
    public void Redirect_IsRead(string line, int slot, string host, int port, bool isAsk)
    {
        Assert.AreEqual(new RedisRedirect(slot, host, port, isAsk), RedisRedirect.Parse(Encoding.UTF8.GetBytes(line)));
    }

    [TestMethod]
    [DataRow("MOVED")]
    [DataRow("MOVED ")]
    [DataRow("MOVED 1")]
    [DataRow("MOVED 1 a")]
    [DataRow("MOVED 16384 a:1")]
    [DataRow("MOVED -1 a:1")]
    [DataRow("MOVED 1x a:1")]
    [DataRow("MOVED 1 a:0")]
    [DataRow("MOVED 1 a:65536")]
    [DataRow("MOVED 1 a:1x")]
    [DataRow("MOVED 1 a b:1")]
    [DataRow("MOVED a:1")]
    [DataRow("ERR 1 a:1")]
    public void Redirect_ThatIsNone_IsAnotherError(string line)
    {
        Assert.IsNull(RedisRedirect.Parse(Encoding.UTF8.GetBytes(line)));
    }

    /// <summary>Two servers that redirect to each other for ever.</summary>
    [TestMethod]
    public void RedirectsInACircle_AreAFailure()
    {
        using var world = new RedisWorld();
        FaultServer? circle = null;
        circle = new FaultServer((client, _) =>
        {
            byte[] line = Encoding.UTF8.GetBytes($"-MOVED 1 127.0.0.1:{circle!.Port}\r\n");
            byte[] buffer = new byte[4096];
            while (client.Receive(buffer) > 0)
            {
                _ = client.Send(line);
            }

            client.Shutdown(SocketShutdown.Send);
        });
        RedisStore store = world.Store($"redis://{circle.Address}");
        string message = Assert.ThrowsExactly<SharedStoreError>(() => world.Wait(store.Remove("key"))).Message;
        Assert.Contains("redirect to each other", message);
        store.Close();
        world.AssertEnded();
        circle.Dispose();
    }

    /// <summary>The others do not know yet that a node is dead.</summary>
    [TestMethod]
    public void RedirectsToADeadNode_AreAFailureOfThatNode()
    {
        using var world = new RedisWorld();
        int dead = FaultServer.FreePort();
        using var living = new FaultServer((client, _) =>
        {
            byte[] buffer = new byte[4096];
            while (client.Receive(buffer) > 0)
            {
                _ = client.Send(Encoding.UTF8.GetBytes($"-MOVED 1 127.0.0.1:{dead}\r\n"));
            }

            client.Shutdown(SocketShutdown.Send);
        });
        RedisStore store = world.Store($"redis://{living.Address}");
        string message = Assert.ThrowsExactly<SharedStoreError>(() => world.Wait(store.Remove("key"))).Message;
        Assert.AreEqual($"127.0.0.1:{dead}: connection refused", message);
        store.Close();
        world.AssertEnded();
    }

    /// <summary>
    /// Aim: every operation reaches the right node of a cluster, whichever nodes the address names; also while a slot moves,
    /// with the key still at its old place, already at its new place, or nowhere; and purges reach a subscriber at any node.
    /// </summary>
    [TestMethod]
    public void Cluster_IsFollowed_AndASlotMoves()
    {
        using var cluster = new RedisCluster(hasReplicas: false);
        using var world = new RedisWorld();
        RedisStore one = world.Store(cluster.AddressOf(0));
        RedisStore other = world.Store(cluster.AddressOf(2));
        var purged = new List<string>();
        _ = world.Wait(other.Subscribe(purged.Add, static _ => { }));
        var keys = new List<string>();
        for (int master = 0; master < RedisCluster.Masters; master++)
        {
            keys.Add(RedisCluster.KeyOn(master));
            Put(world, one, keys[master], 100_000 + master);
            Assert.AreEqual(100_000 + master, LengthOf(world, other, keys[master]));
        }

        string moving = RedisCluster.KeyOn(1);
        cluster.BeginMove(moving, from: 1, to: 2);
        Assert.AreEqual(100_001, LengthOf(world, one, moving), "it is still at its old place");
        cluster.MoveKeys(1, 2, moving);
        Assert.AreEqual(100_001, LengthOf(world, one, moving), "ASK leads to its new place");
        Assert.AreEqual(100_001, LengthOf(world, other, moving));
        Put(world, other, moving, 50_000);
        Assert.AreEqual(50_000, LengthOf(world, one, moving), "it was stored anew through ASK");

        // A script with two keys is refused while only one of them has moved.
        string next = RedisCluster.KeyOn(1, number: 1);
        Put(world, one, next, 1000);
        Assert.AreEqual(SharedLock.Taken, world.Wait(one.TryLock(next, "b", replacesInvalid: false)));
        cluster.BeginMove(next, from: 1, to: 2);
        cluster.MoveKeys(1, 2, next);
        Assert.Contains("TRYAGAIN", cluster[1].Run("DEL", next, SharedNames.LockOf(next))!);
        PoemBuffer poem = world.Poem(new byte[30_000]);
        Deferred<bool> storing = one.Store(next, "b", poem, Minute);
        Assert.IsTrue(world.Wait(one.Renew(next, "b")));
        cluster.MoveKeys(1, 2, SharedNames.LockOf(next));
        Assert.IsTrue(world.Wait(storing));
        Assert.AreEqual(30_000, LengthOf(world, other, next));
        poem.Release();

        cluster.EndMove(moving, from: 1, to: 2);
        Assert.AreEqual(50_000, LengthOf(world, one, moving), "MOVED leads to its new place");
        Put(world, one, moving, 60_000);
        Assert.AreEqual(60_000, LengthOf(world, other, moving));

        _ = world.Wait(one.Purge([.. keys]));
        world.Loop.Until(() => purged.Count == keys.Count, "the purges");
        foreach (string key in keys)
        {
            Assert.AreEqual(-1, LengthOf(world, other, key));
        }

        one.Close();
        other.Close();
        world.AssertEnded();
    }

    /// <summary>
    /// Aim: fifty clients ask while a master is killed. Each reading ends: with a value, whole, or with a failure; those of the
    /// other masters go on; and when the replica has taken over, its keys can be used again, by clients that knew the dead one.
    /// </summary>
    [TestMethod]
    public void Cluster_LosesAMaster_AndItsReplicaTakesOver()
    {
        const int Clients = 50;
        using var cluster = new RedisCluster(hasReplicas: true);
        using var world = new RedisWorld();
        var stores = new List<RedisStore>();
        string lost = RedisCluster.KeyOn(1);
        string kept = RedisCluster.KeyOn(0);
        for (int i = 0; i < Clients; i++)
        {
            stores.Add(world.Store(cluster.Address, TimeSpan.FromSeconds(2)));
        }

        Put(world, stores[0], lost, 2_000_000);
        Put(world, stores[0], kept, 2_000_000);
        RedisCluster.Until(() => cluster[RedisCluster.Masters + 1].Run("DBSIZE") == ":1", "the copy of the replica");
        int whole = 0, failed = 0;
        bool isKilled = false;
        for (int i = 0; i < Clients; i++)
        {
            var receiver = new ValueReceiver
            {
                OnBytes = _ =>
                {
                    if (!isKilled)
                    {
                        isKilled = true;
                        cluster[1].Kill();
                    }
                },
            };
            _ = stores[i].Get(lost, receiver).AddCallbacks(
                read =>
                {
                    Assert.IsTrue(read.IsHit && receiver.Bytes.WrittenCount == 2_000_000, "a value is whole");
                    whole++;
                    return read;
                },
                _ =>
                {
                    failed++;
                    return new Outcome<SharedRead>(default(SharedRead));
                });
        }

        world.Loop.Until(() => whole + failed == Clients, "the end of every reading");
        Assert.IsTrue(isKilled && failed > 0, $"{whole} whole, {failed} failed");
        Assert.AreEqual(2_000_000, LengthOf(world, stores[1], kept), "the other masters go on");
        RedisCluster.Until(
            () => cluster[RedisCluster.Masters + 1].Run("INFO", "replication")!.Contains("role:master", StringComparison.Ordinal)
                && RedisCluster.IsComplete(cluster[0]),
            "the new master");
        foreach (RedisStore store in stores)
        {
            Assert.AreEqual(2_000_000, LengthOf(world, store, lost), "its replica has taken over");
            store.Close();
        }

        world.AssertEnded();
    }

    private static void Put(RedisWorld world, RedisStore store, string key, int length)
    {
        PoemBuffer poem = world.Poem(new byte[length]);
        Assert.AreEqual(SharedLock.Taken, world.Wait(store.TryLock(key, "a", replacesInvalid: false)));
        Assert.IsTrue(world.Wait(store.Renew(key, "a")));
        Assert.IsTrue(world.Wait(store.Store(key, "a", poem, Minute)));
        poem.Release();
    }

    private static long LengthOf(RedisWorld world, RedisStore store, string key)
    {
        SharedRead read = world.Wait(store.Get(key, new ValueReceiver()));
        return read.IsHit ? read.Length : -1;
    }
}
