using Microsoft.Extensions.Logging;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>When no fetch begins: for a health check, and in the pause after a failure.</summary>
[TestClass]
public sealed class ProxyPauseTests
{
    private const string Poem = "Was it for this";

    private static readonly TimeSpan ProbeDelay = new ProxyOptions { Lifetime = TimeSpan.Zero }.ProbeDelay;

    [TestMethod]
    [DataRow(true, DisplayName = "by a reset")]
    [DataRow(false, DisplayName = "by its end")]
    public void AClientThatLeavesAtOnce_BeginsNoFetch(bool byReset)
    {
        using var world = new ProxyWorld(pauses: true);
        MemoryTransport probe = world.Join();
        world.Clock.Advance(ProbeDelay / 2);
        if (byReset)
        {
            probe.PeerResets();
        }
        else
        {
            probe.PeerEnds();
        }

        world.Clock.Advance(ProbeDelay);
        Assert.IsEmpty(world.Upstreams.All);
        Assert.IsTrue(probe.IsClosed);
        Assert.AreEqual(1, world.Service.Probes);
        Assert.AreEqual(0, world.Service.Misses);
        LogEntry record = world.Log.Entries.Single(entry => entry.Text.Contains("proxied", StringComparison.Ordinal));
        Assert.AreEqual(LogLevel.Debug, record.Level);
    }

    [TestMethod]
    public void AClientThatStays_HasThePoemFetched()
    {
        using var world = new ProxyWorld(pauses: true);
        MemoryTransport client = world.Join();
        world.Clock.Advance(ProbeDelay - TimeSpan.FromMilliseconds(1));
        Assert.IsEmpty(world.Upstreams.All);
        world.Clock.Advance(0.001);
        Assert.HasCount(1, world.Upstreams.All);
        world.Deliver(Poem);
        ProxyWorld.AssertGot(client, Poem);
        Assert.AreEqual(0, world.Service.Probes);
    }

    [TestMethod]
    public void AClientThatSpeaks_DoesNotWait()
    {
        using var world = new ProxyWorld(pauses: true);
        MemoryTransport client = world.Join();
        client.PeerSends("GET / HTTP/1.0"u8.ToArray());
        Assert.HasCount(1, world.Upstreams.All);
        world.Clock.Advance(ProbeDelay);
        world.Deliver(Poem);
        ProxyWorld.AssertGot(client, Poem);
        Assert.HasCount(1, world.Upstreams.All);
    }

    [TestMethod]
    public void AClientThatFindsAFetch_OrAPoem_DoesNotWait()
    {
        using var world = new ProxyWorld(pauses: true);
        MemoryTransport first = world.Join();
        world.Clock.Advance(ProbeDelay);
        MemoryTransport second = world.Join();
        Assert.AreEqual(2, world.Service.Waiters);
        world.Deliver(Poem);
        ProxyWorld.AssertGot(first, Poem);
        ProxyWorld.AssertGot(second, Poem);
        ProxyWorld.AssertGot(world.Join(), Poem);
    }

    [TestMethod]
    public void ClientsThatWaitTogether_ShareAFetch()
    {
        using var world = new ProxyWorld(pauses: true);
        MemoryTransport[] clients = [world.Join(), world.Join(), world.Join()];
        world.Clock.Advance(ProbeDelay);
        world.Deliver(Poem);
        Array.ForEach(clients, client => ProxyWorld.AssertGot(client, Poem));
        Assert.HasCount(1, world.Upstreams.All);
    }

    /// <summary>0.1, 0.2, 0.4 … 5 s.</summary>
    [TestMethod]
    public void AfterAFailure_TheUpstreamIsLeftAlone_TwiceAsLongEachTime()
    {
        using var world = new ProxyWorld(pauses: true);
        double pause = 0.1;
        for (int failures = 1; failures <= 8; failures++)
        {
            MemoryTransport client = world.Join();
            world.Clock.Advance(ProbeDelay);
            Assert.HasCount(failures, world.Upstreams.All);
            world.Upstreams.Last.Refuse();
            world.Turn();
            ProxyWorld.AssertReset(client);

            world.Clock.Advance(TimeSpan.FromSeconds(pause) - TimeSpan.FromMilliseconds(1));
            MemoryTransport refused = world.Join();
            ProxyWorld.AssertReset(refused);
            world.Clock.Advance(0.001);
            pause = Math.Min(pause * 2, 5);
        }

        Assert.AreEqual(8, world.Service.Refusals);
        Assert.AreEqual(16, world.Log.Lines.Count(line => line.EndsWith("failed (connection refused)", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void ASuccess_EndsThePauses()
    {
        using var world = new ProxyWorld(new ProxyOptions { Lifetime = TimeSpan.Zero }, pauses: true);
        Fail(world);
        world.Clock.Advance(0.1);
        Fail(world);
        world.Clock.Advance(0.2);
        _ = world.Join();
        world.Clock.Advance(ProbeDelay);
        world.Deliver(Poem);
        Fail(world);
        world.Clock.Advance(0.1);
        Assert.IsFalse(world.Service.IsPaused, "the first pause is short again");
    }

    [TestMethod]
    public void ACancelledFetch_IsNoFailure()
    {
        using var world = new ProxyWorld(pauses: true);
        MemoryTransport client = world.Join();
        world.Clock.Advance(ProbeDelay);
        client.PeerEnds();
        world.Turn();
        Assert.AreEqual(1, world.Service.Cancels);
        Assert.IsFalse(world.Service.IsPaused);
    }

    [TestMethod]
    public void InAPause_AStalePoemIsServed()
    {
        var options = new ProxyOptions { Lifetime = TimeSpan.FromSeconds(10), StaleIfError = TimeSpan.FromSeconds(60) };
        using var world = new ProxyWorld(options, pauses: true);
        _ = world.Join();
        world.Clock.Advance(ProbeDelay);
        world.Deliver(Poem);
        world.Clock.Advance(11);
        MemoryTransport first = world.Join();
        world.Clock.Advance(ProbeDelay);
        world.Upstreams.Last.Refuse();
        world.Turn();
        ProxyWorld.AssertGot(first, Poem);
        ProxyWorld.AssertGot(world.Join(), Poem);
        Assert.HasCount(2, world.Upstreams.All, "in the pause nothing is fetched");
        Assert.AreEqual(2, world.Service.StaleServed);
    }

    private static void Fail(ProxyWorld world)
    {
        _ = world.Join();
        world.Clock.Advance(ProbeDelay);
        world.Upstreams.Last.Refuse();
        world.Turn();
    }
}
