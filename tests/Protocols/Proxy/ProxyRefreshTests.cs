using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>A stale poem is served at once while one fetch in the background replaces it.</summary>
[TestClass]
public sealed class ProxyRefreshTests
{
    private const string Old = "The old poem";
    private const string New = "The new poem, which is longer";

    private static readonly ProxyOptions Options = new()
    {
        Lifetime = TimeSpan.FromSeconds(10),
        StaleWhileRevalidate = TimeSpan.FromSeconds(60),
    };

    [TestMethod]
    public void AStalePoem_IsServedAtOnce_AndRefreshedOnce()
    {
        using var world = new ProxyWorld(Options, pauses: true);
        FetchOld(world);
        for (int i = 0; i < 5; i++)
        {
            ProxyWorld.AssertGot(world.Join(), Old);
        }

        world.Clock.Advance(world.Options.ProbeDelay);
        Assert.HasCount(2, world.Upstreams.All, "one fetch in the background for all of them");
        Assert.AreEqual(5, world.Service.StaleServed);
        Assert.AreEqual(1, world.Service.Refreshes);
        world.Deliver(New);
        ProxyWorld.AssertGot(world.Join(), New);
        Assert.AreEqual(5, world.Service.StaleServed, "the new one is fresh");
        world.Clients.ForEach(client => client.PeerEnds());
        world.Turn();
        Assert.AreEqual(5, world.Log.Lines.Count(line => line.EndsWith(": whole (stale)", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void AProbeOfAStalePoem_BeginsNoFetch()
    {
        using var world = new ProxyWorld(Options, pauses: true);
        FetchOld(world);
        world.Join(room: 0).PeerResets();
        world.Turn();
        world.Clock.Advance(1);
        Assert.HasCount(1, world.Upstreams.All);
    }

    [TestMethod]
    [DataRow(true, DisplayName = "it has ended")]
    [DataRow(false, DisplayName = "it stays")]
    public void AClientThatTakesAStalePoem_BeginsAFetch(bool ends)
    {
        using var world = new ProxyWorld(Options, pauses: true);
        FetchOld(world);
        MemoryTransport client = world.Join();
        Assert.HasCount(1, world.Upstreams.All, "it may still be a probe");
        if (ends)
        {
            client.PeerEnds();
            world.Turn();
        }
        else
        {
            world.Clock.Advance(world.Options.ProbeDelay);
        }

        Assert.HasCount(2, world.Upstreams.All);
        Assert.AreEqual(1, world.Service.Refreshes);
    }

    [TestMethod]
    [DataRow(69, true)]
    [DataRow(70, false)]
    public void TheTime_CountsFromTheEndOfTheLifetime(int seconds, bool isServed)
    {
        using var world = new ProxyWorld(Options);
        _ = world.FetchOnce(Old);
        world.Clock.Advance(seconds);
        MemoryTransport client = world.Join();
        Assert.AreEqual(isServed ? Old.Length : 0, client.Sent.Length);
        world.Deliver(New);
        ProxyWorld.AssertGot(client, isServed ? Old : New);
    }

    [TestMethod]
    public void ARefreshThatFails_IsTriedAgainAfterAPause()
    {
        using var world = new ProxyWorld(Options, pauses: true);
        FetchOld(world);
        ProxyWorld.AssertGot(world.Join(), Old);
        world.Clock.Advance(world.Options.ProbeDelay);
        world.Upstreams.Last.Refuse();
        ProxyWorld.AssertGot(world.Join(), Old);
        Assert.HasCount(2, world.Upstreams.All, "not in the pause");
        world.Clock.Advance(0.1);
        ProxyWorld.AssertGot(world.Join(), Old);
        world.Clock.Advance(world.Options.ProbeDelay);
        Assert.HasCount(3, world.Upstreams.All);
        world.Deliver(New);
        ProxyWorld.AssertGot(world.Join(), New);
    }

    [TestMethod]
    public void ARefresh_NeedsNoClient_AndIsEndedByAPurge()
    {
        using var world = new ProxyWorld(Options);
        FetchOld(world);
        MemoryTransport client = world.Join();
        ProxyWorld.AssertGot(client, Old);
        client.PeerEnds();
        world.Turn();
        Assert.IsTrue(world.Upstreams.Last.IsLive);
        world.Service.Clear();
        Assert.IsTrue(world.Upstreams.Last.WasGivenUp, "no client waits for it, and it will not be kept");
        _ = world.FetchOnce(New);
    }

    [TestMethod]
    public void ARefresh_CanBeJoinedWhenTheOldPoemIsGone()
    {
        using var world = new ProxyWorld(Options);
        FetchOld(world);
        ProxyWorld.AssertGot(world.Join(), Old);
        world.Clock.Advance(59);
        MemoryTransport late = world.Join();
        world.Turn();
        Assert.HasCount(2, world.Upstreams.All);
        world.Deliver(New);
        ProxyWorld.AssertGot(late, New);
    }

    [TestMethod]
    public void ARefreshThatIsTooLongToBeKept_EndsTheOldPoem()
    {
        using var world = new ProxyWorld(Options with { MaxPoemBytes = 20 });
        FetchOld(world);
        ProxyWorld.AssertGot(world.Join(), Old);
        world.Deliver(New);
        ProxyWorld.AssertEmpty(world.Service);
        MemoryTransport next = world.Join();
        world.Deliver(New);
        ProxyWorld.AssertGot(next, New);
    }

    [TestMethod]
    public void WithBothStaleTimes_AFailedFetchIsCoveredAfterTheFirst()
    {
        using var world = new ProxyWorld(Options with { StaleIfError = TimeSpan.FromSeconds(100) });
        _ = world.FetchOnce(Old);
        world.Clock.Advance(75);
        MemoryTransport client = world.Join();
        Assert.AreEqual(0, client.Sent.Length, "it waits for the fetch");
        world.Upstreams.Last.Refuse();
        world.Turn();
        ProxyWorld.AssertGot(client, Old);
    }

    private static void FetchOld(ProxyWorld world)
    {
        MemoryTransport client = world.Join();
        world.Clock.Advance(world.Options.ProbeDelay);
        world.Deliver(Old);
        ProxyWorld.AssertGot(client, Old);
        world.Clock.Advance(11);
    }
}
