using System.Globalization;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>The operations of the shared cache against a real server.</summary>
[TestClass]
public sealed class RedisStoreTests
{
    private const string Key = "test:{plain:-:host:10001}";
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [TestMethod]
    public void Get_OfNothing_IsAMiss_AndCallsNoReceiver()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        var receiver = new ValueReceiver();
        Assert.AreEqual(SharedRead.Missing, world.Wait(store.Get(Key, receiver)));
        Assert.AreEqual(-1, receiver.Announced);
        Close(world, store);
    }

    [TestMethod]
    [DataRow(0, 64)]
    [DataRow(1, 64)]
    [DataRow(600, 64)]
    [DataRow(16 * 1024, 64 * 1024)]
    [DataRow((16 * 1024) + 1, 64 * 1024)]
    [DataRow(3_000_000, 64 * 1024)]
    public void Store_ThenGet_GivesTheBytes_TheLength_AndTheRestOfTheLife(int length, int chunkBytes)
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        PoemBuffer poem = world.Poem(bytes, chunkBytes);
        Assert.AreEqual(SharedLock.Taken, world.Wait(store.TryLock(Key, "a", replacesInvalid: false)));
        TimeSpan before = world.Loop.Reactor.Now;
        Assert.IsTrue(world.Wait(store.Store(Key, "a", poem, Minute)));
        Assert.IsNull(server.Run("GET", SharedNames.LockOf(Key)), "the lock was given back");
        var receiver = new ValueReceiver();
        SharedRead read = world.Wait(store.Get(Key, receiver));
        Assert.IsTrue(read.IsHit);
        Assert.AreEqual(length, read.Length);
        Assert.AreEqual(length, receiver.Announced);
        CollectionAssert.AreEqual(bytes, receiver.Bytes.WrittenSpan.ToArray());
        Assert.IsGreaterThan(before + (Minute / 2), read.ExpiresAt);
        Assert.IsLessThanOrEqualTo(world.Loop.Reactor.Now + Minute, read.ExpiresAt);
        poem.Release();
        Close(world, store);
    }

    [TestMethod]
    public void Store_ForEver_HasNoExpiry()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        PoemBuffer poem = world.Poem([1, 2, 3]);
        _ = world.Wait(store.TryLock(Key, "a", replacesInvalid: false));
        Assert.IsTrue(world.Wait(store.Store(Key, "a", poem, TimeSpan.MaxValue)));
        Assert.AreEqual(TimeSpan.MaxValue, world.Wait(store.Get(Key, new ValueReceiver())).ExpiresAt);
        Assert.AreEqual(":-1", server.Run("PTTL", Key));
        poem.Release();
        Close(world, store);
    }

    [TestMethod]
    public void Store_WithoutTheLock_StoresNothing_AndLeavesTheOthersLock()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        PoemBuffer poem = world.Poem([1, 2, 3]);
        Assert.IsFalse(world.Wait(store.Store(Key, "a", poem, Minute)));
        Assert.AreEqual(SharedLock.Taken, world.Wait(store.TryLock(Key, "b", replacesInvalid: false)));
        Assert.IsFalse(world.Wait(store.Store(Key, "a", poem, Minute)));
        Assert.IsNull(server.Run("GET", Key));
        Assert.AreEqual("b", server.Run("GET", SharedNames.LockOf(Key)));
        poem.Release();
        Close(world, store);
    }

    [TestMethod]
    public void Lock_IsTakenOnce_Renewed_AndGivenBackByItsTokenAlone()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        string name = SharedNames.LockOf(Key);
        Assert.AreEqual(SharedLock.Taken, world.Wait(store.TryLock(Key, "a", replacesInvalid: false)));
        Assert.AreEqual(SharedLock.Held, world.Wait(store.TryLock(Key, "b", replacesInvalid: false)));
        Assert.AreEqual(SharedLock.Held, world.Wait(store.TryLock(Key, "b", replacesInvalid: true)));
        _ = server.Run("PEXPIRE", name, "2000");
        Assert.IsTrue(world.Wait(store.Renew(Key, "a")));
        int left = int.Parse(server.Run("PTTL", name)![1..], CultureInfo.InvariantCulture);
        Assert.IsGreaterThan(2000, left);
        Assert.IsLessThanOrEqualTo(3000, left);
        Assert.IsFalse(world.Wait(store.Renew(Key, "b")));
        _ = world.Wait(store.Unlock(Key, "b"));
        Assert.AreEqual("a", server.Run("GET", name));
        _ = world.Wait(store.Unlock(Key, "a"));
        Assert.IsNull(server.Run("GET", name));
        Assert.IsFalse(world.Wait(store.Renew(Key, "a")), "a lock that is gone is not made anew");
        Close(world, store);
    }

    [TestMethod]
    [DataRow("SET", "x")]
    [DataRow("LPUSH", "x")]
    [DataRow("SET", "x", "PX", "600000")]
    public void Lock_ThatNoProxyMade_IsInvalid_AndReplaced(params string[] command)
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        _ = server.Run([command[0], SharedNames.LockOf(Key), .. command[1..]]);
        Assert.AreEqual(SharedLock.Invalid, world.Wait(store.TryLock(Key, "a", replacesInvalid: false)));
        Assert.IsFalse(world.Wait(store.Renew(Key, "a")));
        _ = world.Wait(store.Unlock(Key, "a"));
        Assert.AreEqual(SharedLock.Taken, world.Wait(store.TryLock(Key, "a", replacesInvalid: true)));
        Assert.AreEqual("a", server.Run("GET", SharedNames.LockOf(Key)));
        Assert.AreEqual(SharedLock.Held, world.Wait(store.TryLock(Key, "b", replacesInvalid: true)));
        Close(world, store);
    }

    [TestMethod]
    public void ValueOfAnotherType_IsAMiss_AndIsReplaced()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        _ = server.Run("LPUSH", Key, "x");
        Assert.AreEqual(SharedRead.Missing, world.Wait(store.Get(Key, new ValueReceiver())));
        PoemBuffer poem = world.Poem([1, 2, 3]);
        _ = world.Wait(store.TryLock(Key, "a", replacesInvalid: false));
        Assert.IsTrue(world.Wait(store.Store(Key, "a", poem, Minute)));
        Assert.IsTrue(world.Wait(store.Get(Key, new ValueReceiver())).IsHit);
        _ = world.Wait(store.Remove(Key));
        Assert.IsFalse(world.Wait(store.Get(Key, new ValueReceiver())).IsHit);
        poem.Release();
        Close(world, store);
    }

    [TestMethod]
    public void Purge_RemovesValuesAndLocks_ThenTellsAllSubscribers()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore one = world.Store(server.Address);
        RedisStore other = world.Store(server.Address);
        var purged = new List<string>();
        var lost = new List<string>();
        void OnPurged(string key)
        {
            Assert.IsNull(server.Run("GET", key), "the value is gone before its purge is published");
            purged.Add("other " + key);
        }

        void OnLost(SharedStoreError error) => lost.Add(error.Message);
        _ = world.Wait(one.Subscribe(key => purged.Add("one " + key), static _ => { }));
        _ = world.Wait(other.Subscribe(OnPurged, OnLost));
        _ = server.Run("SET", Key, "x");
        _ = server.Run("SET", SharedNames.LockOf(Key), "x");
        _ = world.Wait(one.Purge([Key, Key + "é"]));
        Assert.AreEqual(string.Empty, server.Run("KEYS", "*"));
        world.Loop.Until(() => purged.Count == 4, "the purges");
        CollectionAssert.AreEquivalent(
            new[] { $"one {Key}", $"one {Key}é", $"other {Key}", $"other {Key}é" }, purged);
        Assert.AreEqual(":2", server.Run("CLIENT", "KILL", "TYPE", "pubsub"));
        world.Loop.Until(() => lost.Count == 1, "the end of the subscription");
        Assert.Contains(server.SocketPath, lost[0]);
        _ = world.Wait(other.Subscribe(OnPurged, OnLost));
        one.Close();
        Close(world, other);
        Assert.HasCount(1, lost, "an end of its own is none");
    }

    [TestMethod]
    public void Probe_WritesForASecond()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        _ = world.Wait(store.Probe());
        Assert.IsLessThanOrEqualTo(1000, int.Parse(server.Run("PTTL", "test:probe")![1..], CultureInfo.InvariantCulture));
        Close(world, store);
    }

    [TestMethod]
    public void Receiver_ThatRefuses_EndsTheRead_WithoutAFailure()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisStore store = world.Store(server.Address);
        _ = server.Run("SET", Key, new string('x', 1_000_000));
        Assert.AreEqual(SharedRead.Missing, world.Wait(store.Get(Key, new ValueReceiver { MaxBytes = 1000 })));
        Assert.IsTrue(world.Wait(store.Get(Key, new ValueReceiver())).IsHit);
        Close(world, store);
    }

    /// <summary>The user that the handbook describes may do all that a proxy does, in any database, and nothing else.</summary>
    [TestMethod]
    public void AclOfTheHandbook_Suffices()
    {
        int port = FaultServer.FreePort();
        using var server = new RedisServer("--port", port.ToString(CultureInfo.InvariantCulture));
        using var world = new RedisWorld();
        string acl = Array.Find(
            File.ReadAllLines(Path.Combine(Repository.Root, "docs", "handbook.md")), line => line.Contains("ACL SETUSER"))!;
        Assert.AreEqual("+OK", server.Run(acl.Trim().Split(' ')));
        var names = new SharedNames(SharedNames.DefaultPrefix);
        string key = names.KeyOf(PoemFormat.Plain, null, "host:10001");
        var store = new RedisStore(
            world.Loop.Reactor, RedisWorld.Parse($"redis://poetry:PASSWORD@127.0.0.1:{port}/1"), RedisWorld.Timeout, names);
        PoemBuffer poem = world.Poem([1, 2, 3]);
        _ = world.Wait(store.Probe());
        _ = world.Wait(store.Subscribe(static _ => { }, static _ => { }));
        Assert.AreEqual(SharedLock.Taken, world.Wait(store.TryLock(key, "a", replacesInvalid: false)));
        Assert.AreEqual(SharedLock.Held, world.Wait(store.TryLock(key, "a", replacesInvalid: true)));
        Assert.IsTrue(world.Wait(store.Renew(key, "a")));
        Assert.IsTrue(world.Wait(store.Store(key, "a", poem, Minute)));
        Assert.IsTrue(world.Wait(store.Get(key, new ValueReceiver())).IsHit);
        _ = world.Wait(store.Unlock(key, "a"));
        _ = world.Wait(store.Remove(key));
        _ = world.Wait(store.Purge([key]));
        Assert.Contains(
            "NOPERM", Assert.ThrowsExactly<SharedStoreError>(() => world.Wait(store.Get("other", new ValueReceiver()))).Message);
        poem.Release();
        Close(world, store);
    }

    private static void Close(RedisWorld world, RedisStore store)
    {
        store.Close();
        world.AssertEnded();
    }
}
