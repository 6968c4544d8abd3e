using System.Text;
using Microsoft.Extensions.Logging;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>
/// A proxy of some upstreams, its clients and its servers in memory. A seed decides what happens: clients connect, leave and
/// read slowly, servers and transformations fail, in any order and at any pace. Every connection to a server has a poem of its
/// own, so that the origin of every byte is known. The promises of a proxy are checked after each step and at the end.
/// </summary>
internal sealed partial class ProxySimulation : IDisposable
{
    private const int MaxSteps = 100;

    /// <summary>Bytes of a server that are read at once, as from a kernel.</summary>
    private const int MaxRead = 150;

    private static readonly TimeSpan UpstreamTimeout = TimeSpan.FromSeconds(60);

    private readonly Random _random;
    private readonly ManualClock _clock = new();
    private readonly GuardedMemory _memory = new();

    /// <summary>An exception of one client's part is logged, and ends the test.</summary>
    private readonly CollectingLog _log = new(LogLevel.Error);
    private readonly ProxyOptions _options;
    private readonly long _maxCacheBytes;
    private readonly ProxyCache _cache;
    private readonly List<Site> _sites = [];
    private readonly bool _tells;
    private int _step;
    private int _sequence;

    /// <param name="seed">Decides everything.</param>
    /// <param name="tells">Is <see cref="Story"/> wanted?</param>
    public ProxySimulation(int seed, bool tells)
    {
        _tells = tells;
        _random = new Random(seed);
        int window = Pick(64, 200, 512);
        _options = new ProxyOptions
        {
            Lifetime = Pick(TimeSpan.FromHours(2), TimeSpan.FromSeconds(100), TimeSpan.Zero, TimeSpan.MaxValue),
            StaleIfError = Pick(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromHours(3), TimeSpan.MaxValue),
            StaleWhileRevalidate = Pick(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromSeconds(100), TimeSpan.FromHours(3)),
            ProbeDelay = Pick(TimeSpan.Zero, TimeSpan.FromMilliseconds(50)),
            MinPause = Pick(TimeSpan.Zero, TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(40)),
            MaxPause = TimeSpan.FromSeconds(50),
            StoreAndForward = OneIn(6),
            Format = OneIn(3) ? PoemFormat.Netstring : PoemFormat.Plain,
            MaxPoemBytes = Pick(100L, 600L, 2000L),
            WindowBytes = window,
            NarrowWindowBytes = MaxPending(window),
            ChunkBytes = Pick(5, 16, 64),
            VisitsPerTurn = Pick(1, 2, 5, 64),
        };
        _maxCacheBytes = Pick(50L, 150L, 700L, long.MaxValue);
        _cache = new ProxyCache(_maxCacheBytes);
        int sites = Pick(1, 1, 2, 3);
        for (int i = 0; i < sites; i++)
        {
            _sites.Add(new Site(this));
        }
    }

    /// <summary>What happened, to find out why a check failed.</summary>
    public StringBuilder Story { get; } = new();

    public void Run()
    {
        int steps = _random.Next(MaxSteps);
        for (_step = 0; _step < steps; _step++)
        {
            Site site = _sites[_random.Next(_sites.Count)];
            Act(site);

            // Much may happen within one turn of the loop.
            if (!OneIn(3))
            {
                Turn(TimeSpan.Zero);
            }

            _sites.ForEach(each => each.Check());
            CheckMemory();
        }

        End();
    }

    /// <summary>How often the difficult cases came up.</summary>
    public IEnumerable<(string What, long Count)> Counts()
    {
        yield return ("a cached poem", _sites.Sum(site => site.Service.Hits));
        yield return ("a fetch joined", _sites.Sum(site => site.Service.Coalesced));
        yield return ("a fetch failed", _sites.Sum(site => site.Service.Failures));
        yield return ("a fetch cancelled", _sites.Sum(site => site.Service.Cancels));
        yield return ("a stale poem standing in", _sites.Sum(site => site.Service.StaleServed));
        yield return ("a poem dropped for another", _cache.Evictions);
        yield return ("a fetch without room", _cache.Shortages);
        yield return ("a paused upstream", _sites.Sum(site => site.Pauses));
        yield return ("two fetches at once", _sites.Sum(site => site.Seconds));
        yield return ("a fetch in the background", _sites.Sum(site => site.Service.Refreshes));
        yield return ("a client that is refused in a pause", _sites.Sum(site => site.Service.Refusals));
        yield return ("a probe", _sites.Sum(site => site.Service.Probes));
        yield return ("a mirror that takes over", _sites.Sum(site => site.Failovers));
        yield return ("a transformed poem", _sites.Sum(site => site.Transformed));
    }

    public void Dispose() => _memory.Dispose();

    /// <summary>A client that has caught up is told when more data waits for it.</summary>
    private static int MaxPending(int window) => window / 4;

    private void CheckMemory()
    {
        // Each poem that passes through may exceed the limit by its smallest window, by what arrived before it was paused (all
        // of it, if it was transformed), and by what is in one chunk with the last byte that was taken.
        long arrived = Math.Max(MaxRead, _sites.Exists(site => site.Transforms) ? _options.MaxPoemBytes : 0);
        long most = _cache.Passing * (_options.NarrowWindowBytes + arrived + (2 * _options.ChunkBytes));
        most = _maxCacheBytes > long.MaxValue - most ? long.MaxValue : _maxCacheBytes + most;
        bool isBounded = _cache.HeldBytes <= most;
        Assert.IsTrue(isBounded, isBounded ? null : $"poems of {_cache.HeldBytes} bytes, where {most} are allowed");
        long kept = _sites.Sum(site => site.Service.CachedBytes);
        Assert.IsTrue(kept <= _maxCacheBytes, "what is kept is bounded");
        Assert.IsTrue(kept <= _cache.HeldBytes, "what is kept is in memory");
        Assert.IsTrue(_cache.HeldBytes <= _memory.BytesAlive, "what counts is there");
    }

    private void Act(Site site)
    {
        switch (_random.Next(20))
        {
            case < 5:
                site.Join();
                break;
            case < 7:
                site.DisturbClient();
                break;
            case < 9:
                site.LetClientRead();
                break;
            case < 16:
                site.ActUpstream();
                break;
            case < 18:
                Turn(Pick(0.02, 0.1, 1, 30, 61, 99, 101, 3600, 7199, 7201, 20000));
                break;
            case 18:
                site.HangUp();
                break;
            default:
                Turn(TimeSpan.Zero);
                break;
        }
    }

    /// <summary>Everything comes to its end by itself: servers finish or fail, clients read, and then hang up.</summary>
    private void End()
    {
        Tell("the end begins");
        Turn(_options.ProbeDelay);
        for (int turns = 0; turns < 2000 && _sites.Exists(site => site.IsBusy); turns++)
        {
            _sites.ForEach(site => site.MoveOn());
            Turn(TimeSpan.Zero);
            _sites.ForEach(site => site.Check());
        }

        _sites.ForEach(site => site.AssertAllServed());
        _sites.ForEach(site => site.Leave());
        Turn(TimeSpan.Zero);
        Turn(TimeSpan.Zero);
        _sites.ForEach(site => site.AssertOver());
        Assert.AreEqual(0, _sites.Sum(site => site.Service.CachedBytes), "an empty cache weighs nothing");
        Assert.AreEqual(0, _cache.HeldBytes, "nor does a client");
        Assert.AreEqual(0, _cache.Passing, "nothing passes");
        Assert.AreEqual(0, _memory.BytesAlive, "all memory is given back");

        // What failed last has been counted, and is told of within ten seconds.
        Turn(TimeSpan.FromSeconds(10));
        _sites.ForEach(site => Assert.AreEqual(0, site.Service.FetchesInFlight, "no fetch begins by itself"));
        Assert.AreEqual(0, _clock.PendingCount, "no timer is left");
        Assert.IsEmpty(_log.Lines);
    }

    private void Turn(double seconds)
    {
        Tell($"{seconds} s pass");
        Turn(TimeSpan.FromSeconds(seconds));
    }

    private void Turn(TimeSpan by) => _clock.Turn(by);

    /// <summary>A number for the next event: a later event has a higher one.</summary>
    private int NextEvent() => ++_sequence;

    private void Tell(string what)
    {
        if (_tells)
        {
            _ = Story.Append(_step).Append(": ").Append(what).Append('\n');
        }
    }

    private bool OneIn(int cases) => _random.Next(cases) == 0;

    private T Pick<T>(params T[] choices) => choices[_random.Next(choices.Length)];
}
