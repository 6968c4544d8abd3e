using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>The client as a program uses it: commands and typed replies, streams, subscriptions.</summary>
[TestClass]
public sealed class RedisClientTests
{
    [TestMethod]
    public void Send_GivesTypedReplies()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        using RedisClient client = world.Client(server.Address);
        RedisReply ok = world.Wait(client.Send("SET", "key", "värde"));
        Assert.AreEqual((RedisReplyKind.Text, "OK"), (ok.Kind, ok.Text));
        RedisReply value = world.Wait(client.Send("GET", "key"));
        Assert.AreEqual((RedisReplyKind.Bulk, "värde"), (value.Kind, value.Text));
        Assert.IsTrue(world.Wait(client.Send("GET", "other")).IsNull);
        Assert.AreEqual(6, world.Wait(client.Send("STRLEN", "key")).Number);
        RedisReply array = world.Wait(client.Send("EVAL", "return {1, {'a', false}, {}}", "0"));
        Assert.AreEqual(RedisReplyKind.Array, array.Kind);
        Assert.HasCount(3, array.Elements);
        Assert.AreEqual(1, array.Elements[0].Number);
        Assert.AreEqual("a", array.Elements[1].Elements[0].Text);
        Assert.IsTrue(array.Elements[1].Elements[1].IsNull);
        Assert.IsEmpty(array.Elements[2].Elements);
        RedisError error = Assert.ThrowsExactly<RedisError>(() => world.Wait(client.Send("LPUSH", "key", "x")));
        Assert.AreEqual("WRONGTYPE", error.Code);
        Assert.StartsWith("WRONGTYPE ", error.Message);
        client.Dispose();
        world.AssertEnded();
    }

    [TestMethod]
    public void Send_OfManyAtOnce_PipelinesThemOverOneConnection_InOrder()
    {
        const int Count = 1000;
        using var server = new RedisServer();
        using var world = new RedisWorld();
        using RedisClient client = world.Client(server.Address);
        var replies = new List<long>();
        for (int i = 0; i < Count; i++)
        {
            _ = client.Send("INCR", "count").AddCallback(reply =>
            {
                replies.Add(reply.Number);
                return reply;
            });
        }

        world.Loop.Until(() => replies.Count == Count, "the replies");
        for (int i = 0; i < Count; i++)
        {
            Assert.AreEqual(i + 1, replies[i]);
        }

        Assert.AreEqual(1, world.Loop.Reactor.Connections.Count);
        client.Dispose();
        world.AssertEnded();
    }

    [TestMethod]
    public void Send_OfAMegabyte_IsSentAndReceived()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        using RedisClient client = world.Client(server.Address);
        byte[] value = new byte[3_000_000];
        new Random(1).NextBytes(value);
        _ = world.Wait(client.Send("SET"u8.ToArray(), "key"u8.ToArray(), value));
        Assert.IsTrue(world.Wait(client.Send("GET", "key")).Bytes.Span.SequenceEqual(value));
        client.Dispose();
        world.AssertEnded();
    }

    [TestMethod]
    public void Send_OfAReplyThatIsTooLong_IsAFailure()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        using var client = new RedisClient(world.Loop.Reactor, RedisWorld.Parse(server.Address), RedisWorld.Timeout) { MaxReplyBytes = 1000 };
        _ = server.Run("SET", "short", new string('x', 1000));
        _ = server.Run("SET", "long", new string('x', 1001));
        Assert.HasCount(1000, world.Wait(client.Send("GET", "short")).Text);
        Assert.Contains(
            "too long", Assert.ThrowsExactly<RedisError>(() => world.Wait(client.Send("GET", "long"))).Message);
        Assert.HasCount(1000, world.Wait(client.Send("GET", "short")).Text);
        client.Dispose();
        world.AssertEnded();
    }

    /// <summary>Its connection is given up. The commands behind it fail, as none that was cancelled, and the server is not left.</summary>
    [TestMethod]
    public void Send_BehindAReplyThatIsTooLong_IsAnError_AndTheServerIsNotLeft()
    {
        string port = FaultServer.FreePort().ToString(System.Globalization.CultureInfo.InvariantCulture);
        using var server = new RedisServer("--port", port);
        using var world = new RedisWorld();
        RedisAddress address = RedisWorld.Parse($"redis://127.0.0.1:{port},127.0.0.1:1");
        using var client = new RedisClient(world.Loop.Reactor, address, RedisWorld.Timeout) { MaxReplyBytes = 1000 };
        _ = server.Run("SET", "long", new string('x', 1001));
        _ = server.Run("SET", "short", "x");
        Deferred<RedisReply> first = client.Send("GET", "long");
        Deferred<RedisReply> second = client.Send("GET", "short");
        Assert.Contains("too long", Assert.ThrowsExactly<RedisError>(() => world.Wait(first)).Message);
        Assert.Contains("too long", Assert.ThrowsExactly<RedisError>(() => world.Wait(second)).Message);
        Assert.AreEqual("x", world.Wait(client.Send("GET", "short")).Text);
        client.Dispose();
        world.AssertEnded();
    }

    [TestMethod]
    public void Receive_PassesALongStringOn_AndMayPause()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        using RedisClient client = world.Client(server.Address);
        _ = server.Run("SET", "key", new string('x', 5_000_000));
        int pauses = 0;
        var receiver = new ValueReceiver();
        receiver.OnBytes = piece =>
        {
            pauses++;
            receiver.Producer!.PauseProducing();
            _ = world.Loop.Reactor.CallLater(TimeSpan.Zero, () => receiver.Producer!.ResumeProducing());
        };
        Assert.AreEqual(5_000_000, world.Wait(client.Receive(receiver, "GET"u8.ToArray(), "key"u8.ToArray())));
        Assert.AreEqual(5_000_000, receiver.Bytes.WrittenCount);
        Assert.IsGreaterThan(3, pauses);
        Assert.AreEqual(-1, world.Wait(client.Receive(receiver, "GET"u8.ToArray(), "other"u8.ToArray())));
        Deferred<long> refused = client.Receive(new ValueReceiver { MaxBytes = 10 }, "GET"u8.ToArray(), "key"u8.ToArray());
        Assert.ThrowsExactly<CancelledError>(() => world.Wait(refused));
        client.Dispose();
        world.AssertEnded();
    }

    [TestMethod]
    public void Subscribe_GivesMessages_UntilItIsEnded()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        using RedisClient client = world.Client(server.Address);
        var messages = new List<string>();
        int ends = 0;
        RedisSubscription subscription = world.Wait(client.Subscribe(
            "channel", message => messages.Add(Encoding.UTF8.GetString(message.Span)), _ => ends++));
        Assert.AreEqual(1, world.Wait(client.Send("PUBLISH", "channel", "one")).Number);
        Assert.AreEqual(1, world.Wait(client.Send("PUBLISH", "channel", "two")).Number);
        world.Loop.Until(() => messages.Count == 2, "the messages");
        CollectionAssert.AreEqual(new[] { "one", "two" }, messages);
        subscription.Unsubscribe();
        world.Loop.Until(() => server.Run("PUBSUB", "NUMSUB", "channel") == "channel\n:0", "its end at the server");
        Assert.AreEqual(0, ends, "an end that was asked for");
        client.Dispose();
        world.AssertEnded();
    }

    /// <summary>A server that is paused sends no end of its connections: only the ping notices it.</summary>
    [TestMethod]
    public void Subscription_IsPinged_AndEndsWhenTheServerIsSilent()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        using RedisClient client = world.Client(server.Address, TimeSpan.FromSeconds(1));
        string end = string.Empty;
        RedisSubscription subscription = world.Wait(client.Subscribe("channel", _ => { }, failure => end = failure.Message));
        subscription.Ping();
        Assert.AreEqual(1, world.Wait(client.Send("PUBLISH", "channel", "x")).Number);
        subscription.Ping();
        server.Pause();
        subscription.Ping();
        world.Loop.Until(() => end.Length > 0, "the end of the subscription");
        Assert.Contains("timed out", end);
        server.Resume();
        client.Dispose();
        world.AssertEnded();
    }

    [TestMethod]
    public void Dispose_FailsWhatWaits_AndWhatIsSentLater()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisClient client = world.Client(server.Address);
        Deferred<RedisReply> early = client.Send("GET", "key");
        client.Dispose();
        Assert.Contains("closed", Assert.ThrowsExactly<RedisError>(() => world.Wait(early)).Message);
        Assert.Contains("closed", Assert.ThrowsExactly<RedisError>(() => world.Wait(client.Send("GET", "key"))).Message);
        world.AssertEnded();
    }

    [TestMethod]
    public void Dispose_WhenASubscriptionThrows_EndsTheOthers()
    {
        using var server = new RedisServer();
        using var world = new RedisWorld();
        RedisClient client = world.Client(server.Address);
        int ends = 0;
        _ = world.Wait(client.Subscribe("one", static _ => { }, _ => ends++));
        _ = world.Wait(client.Subscribe("other", static _ => { }, static _ => throw new ArithmeticException("broken")));
        client.Dispose();
        Assert.AreEqual(1, ends);
        Assert.HasCount(1, world.Loop.Log.Exceptions);
        world.Loop.Until(() => world.Loop.Reactor.Connections.Count == 0, "the end of the connections");
    }
}
