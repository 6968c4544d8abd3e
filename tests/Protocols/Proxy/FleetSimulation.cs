using System.Text;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>
/// A fleet of proxies that share a cache, with their clients, upstreams and the server of the cache in memory. A seed decides
/// what happens: proxies are killed, paused and told to purge, clocks run at different rates, the server fails in all of its
/// ways, messages are late or lost. Every fetch from an upstream has a poem of its own, so that the origin of every byte is known.
/// </summary>
internal sealed partial class FleetSimulation : IDisposable
{
    private const int MaxSteps = 70;

    /// <summary>The error of the clocks: each runs at most so much faster or slower than that of the server.</summary>
    private const double ClockError = 0.05;

    private readonly Random _random;
    private readonly global::Poetry.Net.Testing.ManualClock _network = new();
    private readonly SharedServerModel _server;
    private readonly ProxyOptions _options;
    private readonly List<Member> _members = [];
    private readonly List<Source> _sources = [];
    private readonly int _poems;
    private readonly bool _tells;

    /// <summary>True if nothing goes wrong: then one fetch has to do.</summary>
    private readonly bool _isCalm;
    private int _sequence;
    private double _lossRate;
    private TimeSpan _pausedAt;
    private TimeSpan _paused;

    /// <param name="seed">Decides everything.</param>
    /// <param name="tells">Is <see cref="Story"/> wanted?</param>
    public FleetSimulation(int seed, bool tells)
    {
        _random = new Random(seed);
        _tells = tells;
        _isCalm = OneIn(4);
        _poems = Pick(1, 1, 2);
        _options = new ProxyOptions
        {
            Lifetime = _isCalm ? TimeSpan.FromHours(2) : Pick(TimeSpan.FromHours(2), TimeSpan.FromSeconds(20), TimeSpan.MaxValue),
            StaleIfError = _isCalm ? TimeSpan.Zero : Pick(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromSeconds(30)),
            StaleWhileRevalidate = _isCalm ? TimeSpan.Zero : Pick(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromSeconds(30)),
            StoreAndForward = OneIn(6),
            Format = OneIn(3) ? PoemFormat.Netstring : PoemFormat.Plain,
            MaxPoemBytes = _isCalm ? long.MaxValue : Pick(long.MaxValue, 150L),
            MinPause = TimeSpan.Zero,
            WindowBytes = 128,
            NarrowWindowBytes = 32,
            ChunkBytes = Pick(16, 64),
            MaxSharedBytes = _isCalm ? long.MaxValue : Pick(long.MaxValue, 200L),
            Timeout = _isCalm ? TimeSpan.MaxValue : Pick(TimeSpan.MaxValue, TimeSpan.FromSeconds(5)),
        };
        _server = new SharedServerModel(_network)
        {
            Delay = () => OneIn(2) ? TimeSpan.Zero : TimeSpan.FromMilliseconds(_random.Next(60)),
            Loses = () => _lossRate > 0 && _random.NextDouble() < _lossRate,
            PieceBytes = Pick(7, 50, 1000),
        };
        int machines = Pick(2, 2, 3, 4, 5);
        for (int i = 0; i < machines; i++)
        {
            AddMember();
        }
    }

    /// <summary>What happened, to find out why a check failed.</summary>
    public StringBuilder Story { get; } = new();

    public void Run()
    {
        int steps = _random.Next(MaxSteps);
        for (int step = 0; step < steps; step++)
        {
            Act();
            Pass(OneIn(3) ? 0 : OneIn(2) ? 0.01 : Pick(0.05, 0.3, 0.9));
            Check();
        }

        End();
    }

    /// <summary>How often the difficult cases came up.</summary>
    public IEnumerable<(string What, long Count)> Counts()
    {
        yield return ("a poem of the shared cache", Sum(poem => poem.Hits));
        yield return ("a fetch that waits for another proxy", Sum(poem => poem.Waits));
        yield return ("a poem that is stored", Sum(poem => poem.Stores));
        yield return ("a lock that is lost", Sum(poem => poem.LocksLost));
        yield return ("a poem that is refused", Sum(poem => poem.Refusals));
        yield return ("an outage", _members.Sum(member => member.Machine.Cache.Outages.Count));
        yield return ("a purge that another proxy hears of", _members.Sum(member => member.PurgesHeard));
        yield return ("a proxy that dies", _members.Count(member => member.IsDead));
        yield return ("a poem that clients of several proxies are given", _sources.Count(source => source.Readers > 1));
        yield return ("a client that is reset in mid-poem", _cuts);
        yield return ("a calm life", _isCalm ? 1 : 0);
    }

    public void Dispose()
    {
        // Late messages of dead proxies are sent, and nothing waits for them.
        _lossRate = 0;
        _members.ForEach(member => member.Machine.Dispose());
    }

    private long Sum(Func<SharedPoem, long> figure) =>
        _members.Sum(member => member.Machine.Services.Sum(service => figure(service.Shared!)));

    private void AddMember()
    {
        double rate = 1 + (((_random.NextDouble() * 2) - 1) * ClockError);
        _members.Add(new Member(this, _members.Count, rate));
    }

    private void Act()
    {
        int most = _isCalm ? 12 : 24;
        Member member = _members[_random.Next(_members.Count)];
        switch (_random.Next(most))
        {
            case < 5:
                member.Join(_random.Next(_poems));
                break;
            case < 11:
                ActUpstream();
                break;
            case 11:
                Pass(Pick(0.5, 0.9));
                break;
            case 12:
                member.DisturbClient();
                break;
            case 13:
                Pass(Pick(2, 4, 7, 15, 30));
                break;
            case < 16:
                member.HangUp();
                break;
            case 16:
                member.Disturb();
                break;
            case < 19:
                DisturbServer();
                break;
            case 19:
                DisturbNames();
                break;
            case 20:
                FailUpstream();
                break;
            default:
                Repair();
                break;
        }
    }

    private void DisturbServer()
    {
        switch (_random.Next(7))
        {
            case 0:
                Tell("the server crashes");
                EndPause();
                _server.Crash();
                break;
            case 1 when !_server.IsPaused && !_server.IsDown:
                Tell("the server is paused");
                _server.Pause();
                _pausedAt = _network.Now;
                break;
            case 2:
                Tell("the server is full");
                _server.WriteError = "OOM command not allowed when used memory > 'maxmemory'.";
                break;
            case 3:
                Tell("the server refuses poems");
                _server.StoreError = "NOPERM";
                _server.RefusesScripts = OneIn(2);
                break;
            case 4:
                Tell("the network loses messages");
                _lossRate = Pick(0.02, 0.2, 0.5);
                break;
            case 5:
                Tell("connections are cut");
                _members.ForEach(member => member.Machine.Link.Cut());
                break;
            default:
                Tell("a subscription is cut");
                _members[_random.Next(_members.Count)].Machine.Link.LoseSubscription();
                break;
        }
    }

    private void DisturbNames()
    {
        string key = KeyOf(_random.Next(_poems));
        switch (_random.Next(5))
        {
            case 0:
                Tell("the value is evicted");
                _server.Evict(key);
                break;
            case 1:
                Tell("the lock is evicted");
                _server.Evict(SharedNames.LockOf(key));
                break;
            case 2:
                Tell("the value is of another type");
                _server.Plant(key, null, TimeSpan.MaxValue);
                break;
            case 3:
                Tell("the lock has no expiry");
                _server.Plant(SharedNames.LockOf(key), OneIn(2) ? null : "x", TimeSpan.MaxValue);
                break;
            default:
                if (_options.Format == PoemFormat.Netstring)
                {
                    Tell("the value is nonsense");
                    _server.Plant(key, Pick("9:cut off", "nonsense", "3:one;"), TimeSpan.MaxValue);
                }

                break;
        }
    }

    private void Repair()
    {
        Tell("all is repaired");
        _server.IsDown = false;
        _server.WriteError = null;
        _server.StoreError = null;
        _lossRate = 0;
        EndPause();
        _members.ForEach(member => member.GoOn());
    }

    private void EndPause()
    {
        if (_server.IsPaused)
        {
            _paused += _network.Now - _pausedAt;
            _server.Resume();
        }
    }

    /// <summary>Everything comes to its end by itself, and the cache is used again.</summary>
    private void End()
    {
        Tell("the end begins");
        Repair();
        for (int turns = 0; turns < 1000 && _members.Exists(member => member.IsBusy); turns++)
        {
            foreach (Source source in _sources.FindAll(source => source.IsLive))
            {
                Finish(source);
            }

            _members.ForEach(member => member.LetClientsRead());
            Pass(turns < 40 ? 0.01 : 0.4);
            Check();
        }

        _members.ForEach(member => member.AssertAllAnswered());
        if (_isCalm)
        {
            for (int poem = 0; poem < _poems; poem++)
            {
                int fetches = _sources.Count(source => source.Poem == poem);
                Assert.IsLessThanOrEqualTo(1, fetches, "several fetches, and nothing went wrong");
            }

            Assert.AreEqual(0, _members.Sum(member => member.Machine.Cache.Outages.Count), "an outage, and nothing went wrong");
            Assert.AreEqual(0, Sum(poem => poem.Refusals), "a refusal, and nothing went wrong");
        }
    }

    private void Pass(double seconds)
    {
        if (seconds > 0)
        {
            Tell($"{seconds} s pass");
        }

        // In steps that are short against the time-outs, unless so much time passes that all were paused.
        int steps = Math.Clamp((int)Math.Ceiling(seconds / 0.05), 1, 18);
        for (int i = 0; i < steps; i++)
        {
            Turn(seconds / steps);
        }
    }

    private void Turn(double seconds)
    {
        // The order in which machines come to run is arbitrary.
        int first = _random.Next(_members.Count + 1);
        for (int i = 0; i <= _members.Count; i++)
        {
            int at = (first + i) % (_members.Count + 1);
            if (at == _members.Count)
            {
                _network.Turn(TimeSpan.FromSeconds(seconds));
            }
            else
            {
                _members[at].Pass(seconds);
            }
        }
    }

    private string KeyOf(int poem) => FleetMachine.KeyOf(poem, _options.Format);

    private void Tell(string what)
    {
        if (_tells)
        {
            _ = Story.Append(_network.Now.TotalSeconds).Append(": ").Append(what).Append('\n');
        }
    }

    private bool OneIn(int cases) => _random.Next(cases) == 0;

    private T Pick<T>(params T[] choices) => choices[_random.Next(choices.Length)];
}
