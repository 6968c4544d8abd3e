using System.Text;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <content>Locks that are lost, poems that are refused, and outages that come again.</content>
public sealed partial class SharedFetchTests
{
    /// <summary>The renewal is on its way when the poem is stored, and both are told that the lock is gone.</summary>
    [TestMethod]
    public void ALockThatIsLost_IsCountedOnce()
    {
        FleetMachine machine = Machine();
        _ = machine.Join();
        Pass(0.9);
        _server.Evict(Lock);
        _server.Pause();
        Pass(0.15);
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.1);
        _server.Resume();
        Pass(0.1);
        Assert.AreEqual(1, _server.Operations["renew"]);
        Assert.AreEqual(1, _server.Operations["store"]);
        Assert.AreEqual(1, machine.Service.Shared!.LocksLost);
    }

    /// <summary>Its store has deleted the lock, and the renewal that follows hears first that it is gone.</summary>
    [TestMethod]
    public void ALockThatItsOwnStoreGaveBack_IsNotLost()
    {
        FleetMachine machine = Machine();
        _ = machine.Join();
        Pass(0.9);
        _server.Pause();
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.15);
        int replies = 0;
        _server.Delay = () => TimeSpan.FromSeconds(++replies == 1 ? 0.2 : 0.1);
        _server.Resume();
        Pass(0.3);
        Assert.AreEqual((1, 1), (_server.Operations["store"], _server.Operations["renew"]));
        Assert.AreEqual((1L, 0L), (machine.Service.Shared!.Stores, machine.Service.Shared!.LocksLost));
        ProxyWorld.AssertCached(machine.Service);
    }

    /// <summary>
    /// Aim: a refresh that ends because its last byte, the comma, finds no memory gives its lock back. Method: a client of another
    /// poem takes the rest of the memory just before.
    /// </summary>
    [TestMethod]
    public void ARefreshWhoseEndFindsNoMemory_GivesItsLockBack()
    {
        ProxyOptions options = Options() with
        {
            Format = PoemFormat.Netstring,
            Lifetime = TimeSpan.FromSeconds(10),
            StaleWhileRevalidate = TimeSpan.FromMinutes(1),
        };
        var machine = new FleetMachine(0, _server, options, poems: 2, clock: _clock, maxCacheBytes: 30);
        _machines.Add(machine);
        Pass(0.01);
        _ = machine.Join();
        Pass(0.1);
        machine.Upstream.Last.SendAll("3:old,"u8.ToArray());
        Pass(10.1);
        ProxyWorld.AssertGot(machine.Join(), "3:old,");
        Pass(0.1);
        machine.Upstream.Last.Send("5:hello"u8.ToArray());
        Assert.IsNotNull(_server.HolderOf(FleetMachine.KeyOf(0, PoemFormat.Netstring)));
        _ = machine.Join(poem: 1);
        Pass(0.1);
        machine.Upstreams[1].Last.Send("22:01234567890123456789"u8.ToArray());
        Assert.AreEqual(30, machine.Poems.HeldBytes);
        machine.Upstream.Last.Send(","u8.ToArray());
        Pass(0.1);
        Assert.AreEqual((2L, 1L), (machine.Service.Fetches, machine.Service.Cancels));
        Assert.IsNull(_server.HolderOf(FleetMachine.KeyOf(0, PoemFormat.Netstring)));
    }

    /// <summary>
    /// Aim: a poem that the cache does not take is served and kept as if there were no cache, and no other proxy waits for it. Method:
    /// two proxies fetch it once each, and the first again when its own copy is old, while it is refused and afterwards.
    /// </summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void APoemThatIsRefused_IsKept_AndNoProxyWaitsForIt(bool refusesScripts)
    {
        _server.StoreError = "NOPERM";
        _server.RefusesScripts = refusesScripts;
        FleetMachine machine = Machine(Options() with { Lifetime = TimeSpan.FromSeconds(0.3) });
        FleetMachine other = Machine();
        SharedPoem poem = machine.Service.Shared!;
        FetchOnce(machine);
        ProxyWorld.AssertCached(machine.Service, "its own copy");
        Assert.IsNull(_server.HolderOf(Key));
        FetchOnce(other);
        Assert.IsTrue(poem.IsRefused);
        int locks = _server.Operations["lock"];
        Pass(0.4);
        FetchOnce(machine);
        Assert.AreEqual((1L, locks), (poem.Refusals, _server.Operations["lock"]), "no lock, and no second attempt, in the pause");
        Pass(0.8);
        FetchOnce(machine);
        Assert.AreEqual(2, poem.Refusals, "after the pause it is tried again");
        Assert.HasCount(1, machine.Log.Lines);
        machine.Log.AssertHas("Warning", Key, "NOPERM");
        _server.StoreError = null;
        Pass(1.7);
        FetchOnce(machine);
        Assert.IsNull(Stored(), "the pause is twice as long");
        Pass(0.5);
        FetchOnce(machine);
        Assert.AreEqual(Poem, Stored());
        Assert.IsFalse(poem.IsRefused);
        Assert.AreEqual(0, machine.Cache.Outages.Count + other.Cache.Outages.Count);
    }

    /// <summary>Without scripts the lock of a long fetch can't be renewed: it is given back, and the poem is kept all the same.</summary>
    [TestMethod]
    public void ALockThatMayNotBeRenewed_IsGivenBack_AndThePoemIsKept()
    {
        _server.StoreError = "NOPERM";
        _server.RefusesScripts = true;
        FleetMachine machine = Machine();
        MemoryTransport client = machine.Join();
        Pass(1.2);
        Assert.IsNull(_server.HolderOf(Key));
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.1);
        ProxyWorld.AssertGot(client, Poem);
        ProxyWorld.AssertCached(machine.Service);
        Assert.AreEqual((1L, 0L), (machine.Service.Shared!.Refusals, machine.Cache.Outages.Count));
    }

    [TestMethod]
    public void ALockThatIsNone_AndMayNotBeReplaced_IsNoOutage()
    {
        _server.StoreError = "NOPERM";
        _server.RefusesScripts = true;
        _server.Plant(Lock, "another", TimeSpan.MaxValue);
        FleetMachine machine = Machine();
        MemoryTransport client = machine.Join();
        Pass(3.2);
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.1);
        ProxyWorld.AssertGot(client, Poem);
        Assert.AreEqual((1L, 0L), (machine.Service.Shared!.Refusals, machine.Cache.Outages.Count));
    }

    /// <summary>It waits for the purge and asks then: that is its first look.</summary>
    [TestMethod]
    public void AFetchThatBeginsDuringAPurge_IsCountedLikeAnyOther()
    {
        FleetMachine machine = Machine();
        _server.Pause();
        machine.HangUp();
        _ = machine.Join();
        Pass(0.1);
        _server.Resume();
        _server.Plant(Lock, "another", TimeSpan.FromSeconds(1));
        Pass(0.5);
        Assert.IsEmpty(machine.Upstream.All);
        Assert.AreEqual((1L, 1L), (machine.Service.Shared!.Misses, machine.Service.Shared!.Waits));
    }

    /// <summary>
    /// A server that takes small values and refuses the poem is back at each probe and lost at each store: the pauses grow
    /// nevertheless, and are short again after a time without an outage.
    /// </summary>
    [TestMethod]
    public void AnOutageSoonAfterTheLast_HasALongerPause()
    {
        FleetMachine machine = Machine();
        Pass(0.1);
        foreach (double pause in (double[])[1, 2, 4, 8])
        {
            machine.Cache.Failed(new SharedStoreError("full"), _clock.Now);
            Pass(pause - 0.1);
            Assert.IsFalse(machine.Cache.IsUsable, $"in a pause of {pause} s");
            Pass(0.2);
            Assert.IsTrue(machine.Cache.IsUsable, $"after a pause of {pause} s");
        }

        Pass(30);
        machine.Cache.Failed(new SharedStoreError("full"), _clock.Now);
        Pass(1.1);
        Assert.IsTrue(machine.Cache.IsUsable);
    }
}
