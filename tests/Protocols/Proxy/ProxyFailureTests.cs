using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>What is not a whole poem is never taken for one, and never kept.</summary>
[TestClass]
public sealed class ProxyFailureTests
{
    private const string Poem = "Was it for this";

    [TestMethod]
    public void AReset_ResetsAllWaitingClients_AndTheNextFetchesAgain()
    {
        using var world = new ProxyWorld();
        MemoryTransport[] clients = [.. Enumerable.Range(0, 50).Select(_ => world.Join())];
        world.Upstreams.Last.Send("Was it"u8.ToArray());
        world.Turn();
        world.Upstreams.Last.Transport!.PeerResets();
        world.Turn();
        Array.ForEach(clients, client => ProxyWorld.AssertReset(client, "Was it"));
        ProxyWorld.AssertEmpty(world.Service);
        Assert.AreEqual(1, world.Log.Count("fetch of upstream failed: upstream reset after 6 bytes"));
        _ = world.FetchOnce(Poem);
    }

    [TestMethod]
    public void ARefusal_IsNoEmptyPoem()
    {
        using var world = new ProxyWorld();
        MemoryTransport client = world.Join();
        world.Upstreams.Last.Refuse();
        world.Turn();
        ProxyWorld.AssertReset(client);
        Assert.AreEqual(1, world.Log.Count("fetch of upstream failed: connection refused"));
    }

    [TestMethod]
    public void ErrorsAreNotKept_EveryClientTriesAgain()
    {
        using var world = new ProxyWorld();
        for (int i = 1; i <= 10; i++)
        {
            MemoryTransport client = world.Join();
            world.Upstreams.Last.Refuse();
            world.Turn();
            ProxyWorld.AssertReset(client);
            Assert.HasCount(i, world.Upstreams.All);
        }
    }

    /// <summary>However many ask a proxy whose upstream is down: a line at once, then one in ten seconds with the count.</summary>
    [TestMethod]
    public void FailuresWithoutEnd_AreCountedNotListed()
    {
        using var world = new ProxyWorld();
        FailFetches(world, 1000);
        Assert.AreEqual(1, world.Log.Count("fetch of upstream failed"), "the first is told at once");
        world.Clock.Advance(10);
        Assert.AreEqual(1, world.Log.Count("fetch of upstream failed 999 more times, last: connection refused"), "the rest is told");
        FailFetches(world, 2);
        world.Clock.Advance(10);
        Assert.AreEqual(1, world.Log.Count("fetch of upstream failed 2 more times, last: connection refused"));
        world.Clock.Advance(100);
        FailFetches(world, 1);
        world.Clock.Advance(100);
        Assert.AreEqual(2, world.Log.Count("fetch of upstream failed: connection refused"), "after a pause the next is the first again");
        Assert.AreEqual(4, world.Log.Count("fetch of upstream failed"));
    }

    [TestMethod]
    public void AFetchThatCannotBegin_IsAFailure()
    {
        var clock = new ManualClock();
        var service = new ProxyService(
            "upstream",
            _ => throw new InvalidOperationException("no way"),
            clock,
            new ProxyOptions { Lifetime = TimeSpan.FromHours(2), ProbeDelay = TimeSpan.Zero },
            new ProxyCache(long.MaxValue),
            new PoemMemory(),
            new CollectingLog());
        var factory = new ProxyServerFactory(service, new CollectingLog());
        var client = new MemoryTransport(clock, factory);
        client.Open(factory.BuildProtocol(default)!);
        clock.Advance(0);
        ProxyWorld.AssertReset(client);
        Assert.AreEqual(1, service.Failures);
    }

    [TestMethod]
    [DataRow("", DisplayName = "before the first byte")]
    [DataRow("Was it", DisplayName = "in the middle")]
    public void ASilentUpstream_HasFailed(string beginning)
    {
        using var world = new ProxyWorld();
        MemoryTransport client = world.Join();
        world.Upstreams.Last.Send(Encoding.UTF8.GetBytes(beginning));
        world.Clock.Advance(ProxyWorld.UpstreamTimeout - TimeSpan.FromMilliseconds(1));
        Assert.AreEqual(WireEnd.None, client.End);
        world.Clock.Advance(0.001);
        ProxyWorld.AssertReset(client, beginning);
        Assert.AreEqual(WireEnd.Reset, world.Upstreams.Last.Transport!.End, "the silent connection is closed");
    }

    [TestMethod]
    public void Framed_AnEarlyEnd_IsAFailure()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.FromHours(2), Format = PoemFormat.Netstring });
        MemoryTransport client = world.Join();
        world.Upstreams.Last.Send("15:Was it"u8.ToArray());
        world.Turn();
        world.Deliver(string.Empty);
        ProxyWorld.AssertReset(client, "15:Was it");
        ProxyWorld.AssertEmpty(world.Service);
        Assert.AreEqual(1, world.Log.Count("fetch of upstream failed: got 6 of 15 bytes"));
    }

    /// <summary>A poem that is kept, one that is not, and one that passes through.</summary>
    [TestMethod]
    [DataRow(7200, 1000)]
    [DataRow(0, 1000)]
    [DataRow(7200, 2)]
    public void Framed_WhatFollowsTheFrame_IsIgnored_InEverySplit(int lifetimeSeconds, int maxPoemBytes)
    {
        byte[] wire = "3:abc,xx"u8.ToArray();
        for (int split = 0; split <= wire.Length; split++)
        {
            using var world = new ProxyWorld(new ProxyOptions
            {
                Lifetime = TimeSpan.FromSeconds(lifetimeSeconds),
                MaxPoemBytes = maxPoemBytes,
                Format = PoemFormat.Netstring,
            });
            MemoryTransport client = world.Join();
            world.Upstreams.Last.Send(wire[..split]);
            world.Turn();
            world.Upstreams.Last.SendAll(wire[split..]);
            world.Turn();
            ProxyWorld.AssertGot(client, "3:abc,");
            bool isKept = lifetimeSeconds > 0 && maxPoemBytes > 2;
            Assert.AreEqual(isKept, world.Service.CachedBytes > 0);
        }
    }

    [TestMethod]
    public void AReaderThatThrows_CostsNoOther()
    {
        var clock = new ManualClock();
        using var memory = new GuardedMemory();
        var fetching = new Deferred<long>();
        var service = new ProxyService(
            "upstream",
            receiver =>
            {
                _ = receiver.Received("poem"u8);
                return fetching;
            },
            clock,
            new ProxyOptions { Lifetime = TimeSpan.FromHours(2) },
            new ProxyCache(long.MaxValue),
            memory,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        Reader[] readers = [new(throws: false), new(throws: true), new(throws: false)];
        ProxyDelivery[] all = Array.ConvertAll(readers, service.Join);
        clock.Advance(0);
        fetching.Callback(4);
        clock.Advance(0);
        Assert.IsTrue(all.All(delivery => !delivery.Waits), "all are done");
        Assert.IsTrue(readers.All(reader => reader.HasEnded), "all are told");
        Assert.IsNull(readers[0].Failure);
        Assert.IsTrue(readers[1].Failure!.Check<NotSupportedException>());
        Assert.IsNull(readers[2].Failure);
        Array.ForEach(all, delivery => delivery.End());
        service.Clear();
        Assert.AreEqual(0, memory.BytesAlive);
    }

    [TestMethod]
    public void StaleIfError_AFailedRefresh_IsStoodInFor()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.FromSeconds(10), StaleIfError = TimeSpan.FromSeconds(60) });
        _ = world.FetchOnce(Poem);
        world.Clock.Advance(11);
        MemoryTransport[] clients = [world.Join(), world.Join()];
        Assert.HasCount(2, world.Upstreams.All);
        world.Upstreams.Last.Send("A new po"u8.ToArray());
        world.Turn();
        Assert.AreEqual(0, clients[0].Sent.Length, "while the old one may stand in, the new one is not streamed");
        world.Upstreams.Last.Transport!.PeerResets();
        world.Turn();
        Array.ForEach(clients, client => ProxyWorld.AssertGot(client, Poem));
        Assert.AreEqual(2, world.Service.StaleServed);
        world.Clock.Advance(1);
        _ = world.FetchOnce("A new poem");
        ProxyWorld.AssertGot(world.Join(), "A new poem");
    }

    [TestMethod]
    public void StaleIfError_EndsWithItsTime()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.FromSeconds(10), StaleIfError = TimeSpan.FromSeconds(60) });
        _ = world.FetchOnce(Poem);
        world.Clock.Advance(69);
        MemoryTransport client = world.Join();
        world.Clock.Advance(1);
        world.Upstreams.Last.Refuse();
        world.Turn();
        ProxyWorld.AssertReset(client);
    }

    private sealed class Reader(bool throws) : IPoemReader
    {
        public bool HasEnded { get; private set; }

        public Failure? Failure { get; private set; }

        public long BytesTaken => 0;

        public void Write(ReadOnlyMemory<byte> bytes, bool last)
        {
            if (throws)
            {
                throw new NotSupportedException();
            }
        }

        public void Ended(Failure? failure)
        {
            Assert.IsFalse(HasEnded, "it is told once");
            HasEnded = true;
            Failure = failure;
        }
    }

    private static void FailFetches(ProxyWorld world, int count)
    {
        for (int i = 0; i < count; i++)
        {
            MemoryTransport client = world.Join();
            world.Upstreams.Last.Refuse();
            world.Turn();
            ProxyWorld.AssertReset(client);
        }
    }
}
