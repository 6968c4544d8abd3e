using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>One fetch for all who wait, and a poem that is kept: the rules, one by one.</summary>
[TestClass]
public sealed class ProxyServiceTests
{
    private const string Poem = "Was it for this";

    [TestMethod]
    public void States_FollowThePoem()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.FromSeconds(10), StaleIfError = TimeSpan.FromSeconds(5) });
        ProxyWorld.AssertEmpty(world.Service);
        _ = world.Join();
        Assert.AreEqual((1, 0), (world.Service.FetchesInFlight, world.Service.CachedBytes));
        world.Deliver(Poem);
        Assert.AreEqual((0, Poem.Length), (world.Service.FetchesInFlight, world.Service.CachedBytes));
        world.Service.TryAcquireCached(out bool isStale)!.Release();
        Assert.IsFalse(isStale);
        world.Clock.Advance(10);
        Assert.IsNull(world.Service.TryAcquireCached(out isStale), "it only stands in for a poem that can't be fetched");
        Assert.IsTrue(isStale);
        Assert.IsNotNull(world.Service.StalePoem);
        world.Clock.Advance(5);
        Assert.IsNull(world.Service.StalePoem);
        Assert.AreEqual(0, world.Service.CachedBytes, "what can't be served any more is not kept");
    }

    [TestMethod]
    public void Join_WhileAFetchIsUnderWay_JoinsIt()
    {
        using var world = new ProxyWorld();
        MemoryTransport[] clients = [.. Enumerable.Range(0, 50).Select(_ => world.Join())];
        Assert.HasCount(1, world.Upstreams.All);
        world.Deliver(Poem);
        Array.ForEach(clients, client => ProxyWorld.AssertGot(client, Poem));
        Assert.AreEqual(49, world.Service.Coalesced);
        Assert.AreEqual(1, world.Log.Count("Fetching poem from server."));
    }

    [TestMethod]
    public void Join_AfterThePoemHasBegun_GetsItFromTheStart()
    {
        using var world = new ProxyWorld();
        MemoryTransport early = world.Join();
        world.Upstreams.Last.Send("Was it"u8.ToArray());
        world.Turn();
        Assert.AreEqual("Was it", Encoding.UTF8.GetString(early.Sent), "what has come is passed on at once");
        MemoryTransport late = world.Join();
        world.Turn();
        Assert.AreEqual("Was it", Encoding.UTF8.GetString(late.Sent));
        world.Deliver(" for this");
        ProxyWorld.AssertGot(early, Poem);
        ProxyWorld.AssertGot(late, Poem);
    }

    [TestMethod]
    public void Join_OfAKeptPoem_DoesNotAskTheUpstream()
    {
        using var world = new ProxyWorld();
        _ = world.FetchOnce(Poem);
        MemoryTransport client = world.Join();
        ProxyWorld.AssertGot(client, Poem);
        client.PeerEnds();
        world.Turn();
        Assert.HasCount(1, world.Upstreams.All);
        Assert.AreEqual(1, world.Log.Count("Using cached poem."));
        Assert.AreEqual(1, world.Service.Hits);
    }

    [TestMethod]
    public void AnEmptyReply_IsAFailure()
    {
        using var world = new ProxyWorld();
        MemoryTransport client = world.Join();
        world.Deliver(string.Empty);
        ProxyWorld.AssertReset(client);
        Assert.AreEqual(1, world.Log.Count("fetch of upstream failed: empty reply"));
        _ = world.FetchOnce(Poem);
    }

    [TestMethod]
    public void AnEmptyReply_IsAPoem_IfThatIsAllowed()
    {
        using var world = new ProxyWorld(allowEmpty: true);
        _ = world.FetchOnce(string.Empty);
        ProxyWorld.AssertGot(world.Join(), string.Empty);
        Assert.HasCount(1, world.Upstreams.All);
    }

    [TestMethod]
    public void AnEmptyNetstring_IsAPoem()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.FromHours(2), Format = PoemFormat.Netstring });
        _ = world.FetchOnce("0:,");
        ProxyWorld.AssertGot(world.Join(), "0:,");
        Assert.HasCount(1, world.Upstreams.All);
    }

    [TestMethod]
    public void NoBytes_AreNoNetstring_WhateverIsAllowed()
    {
        var options = new ProxyOptions { Lifetime = TimeSpan.FromHours(2), Format = PoemFormat.Netstring };
        using var world = new ProxyWorld(options, allowEmpty: true);
        MemoryTransport client = world.Join();
        world.Deliver(string.Empty);
        ProxyWorld.AssertReset(client);
    }

    [TestMethod]
    [DataRow(7199, 1)]
    [DataRow(7200, 2)]
    [DataRow(7201, 2)]
    public void AKeptPoem_IsServedForItsLifetime(int age, int fetches)
    {
        using var world = new ProxyWorld();
        _ = world.FetchOnce(Poem);
        world.Clock.Advance(age);
        _ = world.Join();
        Assert.HasCount(fetches, world.Upstreams.All);
    }

    [TestMethod]
    public void AKeptPoem_WithEndlessLifetime_StaysForEver()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.MaxValue, StaleIfError = TimeSpan.FromHours(1) });
        _ = world.FetchOnce(Poem);
        world.Clock.Advance(TimeSpan.FromDays(10_000));
        ProxyWorld.AssertGot(world.Join(), Poem);
        Assert.AreEqual(0, world.Clock.PendingCount, "for ever needs no timer");
    }

    [TestMethod]
    public void WithoutALifetime_NothingIsKept_ButFetchesAreShared()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.Zero, StaleIfError = TimeSpan.FromHours(1) });
        MemoryTransport first = world.Join();
        MemoryTransport second = world.Join();
        world.Deliver(Poem);
        ProxyWorld.AssertGot(first, Poem);
        ProxyWorld.AssertGot(second, Poem);
        ProxyWorld.AssertEmpty(world.Service);
        _ = world.Join();
        Assert.HasCount(2, world.Upstreams.All);
    }

    [TestMethod]
    public void APoemThatExpiresOnItsWay_IsDeliveredFromTheOldBuffer()
    {
        using var world = new ProxyWorld();
        _ = world.FetchOnce(Poem);
        MemoryTransport slow = world.Join(room: 3);
        world.Clock.Advance(TimeSpan.FromHours(3));
        MemoryTransport next = world.FetchOnce("another poem, in the place of that one");
        world.Service.Clear();
        slow.SetRoom(long.MaxValue);
        ProxyWorld.AssertGot(slow, Poem);
        ProxyWorld.AssertGot(next, "another poem, in the place of that one");
    }

    [TestMethod]
    public void APoemInItsBuffer_LivesUntilTheLastDeliveryHasEnded()
    {
        using var world = new ProxyWorld();
        MemoryTransport first = world.Join(room: 3);
        world.Deliver(Poem);
        MemoryTransport second = world.Join(room: 3);
        world.Service.Clear();
        Assert.IsGreaterThan(0, world.Memory.BytesAlive);
        first.PeerResets();
        world.Turn();
        Assert.IsGreaterThan(0, world.Memory.BytesAlive, "the second still holds it");
        second.PeerResets();
        world.Turn();
        Assert.AreEqual(0, world.Memory.BytesAlive);
    }

    [TestMethod]
    public void APoemThatWasSent_IsFreedBeforeItsClientsHaveClosed()
    {
        using var world = new ProxyWorld();
        MemoryTransport fetched = world.FetchOnce(Poem);
        MemoryTransport cached = world.Join();
        world.Service.Clear();
        Assert.IsFalse(fetched.IsClosed || cached.IsClosed);
        Assert.AreEqual(0, world.Memory.BytesAlive);
    }

    [TestMethod]
    public void ManyClients_ShareOneBuffer()
    {
        using var world = new ProxyWorld();
        _ = world.Join(room: 0);
        world.Deliver(Poem);
        long one = world.Memory.BytesAlive;
        for (int i = 0; i < 1000; i++)
        {
            _ = world.Join(room: 0);
        }

        Assert.AreEqual(one, world.Memory.BytesAlive);
    }

    [TestMethod]
    public void Clear_ForgetsThePoem()
    {
        using var world = new ProxyWorld();
        _ = world.FetchOnce(Poem);
        world.Service.Clear();
        _ = world.FetchOnce("another");
        ProxyWorld.AssertGot(world.Join(), "another");
    }

    [TestMethod]
    public void Clear_WhileAFetchIsUnderWay_GivesItToEarlierClientsOnly()
    {
        using var world = new ProxyWorld();
        MemoryTransport before = world.Join();
        world.Upstreams.Last.Send("Was it"u8.ToArray());
        world.Turn();
        world.Service.Clear();
        MemoryTransport after = world.Join();
        Assert.HasCount(2, world.Upstreams.All, "a client that comes after a purge joins no fetch from before it");
        world.Deliver("A newer poem");
        ProxyWorld.AssertGot(after, "A newer poem");
        Assert.AreEqual(WireEnd.None, before.End);
        world.Upstreams.All[0].SendAll(" for this"u8.ToArray());
        world.Turn();
        ProxyWorld.AssertGot(before, Poem);
        ProxyWorld.AssertGot(world.Join(), "A newer poem");
        Assert.AreEqual(2, world.Service.Fetches);
    }

    [TestMethod]
    public void Clear_WhileAFetchIsUnderWay_TheEarlierFetchIsNotKept()
    {
        using var world = new ProxyWorld();
        MemoryTransport before = world.Join();
        world.Service.Clear();
        world.Deliver(Poem);
        ProxyWorld.AssertGot(before, Poem);
        ProxyWorld.AssertEmpty(world.Service);
    }

    [TestMethod]
    public void StoreAndForward_GivesNothingBeforeAll()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.FromHours(2), StoreAndForward = true });
        MemoryTransport client = world.Join();
        world.Upstreams.Last.Send("Was it"u8.ToArray());
        world.Turn();
        Assert.AreEqual(0, client.Sent.Length);
        world.Deliver(" for this");
        ProxyWorld.AssertGot(client, Poem);
    }

    [TestMethod]
    public void Framed_TheHeadGoesOutBeforeThePoem()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.FromHours(2), Format = PoemFormat.Netstring });
        MemoryTransport client = world.Join();
        world.Upstreams.Last.Send("15:"u8.ToArray());
        world.Turn();
        Assert.AreEqual("15:", Encoding.UTF8.GetString(client.Sent));
        world.Deliver(Poem + ",");
        ProxyWorld.AssertGot(client, $"15:{Poem},");
        ProxyWorld.AssertGot(world.Join(), $"15:{Poem},");
        Assert.AreEqual(1, world.Service.Fetches);
    }

    [TestMethod]
    public void ManyWaiters_AreServedAFewATurn_InTheOrderInWhichTheyCame()
    {
        var clock = new ManualClock();
        using var memory = new GuardedMemory();
        var upstream = new Deferred<long>();
        var service = new ProxyService(
            "upstream",
            receiver =>
            {
                _ = receiver.Received("poem"u8);
                return upstream;
            },
            clock,
            new ProxyOptions { Lifetime = TimeSpan.FromHours(2) },
            new ProxyCache(long.MaxValue),
            memory,
            new CollectingLog());
        int served = 0;
        var readers = new OrderedReader[1000];
        for (int i = 0; i < readers.Length; i++)
        {
            int place = i;
            readers[i] = new OrderedReader(() => Assert.AreEqual(place, served++));
            readers[i].Delivery = service.Join(readers[i]);
        }

        upstream.Callback(4);
        for (int turn = 1; served < readers.Length; turn++)
        {
            clock.Turn(TimeSpan.Zero);
            Assert.AreEqual(Math.Min(64 * turn, readers.Length), served);
        }

        Array.ForEach(readers, reader => reader.Delivery.End());
        service.Clear();
        Assert.AreEqual(0, memory.BytesAlive);
    }

    private sealed class OrderedReader(Action written) : IPoemReader
    {
        public ProxyDelivery Delivery { get; set; } = null!;

        public long BytesTaken => 0;

        public void Write(ReadOnlyMemory<byte> bytes, bool last)
        {
            Assert.IsTrue(last, "it comes in one piece");
            written();
        }

        public void Ended(Failure? failure)
        {
        }
    }
}
