using System.Text;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>Proxies that share a cache: who fetches, who waits, what is stored, and what is kept.</summary>
[TestClass]
public sealed partial class SharedFetchTests
{
    private const string Poem = "O, what a rogue and peasant slave am I!";

    private readonly ManualClock _clock = new();
    private readonly SharedServerModel _server;
    private readonly List<FleetMachine> _machines = [];

    public SharedFetchTests()
    {
        _server = new SharedServerModel(_clock);
    }

    private static string Key => FleetMachine.KeyOf(0);

    private static string Lock => SharedNames.LockOf(Key);

    [TestCleanup]
    public void DisposeMachines()
    {
        _machines.ForEach(machine => machine.Dispose());
        Pass(1);
    }

    [TestMethod]
    public void OneFetches_TheOthersWait_AndAllGetThePoem()
    {
        FleetMachine[] fleet = [.. Enumerable.Range(0, 10).Select(_ => Machine())];
        MemoryTransport[] clients = [.. fleet.SelectMany(machine => Enumerable.Range(0, 5).Select(_ => machine.Join()))];
        Pass(0.5);
        FleetMachine fetcher = fleet.Single(machine => machine.Upstream.All.Count > 0);
        fetcher.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.5);
        foreach (MemoryTransport client in clients)
        {
            ProxyWorld.AssertGot(client, Poem);
        }

        Assert.AreEqual(1, fleet.Sum(machine => machine.Upstream.All.Count));
        Assert.AreEqual(9, fleet.Sum(machine => machine.Service.Shared!.Hits));
        Assert.AreEqual(9, fleet.Sum(machine => machine.Service.Shared!.Waits));
        Assert.AreEqual(1, fetcher.Service.Shared!.Stores);
        Assert.IsNull(_server.HolderOf(Key), "the lock is given back");
    }

    [TestMethod]
    public void ALockIsRenewed_WhileItsFetchGoesOn()
    {
        FleetMachine first = Machine();
        FleetMachine second = Machine();
        _ = first.Join();
        Pass(0.1);
        MemoryTransport waiter = second.Join();
        for (int i = 0; i < 100; i++)
        {
            Pass(0.25);
        }

        Assert.IsEmpty(second.Upstream.All);
        first.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.5);
        ProxyWorld.AssertGot(waiter, Poem);
    }

    [TestMethod]
    public void AFetchThatFails_GivesItsLockBackAtOnce()
    {
        FleetMachine first = Machine();
        FleetMachine second = Machine();
        _ = first.Join();
        Pass(0.1);
        MemoryTransport waiter = second.Join();
        Pass(0.1);
        first.Upstream.Last.Refuse();
        Pass(0.2);
        second.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.1);
        ProxyWorld.AssertGot(waiter, Poem);
    }

    [TestMethod]
    public void AFetchThatIsCancelled_GivesItsLockBackAtOnce()
    {
        FleetMachine first = Machine();
        MemoryTransport client = first.Join();
        Pass(0.1);
        Assert.IsNotNull(_server.HolderOf(Key));
        client.PeerResets();
        Pass(0.01);
        Assert.IsNull(_server.HolderOf(Key));
    }

    [TestMethod]
    public void AFetchThatIsCancelledBeforeItHearsOfItsLock_GivesItBack()
    {
        FleetMachine machine = Machine();
        MemoryTransport client = machine.Join();
        bool hadLock = false;
        for (int i = 0; i < 50 && !hadLock; i++)
        {
            _clock.Turn(TimeSpan.Zero);
            hadLock = _server.HolderOf(Key) is not null;
        }

        Assert.IsTrue(hadLock);
        client.PeerResets();
        Pass(0.01);
        Assert.IsNull(_server.HolderOf(Key));
    }

    [TestMethod]
    public void AProxyThatDies_CostsItsLease()
    {
        FleetMachine first = Machine();
        _ = first.Join();
        Pass(0.1);
        string holder = _server.HolderOf(Key)!;
        first.Link.Close();
        FleetMachine second = Machine();
        _ = second.Join();
        Pass(2.5);
        Assert.IsEmpty(second.Upstream.All);
        Pass(0.6);
        Assert.HasCount(1, second.Upstream.All);
        Assert.AreNotEqual(holder, _server.HolderOf(Key));
    }

    [TestMethod]
    [DataRow("forever")]
    [DataRow("list")]
    [DataRow("long")]
    public void ALockThatIsNone_IsTakenAfterThreeSeconds(string kind)
    {
        _server.Plant(Lock, kind == "list" ? null : "another", kind == "long" ? TimeSpan.FromHours(1) : TimeSpan.MaxValue);
        FleetMachine machine = Machine();
        MemoryTransport client = machine.Join();
        Pass(2.9);
        Assert.IsEmpty(machine.Upstream.All);
        Pass(0.3);
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.1);
        ProxyWorld.AssertGot(client, Poem);
        Assert.AreEqual(Poem, Stored());
    }

    [TestMethod]
    public void AFetch_WaitsNoLongerThanItsTimeout()
    {
        FleetMachine first = Machine();
        FleetMachine second = Machine(Options() with { Timeout = TimeSpan.FromSeconds(5) });
        _ = first.Join();
        Pass(0.1);
        MemoryTransport client = second.Join();
        Pass(4.9);
        Assert.IsEmpty(second.Upstream.All);
        Pass(0.2);
        second.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.1);
        ProxyWorld.AssertGot(client, Poem);
        Assert.IsNull(Stored(), "it has no lock, and does not store");
    }

    [TestMethod]
    public void WhatIsRead_IsKeptForTheRestOfItsLife()
    {
        FleetMachine first = Machine();
        FetchOnce(first);
        Pass(7000);
        FleetMachine late = Machine();
        MemoryTransport client = late.Join();
        Pass(0.1);
        ProxyWorld.AssertGot(client, Poem);
        ProxyWorld.AssertCached(late.Service);
        Pass(199);
        ProxyWorld.AssertCached(late.Service);
        Pass(1.1);
        ProxyWorld.AssertEmpty(late.Service);
    }

    [TestMethod]
    public void WhatIsRead_IsKeptNoLongerThanTheOwnLifetime()
    {
        FetchOnce(Machine());
        FleetMachine brief = Machine(Options() with { Lifetime = TimeSpan.FromSeconds(10) });
        _ = brief.Join();
        Pass(9.9);
        ProxyWorld.AssertCached(brief.Service);
        Pass(0.2);
        ProxyWorld.AssertEmpty(brief.Service);
    }

    [TestMethod]
    public void APoemThatCouldNotBeStored_IsNotKept()
    {
        FleetMachine machine = Machine();
        MemoryTransport client = machine.Join();
        Pass(0.1);
        _server.Evict(Lock);
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.1);
        ProxyWorld.AssertGot(client, Poem);
        Assert.IsNull(Stored());
        ProxyWorld.AssertEmpty(machine.Service);
        Assert.AreEqual(1, machine.Service.Shared!.LocksLost);
    }

    [TestMethod]
    public void APoemWhoseLockWasLostInMidFetch_IsNotKept()
    {
        FleetMachine machine = Machine();
        MemoryTransport client = machine.Join();
        Pass(0.1);
        machine.Upstream.Last.Send(Encoding.UTF8.GetBytes(Poem[..10]));
        _server.Evict(Lock);
        Pass(1.5);
        Assert.AreEqual(1, machine.Service.Shared!.LocksLost, "the renewal tells");
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem[10..]));
        Pass(0.1);
        ProxyWorld.AssertGot(client, Poem);
        Assert.IsNull(Stored());
        ProxyWorld.AssertEmpty(machine.Service);
    }

    [TestMethod]
    public void ASubscriptionThatEndsAtOnceEachTime_IsAnOutage_AndNoLoop()
    {
        FleetMachine machine = Machine();
        for (int i = 0; i < 200; i++)
        {
            Pass(0.05);
            machine.Link.LoseSubscription();
        }

        Assert.IsInRange(2, 25, _server.Operations["subscribe"]);
    }

    [TestMethod]
    public void APoemThatIsTooLong_IsNotStored_AndItsLockIsGivenBackAtOnce()
    {
        FleetMachine machine = Machine(Options() with { MaxSharedBytes = 10 });
        _ = machine.Join();
        Pass(0.1);
        machine.Upstream.Last.Send(Encoding.UTF8.GetBytes(Poem[..11]));
        Pass(0.01);
        Assert.IsNull(_server.HolderOf(Key));
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem[11..]));
        Pass(0.1);
        Assert.IsNull(Stored());
        ProxyWorld.AssertCached(machine.Service, "its own clients need no other fetch");
    }

    [TestMethod]
    public void APoemThatPassesThrough_GivesItsLockBackAtOnce()
    {
        FleetMachine machine = Machine(Options() with { MaxPoemBytes = 10 });
        _ = machine.Join();
        Pass(0.1);
        machine.Upstream.Last.Send(Encoding.UTF8.GetBytes(Poem[..11]));
        Pass(0.01);
        Assert.IsNull(_server.HolderOf(Key));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AnEmptyValue_IsAPoemOnlyIfItMayBe(bool allowEmpty)
    {
        _server.Plant(Key, string.Empty, TimeSpan.MaxValue);
        FleetMachine machine = Machine(Options() with { AllowEmpty = allowEmpty });
        MemoryTransport client = machine.Join();
        Pass(0.1);
        Assert.HasCount(allowEmpty ? 0 : 1, machine.Upstream.All);
        Assert.AreEqual(allowEmpty ? WireEnd.Fin : WireEnd.None, client.End);
    }

    [TestMethod]
    [DataRow("5:hello,", "5:hello,", true)]
    [DataRow("0:,", "0:,", true)]
    [DataRow("5:hello", "", false)]
    [DataRow("05:hello,", "", false)]
    [DataRow("5:hello,x", "", false)]
    [DataRow("5", "", false)]
    [DataRow("", "", false)]
    [DataRow("hello", "", false)]
    [DataRow("6:hello,", "", false)]
    public void AFramedValue_IsChecked(string value, string got, bool isWhole)
    {
        string key = FleetMachine.KeyOf(0, PoemFormat.Netstring);
        _server.Plant(key, value, TimeSpan.MaxValue);
        FleetMachine machine = Machine(Options() with { Format = PoemFormat.Netstring });
        MemoryTransport client = machine.Join();
        Pass(0.1);
        Assert.AreEqual(got, client.SentText);
        Assert.HasCount(isWhole ? 0 : 1, machine.Upstream.All);
        if (!isWhole)
        {
            machine.Upstream.Last.SendAll("2:hi,"u8.ToArray());
            Pass(0.1);
            ProxyWorld.AssertGot(client, "2:hi,");
            Assert.AreEqual("2:hi,", Encoding.UTF8.GetString(_server.ValueOf(key)!));
        }
    }

    [TestMethod]
    public void AFramedValueWithAWrongEnd_IsRemoved_AndCutsOneClientOnly()
    {
        string key = FleetMachine.KeyOf(0, PoemFormat.Netstring);
        _server.Plant(key, "5:hello;", TimeSpan.MaxValue);
        _server.PieceBytes = 4;
        FleetMachine machine = Machine(Options() with { Format = PoemFormat.Netstring });
        MemoryTransport client = machine.Join();
        Pass(0.1);
        Assert.AreEqual(WireEnd.Reset, client.End);
        Assert.IsNull(_server.ValueOf(key));
        _ = machine.Join();
        Pass(0.1);
        Assert.HasCount(1, machine.Upstream.All);
        Assert.AreEqual(0, machine.Cache.Outages.Count);
    }

    [TestMethod]
    public void AValueOfAnotherType_IsAMiss()
    {
        _server.Plant(Key, null, TimeSpan.MaxValue);
        FleetMachine machine = Machine();
        FetchOnce(machine);
        Assert.AreEqual(0, machine.Cache.Outages.Count);
        Assert.AreEqual(Poem, Stored());
    }

    /// <summary>A proxy that ends waits for its purge, in an outage too.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void APurgeThatIsPending_IsWaitedFor(bool isDown)
    {
        FleetMachine machine = Machine();
        FetchOnce(machine);
        _server.IsDown = isDown;
        machine.HangUp();
        int idle = 0;
        machine.Cache.WhenIdle(() => idle++);
        Assert.AreEqual(0, idle);
        Pass(0.6);
        Assert.AreEqual(isDown ? 0 : 1, idle);
        _server.IsDown = false;
        Pass(2);
        Assert.AreEqual(1, idle);
        Assert.IsNull(_server.ValueOf(Key));
    }

    private static ProxyOptions Options() => new() { Lifetime = TimeSpan.FromHours(2), MinPause = TimeSpan.Zero };

    private string? Stored() => _server.ValueOf(Key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private FleetMachine Machine(ProxyOptions? options = null)
    {
        var machine = new FleetMachine(_machines.Count, _server, options ?? Options(), clock: _clock);
        _machines.Add(machine);
        Pass(0.01);
        return machine;
    }

    private void FetchOnce(FleetMachine machine)
    {
        MemoryTransport client = machine.Join();
        Pass(0.1);
        machine.Upstream.Last.SendAll(Encoding.UTF8.GetBytes(Poem));
        Pass(0.1);
        ProxyWorld.AssertGot(client, Poem);
    }

    /// <summary>Lets time pass in steps, as a loop sees it.</summary>
    private void Pass(double seconds)
    {
        int steps = Math.Clamp((int)(seconds / 0.02), 1, 250);
        for (int i = 0; i < steps; i++)
        {
            _clock.Advance(seconds / steps);
        }
    }
}
