using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>When the last who waits has left, and only then, the fetch is cancelled, at whatever moment that is.</summary>
[TestClass]
public sealed class ProxyLeavingTests
{
    private const string Poem = "Was it for this";

    [TestMethod]
    [DataRow(true, DisplayName = "by a reset")]
    [DataRow(false, DisplayName = "by ending its side")]
    public void TheLastToLeave_CancelsTheFetch(bool byReset)
    {
        using var world = new ProxyWorld();
        MemoryTransport[] clients = [world.Join(), world.Join(), world.Join()];
        world.Upstreams.Last.Send("Was"u8.ToArray());
        world.Turn();
        foreach (MemoryTransport client in clients)
        {
            Assert.IsFalse(world.Upstreams.Last.WasGivenUp, "a client waits");
            Leave(client, byReset);
            world.Turn();
        }

        Assert.IsTrue(world.Upstreams.Last.WasGivenUp);
        Assert.AreEqual(WireEnd.Reset, world.Upstreams.Last.Transport!.End);
        Assert.AreEqual(1, world.Log.Count("Canceling poem download."));
        Assert.AreEqual(0, world.Log.Count("fetch of"), "a cancel is no failure");
        ProxyWorld.AssertEmpty(world.Service);
    }

    [TestMethod]
    public void TwoOfThreeLeave_TheThirdGetsThePoem()
    {
        using var world = new ProxyWorld();
        MemoryTransport first = world.Join();
        MemoryTransport second = world.Join();
        MemoryTransport third = world.Join();
        first.PeerResets();
        third.PeerEnds();
        world.Turn();
        world.Deliver(Poem);
        ProxyWorld.AssertGot(second, Poem);
        ProxyWorld.AssertReset(third);
    }

    [TestMethod]
    public void Leaving_BeforeTheConnection_StopsConnecting()
    {
        using var world = new ProxyWorld();
        MemoryTransport client = world.Join();
        client.PeerEnds();
        Assert.IsTrue(world.Upstreams.Last.WasGivenUp, "it need not wait for a turn");
        Assert.AreEqual(0, world.Service.FetchesInFlight);
    }

    [TestMethod]
    public void Leaving_AgainAndAgain_LeavesNothingBehind()
    {
        using var world = new ProxyWorld();
        for (int i = 1; i <= 20; i++)
        {
            MemoryTransport client = world.Join();
            world.Upstreams.Last.Send("Was"u8.ToArray());
            world.Turn();
            client.PeerResets();
            world.Turn();
            Assert.AreEqual(i, world.Service.Cancels);
            Assert.AreEqual(0, world.Memory.BytesAlive);
        }

        _ = world.FetchOnce(Poem);
    }

    [TestMethod]
    public void Leaving_InTheTurnOfTheEnd_AfterIt_ThePoemIsKept()
    {
        using var world = new ProxyWorld();
        MemoryTransport client = world.Join();
        world.Upstreams.Last.SendAll("Was it for this"u8.ToArray());
        client.PeerResets();
        world.Turn();
        ProxyWorld.AssertCached(world.Service);
        Assert.AreEqual(0, world.Service.Cancels);
        ProxyWorld.AssertGot(world.Join(), Poem);
    }

    [TestMethod]
    public void Leaving_InTheTurnOfTheEnd_BeforeIt_ThePoemIsNotKept()
    {
        using var world = new ProxyWorld();
        MemoryTransport client = world.Join();
        world.Upstreams.Last.Send("Was it"u8.ToArray());
        client.PeerEnds();
        world.Upstreams.Last.SendAll(" for this"u8.ToArray());
        world.Turn();
        ProxyWorld.AssertEmpty(world.Service);
        Assert.AreEqual(1, world.Service.Cancels);
    }

    /// <summary>A fetch whose canceller lets a client join: that client must not join the cancelled fetch.</summary>
    [TestMethod]
    public void Joining_WhileTheCancelRuns_BeginsANewFetch()
    {
        var clock = new ManualClock();
        ProxyService? service = null;
        ProxyDelivery? late = null;
        int fetches = 0;
        service = new ProxyService(
            "upstream",
            _ => ++fetches == 1 ? new Deferred<long>(_ => late = service!.Join(new IdleReader())) : new Deferred<long>(),
            clock,
            new ProxyOptions { Lifetime = TimeSpan.FromHours(2) },
            new ProxyCache(long.MaxValue),
            new PoemMemory(),
            new CollectingLog());
        ProxyDelivery early = service.Join(new IdleReader());
        early.End();
        Assert.AreEqual(2, fetches);
        Assert.IsTrue(late!.Waits, "the new fetch is not the cancelled one");
        Assert.AreEqual(1, service.FetchesInFlight);
        late.End();
        Assert.AreEqual(0, service.FetchesInFlight);
    }

    [TestMethod]
    public void AHalfClosedClient_OfAKeptPoem_IsServed()
    {
        using var world = new ProxyWorld();
        _ = world.FetchOnce(Poem);
        MemoryTransport client = world.Join(room: 2);
        client.PeerEnds();
        client.SetRoom(long.MaxValue);
        ProxyWorld.AssertGot(client, Poem);
    }

    [TestMethod]
    public void AClientThatSpeaks_GetsItsPoem()
    {
        using var world = new ProxyWorld();
        MemoryTransport client = world.Join();
        client.PeerSends("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
        world.Deliver(Poem);
        ProxyWorld.AssertGot(client, Poem);
    }

    private static void Leave(MemoryTransport client, bool byReset)
    {
        if (byReset)
        {
            client.PeerResets();
        }
        else
        {
            client.PeerEnds();
        }
    }

    private sealed class IdleReader : IPoemReader
    {
        public long BytesTaken => 0;

        public void Write(ReadOnlyMemory<byte> bytes, bool last)
        {
        }

        public void Ended(Failure? failure)
        {
        }
    }
}
