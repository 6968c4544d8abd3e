using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Testing;

/// <summary>
/// One proxy of a fleet that shares a cache: the real services and protocols, with transports, upstreams and a cache of memory,
/// on a clock of its own.
/// </summary>
internal sealed class FleetMachine : IDisposable
{
    private static readonly SharedNames Names = new(SharedNames.DefaultPrefix);

    private int _tokens;

    /// <param name="number">Its number in the fleet.</param>
    /// <param name="server">The server of the cache.</param>
    /// <param name="options">How it fetches and keeps poems.</param>
    /// <param name="poems">How many upstreams it has.</param>
    /// <param name="clock">Null for one of its own.</param>
    /// <param name="fetch">Makes the way to an upstream; null for an upstream of memory.</param>
    /// <param name="maxCacheBytes">The memory of its poems.</param>
    public FleetMachine(
        int number,
        SharedServerModel server,
        ProxyOptions options,
        int poems = 1,
        global::Poetry.Net.Testing.ManualClock? clock = null,
        Func<FleetMachine, int, Func<IPoemReceiver, Deferred<long>>>? fetch = null,
        long maxCacheBytes = long.MaxValue)
    {
        Number = number;
        Clock = clock ?? new global::Poetry.Net.Testing.ManualClock();
        Options = options with { ProbeDelay = TimeSpan.Zero };
        Link = new SharedLinkModel(server, Clock);
        Memory = new GuardedMemory();
        Poems = new ProxyCache(maxCacheBytes);
        Cache = new SharedCache(Link, Clock, Log, OnPurged) { NewToken = () => $"{Number}-{++_tokens}" };
        var request = new PoemRequest(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60), options.Format) { AllowEmpty = options.AllowEmpty };
        for (int i = 0; i < poems; i++)
        {
            var upstreams = new MemoryUpstreams(Clock, request);
            Upstreams.Add(upstreams);
            Func<IPoemReceiver, Deferred<long>> way = fetch?.Invoke(this, i) ?? upstreams.Fetch;
            var poem = new SharedPoem(Cache, KeyOf(i, options.Format));
            var service = new ProxyService($"upstream{i}", way, Clock, Options, Poems, Memory, Log) { Shared = poem };
            Services.Add(service);
            Factories.Add(new ProxyServerFactory(service, Log));
        }

        Cache.Start();
    }

    public int Number { get; }

    public global::Poetry.Net.Testing.ManualClock Clock { get; }

    public ProxyOptions Options { get; }

    public SharedLinkModel Link { get; }

    public SharedCache Cache { get; }

    public ProxyCache Poems { get; }

    public GuardedMemory Memory { get; }

    public CollectingLog Log { get; } = new(LogLevel.Warning);

    public List<ProxyService> Services { get; } = [];

    public List<ProxyServerFactory> Factories { get; } = [];

    public List<MemoryUpstreams> Upstreams { get; } = [];

    public List<MemoryTransport> Clients { get; } = [];

    public ProxyService Service => Services[0];

    public MemoryUpstreams Upstream => Upstreams[0];

    public static string KeyOf(int poem, PoemFormat format = PoemFormat.Plain) => Names.KeyOf(format, null, $"upstream{poem}");

    public MemoryTransport Join(int poem = 0, long room = long.MaxValue)
    {
        ProxyServerFactory factory = Factories[poem];
        var client = new MemoryTransport(Clock, factory) { MaxPendingBytes = Options.WindowBytes / 4 };
        Clients.Add(client);
        client.Open(factory.BuildProtocol(default)!, room);
        return client;
    }

    /// <summary>SIGHUP.</summary>
    public void HangUp()
    {
        Services.ForEach(service => service.Clear());
        Cache.Purge(Services.ConvertAll(service => service.Shared!.Key));
    }

    /// <summary>All clients hang up and the proxy ends: then nothing is left.</summary>
    public void Dispose()
    {
        Clients.ForEach(client => client.PeerResets());
        Clock.Advance(TimeSpan.Zero);
        Services.ForEach(service => service.Clear());
        Cache.Close();
        Clock.Advance(10);
        long alive = Memory.BytesAlive;
        Memory.Dispose();
        Assert.AreEqual(0, alive, "all memory is given back");
        Assert.IsTrue(Clients.All(client => client.IsClosed), "every client ends");
        Assert.IsEmpty(Log.Exceptions);
    }

    private void OnPurged(string? key)
    {
        foreach (ProxyService service in Services)
        {
            if (key is null || service.Shared!.Key == key)
            {
                service.Clear();
            }
        }
    }
}
