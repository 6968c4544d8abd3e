using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>
/// A proxy of some upstreams, its clients and its servers in memory, and a life decided by a seed: who comes, leaves, reads
/// slowly, breaks off, in any order and at any pace. Every connection of an upstream has a poem of its own, so that for
/// every byte it is known where it came from. After each step, and at the end, what a proxy promises is checked.
/// </summary>
internal sealed class ProxySimulation : IDisposable
{
    private const int MostSteps = 100;
    private static readonly TimeSpan UpstreamTimeout = TimeSpan.FromSeconds(60);

    private readonly Random _random;
    private readonly LoopClock _clock = new();
    private readonly GuardedMemory _memory = new();
    private readonly ProxyOptions _options;
    private readonly long _mostCacheBytes;
    private readonly ProxyCache _cache;
    private readonly List<Site> _sites = [];
    private readonly bool _tells;
    private int _step;

    /// <param name="seed">Decides everything.</param>
    /// <param name="tells">Is <see cref="Story"/> wanted?</param>
    public ProxySimulation(int seed, bool tells)
    {
        _tells = tells;
        _random = new Random(seed);
        _options = new ProxyOptions
        {
            Lifetime = Pick(TimeSpan.FromHours(2), TimeSpan.FromSeconds(100), TimeSpan.Zero, TimeSpan.MaxValue),
            StaleIfError = Pick(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromHours(3), TimeSpan.MaxValue),
            StoreAndForward = OneIn(6),
            Framed = OneIn(3),
            MostPoemBytes = Pick(100L, 600L, 2000L),
            WindowBytes = Pick(64, 200, 512),
            ChunkBytes = Pick(5, 16, 64),
            VisitsPerTurn = Pick(1, 2, 5, 64),
        };
        _mostCacheBytes = Pick(50L, 150L, 700L, long.MaxValue);
        _cache = new ProxyCache(_mostCacheBytes);
        int sites = Pick(1, 1, 2, 3);
        for (int i = 0; i < sites; i++)
        {
            _sites.Add(new Site(this));
        }
    }

    /// <summary>What happened, for whoever has to find out why.</summary>
    public StringBuilder Story { get; } = new();

    public void Run()
    {
        int steps = _random.Next(MostSteps);
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
            Assert.IsTrue(_cache.Bytes <= _mostCacheBytes, "the cache is bounded");
        }

        End();
    }

    /// <summary>How often the cases came up that a proxy gets wrong.</summary>
    public IEnumerable<(string What, long Count)> Counts()
    {
        yield return ("a cached poem", _sites.Sum(site => site.Service.Hits));
        yield return ("a fetch joined", _sites.Sum(site => site.Service.Coalesced));
        yield return ("a fetch failed", _sites.Sum(site => site.Service.Failures));
        yield return ("a fetch cancelled", _sites.Sum(site => site.Service.Cancels));
        yield return ("a stale poem standing in", _sites.Sum(site => site.Service.StaleServed));
        yield return ("a poem dropped for another", _cache.Evictions);
        yield return ("a paused upstream", _sites.Sum(site => site.Pauses));
        yield return ("two fetches at once", _sites.Sum(site => site.Seconds));
    }

    public void Dispose() => _memory.Dispose();

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
                Turn(Pick(0.1, 1, 30, 61, 99, 101, 3600, 7199, 7201, 20000));
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
        Assert.AreEqual(0, _cache.Bytes, "an empty cache weighs nothing");
        Assert.AreEqual(0, _cache.Count, "an empty cache holds nothing");
        Assert.AreEqual(0, _memory.BytesAlive, "all memory is given back");
        Assert.AreEqual(0, _clock.PendingCount, "no timer is left");
    }

    private void Turn(double seconds)
    {
        Tell($"{seconds} s pass");
        Turn(TimeSpan.FromSeconds(seconds));
    }

    private void Turn(TimeSpan by) => _clock.Turn(by);

    private void Tell(string what)
    {
        if (_tells)
        {
            _ = Story.Append(_step).Append(": ").Append(what).Append('\n');
        }
    }

    private bool OneIn(int cases) => _random.Next(cases) == 0;

    private T Pick<T>(params T[] choices) => choices[_random.Next(choices.Length)];

    /// <summary>A poem that one connection of an upstream has to tell.</summary>
    private sealed class Source(MemoryUpstream upstream, byte[] wire, bool isLong, int headLength, int beganAt)
    {
        public MemoryUpstream Upstream => upstream;

        /// <summary>All of it, as it goes over the wire.</summary>
        public byte[] Wire => wire;

        /// <summary>When the fetch began.</summary>
        public int BeganAt => beganAt;

        /// <summary>Bytes that the server has sent.</summary>
        public int Sent { get; set; }

        /// <summary>The server's end came after so many bytes, and as far as anybody can tell that was all.</summary>
        public int WholeLength { get; set; } = -1;

        /// <summary>Has the server sent its end?</summary>
        public bool HasEnded { get; set; }

        /// <summary>At which step, and when, the proxy had all of it.</summary>
        public int WholeAtStep { get; set; } = int.MaxValue;

        public TimeSpan WholeAt { get; set; }

        /// <summary>Does the proxy know by now that it is too long to be kept?</summary>
        public bool IsKnownToBeLong(ProxyOptions options) => options.Framed
            ? isLong && upstream.BytesRead >= headLength
            : upstream.BytesRead > options.MostPoemBytes;
    }

    private sealed record Client(MemoryTransport Transport, int JoinedAtStep, TimeSpan JoinedAt);

    /// <summary>One upstream, its service, and its clients.</summary>
    private sealed class Site
    {
        private readonly ProxySimulation _life;
        private readonly MemoryUpstreams _upstreams;
        private readonly ProxyService _service;
        private readonly ProxyServerFactory _factory;
        private readonly List<Source> _sources = [];
        private readonly List<Client> _clients = [];

        /// <summary>Those of them that are not over, so that a check costs no more in the end than at the start.</summary>
        private readonly List<Source> _live = [];
        private readonly List<Client> _present = [];
        private PoemBuffer? _kept;
        private int _hungUpAtStep = -1;

        public Site(ProxySimulation life)
        {
            _life = life;
            ProxyOptions options = life._options;
            _upstreams = new MemoryUpstreams(life._clock, new PoemRequest(TimeSpan.FromSeconds(10), UpstreamTimeout, options.Framed));
            _service = new ProxyService(
                "upstream", Fetch, life._clock, options, life._cache, life._memory, NullLogger.Instance);
            _factory = new ProxyServerFactory(_service, life._clock, NullLogger.Instance);
        }

        /// <summary>Is anybody still to be told something?</summary>
        public bool IsBusy => _live.Count > 0 || _present.Exists(client => client.Transport.End == WireEnd.None);

        public ProxyService Service => _service;

        /// <summary>Times that a server had to wait for slow clients.</summary>
        public long Pauses { get; private set; }

        /// <summary>Times that a fetch went on beside another.</summary>
        public long Seconds { get; private set; }

        public void Join()
        {
            _life.Tell("a client joins");
            var transport = new MemoryTransport(
                _life._clock, _factory.BuildProtocol(default)!, _factory, enoughPending: _life._options.WindowBytes / 4);
            transport.Grant(_life.Pick(0, 10, 300, long.MaxValue, long.MaxValue));
            var client = new Client(transport, _life._step, _life._clock.Now);
            _clients.Add(client);
            _present.Add(client);
            transport.Start();
        }

        public void DisturbClient()
        {
            if (Pick(client => !client.IsLost) is not { } client)
            {
                return;
            }

            switch (_life._random.Next(5))
            {
                case 0:
                    _life.Tell("a client resets");
                    client.PeerResets();
                    break;
                case 1:
                    _life.Tell("a client ends its side");
                    client.PeerEnds();
                    break;
                case 2:
                    client.PeerSends([1, 2, 3]);
                    break;
                case 3:
                    _life.Tell("a client's time runs out");
                    client.SendingRunsOut();
                    break;
                default:
                    _life.Tell("a client stops reading");
                    client.Grant(0);
                    break;
            }
        }

        public void LetClientRead()
        {
            if (Pick(client => client.BytesPending > 0 && !client.IsLost) is { } client)
            {
                _life.Tell("a slow client reads");
                client.Grant(_life.Pick(1, 50, 400, long.MaxValue));
            }
        }

        public void ActUpstream()
        {
            if (_live.Count > 0)
            {
                Act(_live[_life._random.Next(_live.Count)]);
            }
        }

        public void HangUp()
        {
            _life.Tell("SIGHUP");
            _hungUpAtStep = _life._step;
            _service.Clear();
        }

        /// <summary>Towards the end: servers say what they have, slow clients read.</summary>
        public void MoveOn()
        {
            foreach (Source source in _live)
            {
                Send(source, source.Wire.Length);
                if (source.Sent == source.Wire.Length)
                {
                    Finish(source);
                }
            }

            foreach (Client client in _present)
            {
                client.Transport.Grant(long.MaxValue);
            }
        }

        public void AssertAllServed()
        {
            foreach (Client client in _clients)
            {
                Assert.AreNotEqual(WireEnd.None, client.Transport.End, "every client comes to an end by itself");
            }

            Assert.IsEmpty(_live, "no fetch is left");
        }

        public void Leave()
        {
            foreach (Client client in _clients)
            {
                client.Transport.PeerEnds();
            }

            foreach (Source source in _sources)
            {
                source.Upstream.Transport?.PeerEnds();
            }

            _service.Clear();
        }

        public void AssertOver()
        {
            Check();
            Assert.IsEmpty(_present, "every client's protocol is told of its end");
            Assert.AreEqual(ProxyState.Empty, _service.State, "the service is empty");
            Assert.AreEqual(0, _service.Waiters, "nobody waits");
            Assert.AreEqual(_clients.Count, _service.Hits + _service.Misses, "everybody was counted");
            Assert.AreEqual(_sources.Count, _service.Fetches, "every fetch was counted");
        }

        public void Check()
        {
            for (int i = _live.Count - 1; i >= 0; i--)
            {
                Source source = _live[i];
                Pauses += source.Upstream.Transport is { ReadPaused: true } ? 1 : 0;
                if (!source.Upstream.IsLive)
                {
                    source.WholeAtStep = _life._step;
                    source.WholeAt = _life._clock.Now;
                    _live.RemoveAt(i);
                }
            }

            CheckFetches();
            CheckWaiters();
            CheckKept();
            for (int i = _present.Count - 1; i >= 0; i--)
            {
                if (_present[i].Transport.IsClosed)
                {
                    CheckDelivery(_present[i]);
                    _present.RemoveAt(i);
                }
            }
        }

        private Deferred<long> Fetch(IPoemReceiver receiver)
        {
            Assert.AreNotEqual(0, _service.Waiters, "a fetch has a client");
            Deferred<long> fetching = _upstreams.Fetch(receiver);
            byte[] poem = new byte[_life.Pick(0, 1, 40, 99, 100, 101, 500, 1500, 3000)];
            _life._random.NextBytes(poem);
            bool isLong = poem.Length > _life._options.MostPoemBytes;
            byte[] head = _life._options.Framed ? Encoding.ASCII.GetBytes($"{poem.Length}:") : [];
            byte[] tail = _life._options.Framed ? [(byte)','] : [];
            var source = new Source(_upstreams.Last, [.. head, .. poem, .. tail], isLong, head.Length, _life._step);
            _sources.Add(source);
            _live.Add(source);
            _life.Tell($"fetch {_sources.Count} begins, of {poem.Length} bytes");
            return fetching;
        }

        private void Act(Source source)
        {
            MemoryUpstream upstream = source.Upstream;
            switch (_life._random.Next(10))
            {
                case 0 when upstream.IsConnecting:
                    _life.Tell("the upstream refuses");
                    upstream.Refuse();
                    break;
                case 1 when upstream.IsConnecting:
                    upstream.Accept();
                    break;
                case 2:
                    _life.Tell("the upstream resets");
                    upstream.Transport?.PeerResets();
                    break;
                case 3:
                    _life.Tell("the upstream ends early");
                    Finish(source);
                    break;
                case 4 when _life._options.Framed && source.Sent == 0:
                    _life.Tell("the upstream sends no netstring");
                    upstream.Send("007:"u8.ToArray());
                    break;
                case < 7:
                    Send(source, source.Wire.Length);
                    Finish(source);
                    break;
                default:
                    Send(source, _life._random.Next(1, 400));
                    break;
            }
        }

        private void Send(Source source, int bytes)
        {
            int sent = Math.Min(bytes, source.Wire.Length - source.Sent);
            if (sent > 0 && !source.HasEnded)
            {
                _life.Tell($"the upstream sends {sent} bytes");
                source.Sent += sent;
                NoteIfWhole(source, byEnd: false);
                source.Upstream.Send(source.Wire[(source.Sent - sent)..source.Sent]);
            }
        }

        private void Finish(Source source)
        {
            if (source.Upstream.IsConnecting)
            {
                source.Upstream.Accept();
            }

            NoteIfWhole(source, byEnd: true);
            source.HasEnded = true;
            source.Upstream.Transport?.PeerEnds();
        }

        /// <summary>A framed poem is whole with its comma, any other with the end, wherever that is.</summary>
        private void NoteIfWhole(Source source, bool byEnd)
        {
            if (source.WholeLength < 0 && (_life._options.Framed ? source.Sent == source.Wire.Length : byEnd))
            {
                _life.Tell("so that is all");
                source.WholeLength = source.Sent;
            }
        }

        /// <summary>One fetch at a time, but for those of poems that nobody can join any more.</summary>
        private void CheckFetches()
        {
            Assert.AreEqual(_live.Count, _service.FetchesInFlight, "the service knows its fetches");
            for (int i = 0; i < _live.Count - 1; i++)
            {
                Assert.IsTrue(_live[i].IsKnownToBeLong(_life._options), "two fetches at once");
                Seconds++;
            }
        }

        private void CheckWaiters()
        {
            int open = 0;
            int unaware = 0;
            foreach (Client client in _present)
            {
                open += client.Transport.IsOpen ? 1 : 0;
                unaware += client.Transport is { IsLost: true, IsClosed: false } ? 1 : 0;
            }

            bool fits = _service.Waiters >= open && _service.Waiters <= open + unaware;
            Assert.IsTrue(fits, fits ? null : $"{_service.Waiters} wait, {open} are open");
            Assert.IsTrue(_service.Waiters > 0 || _service.FetchesInFlight == 0, "a fetch without a client goes on");
        }

        private void CheckKept()
        {
            PoemBuffer? kept = _service.StandIn;
            if (kept is null || kept == _kept)
            {
                return;
            }

            _kept = kept;
            var bytes = new List<byte>();
            foreach (ReadOnlyMemory<byte> part in kept.Parts)
            {
                bytes.AddRange(part.Span);
            }

            byte[] poem = [.. bytes];
            Source? source = SourceOf(poem, isWhole: true);
            Assert.IsNotNull(source, "only whole poems are kept");
            Assert.IsTrue(source.BeganAt > _hungUpAtStep, "what was fetched before SIGHUP is not kept after it");
            Assert.IsFalse(source.IsKnownToBeLong(_life._options), "what is too long is not kept");
        }

        private void CheckDelivery(Client client)
        {
            ReadOnlySpan<byte> seen = client.Transport.Seen;
            bool isWhole = client.Transport.End == WireEnd.Fin;
            Source? source = SourceOf(seen, isWhole);
            Assert.IsNotNull(source, source is not null ? null : isWhole
                ? $"{seen.Length} bytes with a clean end are no whole poem"
                : $"{seen.Length} bytes are not of one poem");
            if (isWhole && seen.Length > 20 && source.WholeAtStep < client.JoinedAtStep)
            {
                Assert.IsTrue(source.WholeAtStep >= _hungUpAtStep || client.JoinedAtStep <= _hungUpAtStep, "served from an emptied cache");
                TimeSpan age = client.JoinedAt - source.WholeAt;
                ProxyOptions options = _life._options;
                bool standsIn = options.StaleIfError > TimeSpan.Zero && _service.StaleServed > 0;
                Assert.IsTrue(age < options.Lifetime || standsIn, "a poem was served that is too old");
            }
        }

        private Source? SourceOf(ReadOnlySpan<byte> bytes, bool isWhole)
        {
            foreach (Source source in _sources.AsEnumerable().Reverse())
            {
                bool fits = isWhole
                    ? source.WholeLength >= 0 && bytes.SequenceEqual(source.Wire.AsSpan(0, source.WholeLength))
                    : source.Wire.AsSpan(0, source.Sent).StartsWith(bytes);
                if (fits)
                {
                    return source;
                }
            }

            return !isWhole && bytes.IsEmpty ? _sources[0] : null;
        }

        private MemoryTransport? Pick(Func<MemoryTransport, bool> fits)
        {
            MemoryTransport[] some = [.. _present.Select(client => client.Transport).Where(fits)];
            return some.Length == 0 ? null : some[_life._random.Next(some.Length)];
        }
    }
}
