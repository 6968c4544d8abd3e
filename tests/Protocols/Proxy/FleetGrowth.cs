using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>
/// What a fleet of any size costs its upstreams and its shared cache: the proxies are the real ones, their clients, upstreams
/// and server of the cache are in memory. Clients ask for poems by Zipf's law within one life of a poem; the same seed gives the
/// same clients with and without a shared cache.
/// </summary>
internal sealed class FleetGrowth
{
    /// <summary>How many poems there are. The second is asked for half as often as the first, the third a third as often.</summary>
    public const int Poems = 200;

    /// <summary>Clients of each proxy, in <see cref="Seconds"/>.</summary>
    public const int ClientsPerProxy = 30;

    private const int Seconds = 60;
    private const int StepsPerSecond = 50;

    /// <summary>Over a network: a fetch takes so long from its beginning to its end.</summary>
    private static readonly TimeSpan FetchTime = TimeSpan.FromMilliseconds(50);

    private readonly global::Poetry.Net.Testing.ManualClock _clock = new();
    private readonly SharedServerModel _server;
    private readonly Random _random = new(1);
    private readonly double[] _chances = new double[Poems];
    private readonly Machine[] _machines;
    private readonly byte[] _poem = new byte[3000];

    private FleetGrowth(int proxies, bool isShared)
    {
        _server = new SharedServerModel(_clock);
        _machines = new Machine[proxies];
        for (int i = 0; i < proxies; i++)
        {
            _machines[i] = new Machine(this, isShared, i);
        }

        double sum = 0;
        for (int i = 0; i < Poems; i++)
        {
            _chances[i] = sum += 1.0 / (i + 1);
        }
    }

    /// <summary>Poems that clients were given whole.</summary>
    public long Delivered { get; private set; }

    /// <summary>Fetches from an upstream.</summary>
    public long Fetches { get; private set; }

    /// <summary>Bytes of these.</summary>
    public long Bytes { get; private set; }

    /// <summary>Poems that came from the shared cache.</summary>
    public long Hits => _machines.Sum(static machine => machine.Hits);

    /// <summary>Bytes of these.</summary>
    public long HitBytes => _machines.Sum(static machine => machine.HitBytes);

    /// <summary>Operations of the shared cache, subscriptions not among them.</summary>
    public long Operations => _server.Operations.Sum(static pair => pair.Key == "subscribe" ? 0 : pair.Value);

    /// <summary>Different poems that were asked for.</summary>
    public int Asked { get; private set; }

    /// <summary>Pairs of a proxy and a poem that it was asked for.</summary>
    public long AskedOfProxies => _machines.Sum(static machine => machine.Asked);

    /// <summary>The command <c>scale [PROXIES…]</c>: prints a table, as in docs/scale.md.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments, TextWriter output)
    {
        int[] sizes = arguments.Length == 0 ? [10, 100, 1_000, 10_000] : Array.ConvertAll(arguments, int.Parse);
        string[] heads =
        [
            "proxies", "clients", "fetches alone", "MB", "fetches shared", "MB", "hits in the cache", "MB", "operations of it",
        ];
        output.WriteLine($"| {string.Join(" | ", heads)} |\n|{string.Concat(Enumerable.Repeat(" ---: |", heads.Length))}");
        foreach (int proxies in sizes)
        {
            FleetGrowth alone = Live(proxies, isShared: false);
            FleetGrowth shared = Live(proxies, isShared: true);
            string[] cells =
            [
                Text(proxies), Text(alone.Delivered), Text(alone.Fetches), Megabytes(alone.Bytes),
                Text(shared.Fetches), Megabytes(shared.Bytes), Text(shared.Hits), Megabytes(shared.HitBytes), Text(shared.Operations),
            ];
            output.WriteLine($"| {string.Join(" | ", cells)} |");
        }

        return 0;
    }

    /// <summary>One life of the poems.</summary>
    public static FleetGrowth Live(int proxies, bool isShared)
    {
        var fleet = new FleetGrowth(proxies, isShared);
        fleet.Live();
        return fleet;
    }

    private static string Text(long figure) => figure.ToString("N0", CultureInfo.InvariantCulture);

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("N2", CultureInfo.InvariantCulture);

    /// <summary>From 600 to 3,000 bytes.</summary>
    private static int LengthOf(int poem) => 600 * (1 + (poem % 5));

    private void Live()
    {
        // Time passes in steps that are short against the timeouts.
        _clock.Pump(0, 1);
        var asked = new HashSet<int>();
        long clients = (long)_machines.Length * ClientsPerProxy;
        const int Steps = Seconds * StepsPerSecond;
        for (int step = 0; step < Steps; step++)
        {
            for (long i = clients * step / Steps; i < clients * (step + 1) / Steps; i++)
            {
                int poem = Choose();
                _ = asked.Add(poem);
                _machines[_random.Next(_machines.Length)].Ask(poem);
            }

            _clock.Advance(1.0 / StepsPerSecond);
        }

        for (int step = 0; step < StepsPerSecond; step++)
        {
            _clock.Advance(1.0 / StepsPerSecond);
        }

        _clock.Advance(10);
        Asked = asked.Count;
        _server.Subscribers.Clear();
        Array.ForEach(_machines, static machine => machine.End());
    }

    private int Choose()
    {
        int at = Array.BinarySearch(_chances, _random.NextDouble() * _chances[^1]);
        return at < 0 ? ~at : at;
    }

    private Deferred<long> Fetch(int poem, IPoemReceiver receiver)
    {
        Fetches++;
        Bytes += LengthOf(poem);
        Deferred<long> result = Deferred.WithCanceller<FleetGrowth, long>(this, static (_, _) => { });
        _ = _clock.CallLater(FetchTime, () =>
        {
            _ = receiver.Received(_poem.AsSpan(0, LengthOf(poem)));
            result.Callback(LengthOf(poem));
        });
        return result;
    }

    /// <summary>A proxy, with the services of the poems that it was asked for.</summary>
    private sealed class Machine
    {
        private static readonly SharedNames Names = new(SharedNames.DefaultPrefix);
        private static readonly ProxyOptions Options = new()
        {
            Lifetime = TimeSpan.FromHours(2),
            ProbeDelay = TimeSpan.Zero,
            ChunkBytes = 4096,
        };

        private readonly FleetGrowth _fleet;
        private readonly ProxyCache _poems = new(long.MaxValue);
        private readonly PoemMemory _memory = new();
        private readonly SharedCache? _cache;
        private readonly Dictionary<int, ProxyServerFactory> _factories = [];
        private int _tokens;

        public Machine(FleetGrowth fleet, bool isShared, int number)
        {
            _fleet = fleet;
            if (isShared)
            {
                var link = new SharedLinkModel(fleet._server, fleet._clock);
                _cache = new SharedCache(link, fleet._clock, NullLogger.Instance, static _ => { })
                {
                    NewToken = () => $"{number}-{++_tokens}",
                };
                _cache.Start();
            }
        }

        public int Asked => _factories.Count;

        public long Hits => _factories.Values.Sum(static factory => factory.Service.Shared?.Hits ?? 0);

        public long HitBytes => _factories.Sum(static pair => (pair.Value.Service.Shared?.Hits ?? 0) * LengthOf(pair.Key));

        public void Ask(int poem)
        {
            if (!_factories.TryGetValue(poem, out ProxyServerFactory? factory))
            {
                _factories.Add(poem, factory = new ProxyServerFactory(Serve(poem), NullLogger.Instance));
            }

            var client = new MemoryTransport(_fleet._clock, factory);
            client.Open(factory.BuildProtocol(default)!, long.MaxValue);
            _ = _fleet._clock.CallLater(TimeSpan.FromSeconds(5), () => _fleet.Delivered +=
                client.End == WireEnd.Fin && client.Sent.Length == LengthOf(poem) ? 1 : 0);
        }

        public void End()
        {
            _cache?.Close();
            foreach (ProxyServerFactory factory in _factories.Values)
            {
                factory.Service.Clear();
            }
        }

        private ProxyService Serve(int poem)
        {
            string name = $"upstream{poem}";
            Deferred<long> Fetch(IPoemReceiver receiver) => _fleet.Fetch(poem, receiver);
            return new ProxyService(name, Fetch, _fleet._clock, Options, _poems, _memory, NullLogger.Instance)
            {
                Shared = _cache is null
                    ? null
                    : new SharedPoem(_cache, Names.KeyOf(PoemFormat.Plain, null, name)),
            };
        }
    }
}
