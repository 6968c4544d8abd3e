using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <content>Replies that are allowed and rare, and a mistake in the code that reads them.</content>
public sealed partial class RedisFaultTests
{
    /// <summary>Redis takes expiries that a TimeSpan does not: EXPIRE key 1000000000000.</summary>
    [TestMethod]
    [DataRow("922337203685477")]
    [DataRow("922337203685478")]
    [DataRow("1000000000000000")]
    [DataRow("9223372036854775807")]
    public void Expiry_BeyondAllTimes_IsForEver(string leftMs)
    {
        using FaultServer server = Answering($":{leftMs}\r\n$1\r\na\r\n");
        _store = _world.Store($"redis://{server.Address}");
        SharedRead read = _world.Wait(_store.Get(Key, new ValueReceiver()));
        Assert.AreEqual((true, TimeSpan.MaxValue), (read.IsHit, read.ExpiresAt));
    }

    /// <summary>A mistake in the code that makes a result of the replies: it is logged, and the caller hears of it.</summary>
    [TestMethod]
    public void Exception_WhenACommandEnds_IsItsFailure()
    {
        using FaultServer server = Answering("+OK\r\n");
        using var world = new RedisWorld();
        RedisClient client = world.Client($"redis://{server.Address}");
        var command = new BrokenCommand();
        client.Begin(command);
        world.Loop.Until(() => command.Failure is not null, "the end of the command");
        Assert.IsTrue(command.Failure!.Check<ArithmeticException>());
        Assert.HasCount(1, world.Loop.Log.Exceptions);
        client.Dispose();
        world.Loop.Until(() => world.Loop.Reactor.Connections.Count == 0, "the end of the connection");
    }

    [TestMethod]
    public void Error_ThatIsNotUtf8_IsQuotedByteByByte()
    {
        using FaultServer server = Answering("-ERR caf\u00e9 \u001b[31m\r\n");
        _store = _world.Store($"redis://{server.Address}");
        Assert.EndsWith(": ERR caf\\xE9 \\x1B[31m", FailureOf(_store.Probe()));
    }

    /// <summary>It closes the connection of such a command, in the middle of it. It is well, and stays the server that is used.</summary>
    [TestMethod]
    public void Value_LongerThanTheServerTakes_IsRefused_AndTheServerIsNotLeft()
    {
        int port = FaultServer.FreePort();
        using var server = new RedisServer("--port", Text(port), "--proto-max-bulk-len", "1mb");
        _store = _world.Store($"redis://127.0.0.1:{Text(port)},127.0.0.1:{Text(FaultServer.FreePort())}");
        Assert.AreEqual(SharedLock.Taken, _world.Wait(_store.TryLock(Key, "a", replacesInvalid: false)));
        PoemBuffer poem = _world.Poem(new byte[32 * 1024 * 1024]);
        for (int i = 0; i < 20; i++)
        {
            AssertRefused("invalid bulk length", _store.Store(Key, "a", poem, TimeSpan.MaxValue));
            Assert.IsFalse(_world.Wait(_store.Get(Key, new ValueReceiver())).IsHit);
        }

        poem.Release();
    }

    /// <summary>
    /// Aim: a server that is busy storing a long value is not taken for one that hangs, by any command. Method: it takes the value at
    /// once and answers after two timeouts, of the three that it has, and so it does to a short command meanwhile; then it answers to nothing.
    /// </summary>
    [TestMethod]
    public void Value_ThatIsLong_HasTimeByItsLength_AndSoHaveTheOthersMeanwhile()
    {
        const int Length = 64 * 1024 * 1024;
        using var answer = new ManualResetEventSlim();
        using var server = new FaultServer((client, number) =>
        {
            byte[] buffer = new byte[1 << 20];
            for (long left = number == 1 ? Length : 1; left > 0;)
            {
                left -= client.Receive(buffer);
            }

            _ = answer.Wait(Patience.Milliseconds);
            _ = client.Send(":1\r\n"u8);
        });
        _store = _world.Store($"redis://{server.Address}", Short);
        PoemBuffer poem = _world.Poem(new byte[Length]);
        Deferred<bool> storing = _store.Store(Key, "a", poem, TimeSpan.MaxValue);
        Deferred<bool> renewing = _store.Renew(Key, "a");
        _ = _world.Loop.Reactor.CallLater(Short * 2, answer.Set);
        Assert.IsTrue(_world.Wait(storing));
        Assert.IsTrue(_world.Wait(renewing));
        poem.Release();
        long began = Environment.TickCount64;
        Assert.Contains("timed out", FailureOf(_store.Renew(Key, "a")));
        Assert.IsLessThan(2000, Environment.TickCount64 - began, "the value that was stored counts no more");
    }

    [TestMethod]
    [DataRow("READONLY You can't write against a read only replica.", false)]
    [DataRow("MISCONF Redis is configured to save RDB snapshots", false)]
    [DataRow("ERR max number of clients reached", false)]
    [DataRow("ERR value is too long", true)]
    public void Error_OfAStore_IsARefusal_UnlessTheServerTakesNothing(string error, bool isRefusal)
    {
        using FaultServer server = Answering($"-{error}\r\n");
        _store = _world.Store($"redis://{server.Address}");
        PoemBuffer poem = _world.Poem([1]);
        Assert.AreEqual(
            isRefusal,
            Assert.ThrowsExactly<SharedStoreError>(() => _world.Wait(_store.Store(Key, "a", poem, TimeSpan.MaxValue))).IsRefusal);
        poem.Release();
    }

    [TestMethod]
    public void TooManyClients_AtTheSignIn_AndTheNextServerIsUsed()
    {
        int port = FaultServer.FreePort();
        using var server = new RedisServer("--port", Text(port), "--requirepass", "right");
        using FaultServer full = Answering("-ERR max number of clients reached\r\n");
        _store = _world.Store($"redis://:right@{full.Address},127.0.0.1:{Text(port)}");
        SharedStoreError error = Assert.ThrowsExactly<SharedStoreError>(() => _world.Wait(_store.Probe()));
        Assert.Contains("max number of clients", error.Message);
        Assert.IsFalse(error.IsRefusal);
        _ = _world.Wait(_store.Probe());
    }

    /// <summary>A user without scripts has its lock and no other's given back.</summary>
    [TestMethod]
    public void Unlock_WithoutScripts_GivesTheOwnLockBack()
    {
        using var server = new RedisServer();
        Assert.AreEqual("+OK", server.Run("ACL", "SETUSER", "default", "-eval"));
        _store = _world.Store(server.Address);
        Assert.AreEqual(SharedLock.Taken, _world.Wait(_store.TryLock(Key, "a", replacesInvalid: false)));
        _ = _world.Wait(_store.Unlock(Key, "b"));
        Assert.AreEqual("a", server.Run("GET", SharedNames.LockOf(Key)));
        _ = _world.Wait(_store.Unlock(Key, "a"));
        Assert.IsNull(server.Run("GET", SharedNames.LockOf(Key)));
        Assert.AreEqual("+OK", server.Run("ACL", "SETUSER", "default", "-get"));
        AssertRefused("NOPERM", _store.Unlock(Key, "a"));
    }

    private void AssertRefused<T>(string reason, Deferred<T> deferred)
    {
        SharedStoreError error = Assert.ThrowsExactly<SharedStoreError>(() => _world.Wait(deferred));
        Assert.Contains(reason, error.Message);
        Assert.IsTrue(error.IsRefusal);
    }

    /// <summary>Throws where its result should be made.</summary>
    private sealed class BrokenCommand : RedisCommand
    {
        public Failure? Failure { get; private set; }

        public override void Ended(Failure? failure) => Failure = failure ?? throw new ArithmeticException("broken");

        protected override void Write(RespWriter writer) => _ = writer.Begin(1).Add("PING"u8);

        protected override bool Received(in RespToken token, int index) => true;
    }
}
