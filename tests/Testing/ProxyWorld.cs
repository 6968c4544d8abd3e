using System.Text;
using Poetry.Protocols;

namespace Poetry.Tests.Testing;

/// <summary>
/// A proxy of one upstream with its clients, on a clock that is turned by hand: the real service, the real protocols of both
/// sides, and transports of memory.
/// </summary>
internal sealed class ProxyWorld : IDisposable
{
    public static readonly TimeSpan UpstreamTimeout = TimeSpan.FromSeconds(60);

    /// <param name="options">How poems are fetched and kept.</param>
    /// <param name="cache">Null for one without a limit.</param>
    /// <param name="clock">Null for one of its own.</param>
    /// <param name="pauses">False if fetches begin at once: without the delay for probes, and without pauses after failures.</param>
    /// <param name="allowEmpty">True if a plain poem may be empty.</param>
    public ProxyWorld(
        ProxyOptions? options = null, ProxyCache? cache = null, ManualClock? clock = null, bool pauses = false, bool allowEmpty = false)
    {
        Clock = clock ?? new ManualClock();
        Options = options ?? new ProxyOptions { Lifetime = TimeSpan.FromHours(2) };
        Options = pauses ? Options : Options with { ProbeDelay = TimeSpan.Zero, MinPause = TimeSpan.Zero };
        Cache = cache ?? new ProxyCache(long.MaxValue);
        var request = new PoemRequest(TimeSpan.FromSeconds(10), UpstreamTimeout, Options.Format) { AllowEmpty = allowEmpty };
        Upstreams = new MemoryUpstreams(Clock, request);
        Service = new ProxyService("upstream", Upstreams.Fetch, Clock, Options, Cache, Memory, Log);
        Factory = new ProxyServerFactory(Service, Log);
    }

    public ManualClock Clock { get; }

    public ProxyOptions Options { get; }

    public ProxyCache Cache { get; }

    public GuardedMemory Memory { get; } = new();

    public CollectingLog Log { get; } = new();

    public MemoryUpstreams Upstreams { get; }

    public ProxyService Service { get; }

    public ProxyServerFactory Factory { get; }

    /// <summary>All clients so far.</summary>
    public List<MemoryTransport> Clients { get; } = [];

    /// <summary>A client connects.</summary>
    /// <param name="room">What it takes before it stops reading.</param>
    public MemoryTransport Join(long room = long.MaxValue)
    {
        var client = new MemoryTransport(Clock, Factory) { MaxPendingBytes = Options.WindowBytes / 4 };
        Clients.Add(client);
        client.Open(Factory.BuildProtocol(default)!, room);
        return client;
    }

    /// <summary>Lets the loop turn until it has nothing left to do now.</summary>
    public void Turn() => Clock.Advance(TimeSpan.Zero);

    /// <summary>The upstream's newest connection delivers a poem, and the proxy passes it on.</summary>
    public void Deliver(string poem)
    {
        Upstreams.Last.SendAll(Encoding.UTF8.GetBytes(poem));
        Turn();
    }

    /// <summary>A client got the poem of a fetch that is made for it.</summary>
    public MemoryTransport FetchOnce(string poem)
    {
        MemoryTransport client = Join();
        Deliver(poem);
        AssertGot(client, poem);
        return client;
    }

    /// <summary>All of it, and a clean end.</summary>
    public static void AssertGot(MemoryTransport client, string poem)
    {
        Assert.AreEqual(poem, client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End, "a whole poem ends cleanly");
    }

    /// <summary>A service keeps a poem, and fetches none.</summary>
    public static void AssertCached(ProxyService service, string? why = null) =>
        Assert.AreEqual((true, 0L), (service.CachedBytes > 0, service.FetchesInFlight), why);

    /// <summary>A service keeps no poem, and fetches none.</summary>
    public static void AssertEmpty(ProxyService service, string? why = null) =>
        Assert.AreEqual((false, 0L), (service.CachedBytes > 0, service.FetchesInFlight), why);

    /// <summary>A reset, after so much.</summary>
    public static void AssertReset(MemoryTransport client, string sofar = "")
    {
        Assert.AreEqual(sofar, client.SentText);
        Assert.AreEqual(WireEnd.Reset, client.End, "what is not whole ends with a reset");
    }

    /// <summary>Everybody hangs up, the cache is emptied: then nothing is left.</summary>
    public void Dispose()
    {
        foreach (MemoryTransport client in Clients)
        {
            client.PeerResets();
        }

        Turn();
        Service.Clear();

        // Repeated events are logged ten seconds later at the latest, with their count.
        Clock.Advance(10);
        string left = $"{Memory.BytesAlive} bytes, {Service.Waiters} waiters, {Service.FetchesInFlight} fetches";
        bool isClean = Memory.BytesAlive == 0 && Service.Waiters == 0 && Service.FetchesInFlight == 0;
        Memory.Dispose();
        Assert.IsTrue(isClean, $"left over: {left}");
        Assert.IsTrue(Clients.All(client => client.IsClosed), "every client ends");
        Assert.IsEmpty(Log.Exceptions);
    }
}
