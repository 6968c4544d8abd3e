using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <content>The proxies, their clients and their upstreams, and the promises, which are checked after every step.</content>
internal sealed partial class FleetSimulation
{
    private long _cuts;

    private void ActUpstream()
    {
        Source[] live = [.. _sources.Where(source => source.IsLive)];
        if (live.Length == 0)
        {
            return;
        }

        Source some = live[_random.Next(live.Length)];
        if (OneIn(3))
        {
            Finish(some);
        }
        else
        {
            Send(some, _random.Next(1, 120));
        }
    }

    private void FailUpstream()
    {
        if (_sources.FindLast(source => source.IsLive) is { } source)
        {
            Tell($"the upstream fails poem {source.Number}");
            if (source.Upstream.IsConnecting)
            {
                source.Upstream.Refuse();
            }
            else
            {
                source.Upstream.Transport?.PeerResets();
            }
        }
    }

    private void Send(Source source, int bytes)
    {
        int count = Math.Min(bytes, source.Wire.Length - source.Sent);
        Tell($"the upstream sends {count} bytes of poem {source.Number}");
        byte[] next = source.Wire[source.Sent..(source.Sent + count)];
        source.Sent += count;
        if (_options.Format == PoemFormat.Netstring && source.Sent == source.Wire.Length)
        {
            // The poem is complete with its last byte.
            source.IsComplete = true;
        }

        source.Upstream.Send(next);
    }

    private void Finish(Source source)
    {
        Send(source, source.Wire.Length);
        source.IsComplete = true;
        source.Upstream.Transport?.PeerEnds();
    }

    /// <summary>A fetch from an upstream begins: it has to have a reason.</summary>
    private Deferred<long> Fetch(Member member, int poem, IPoemReceiver receiver)
    {
        bool mayBeAlone = !member.Machine.Cache.IsUsable || _options.Timeout < TimeSpan.MaxValue
            || member.Machine.Services[poem].Shared!.IsRefused;
        Assert.IsTrue(mayBeAlone || member.Grants[poem] > 0, "a fetch without the lock, though the cache can be used");
        member.Grants[poem] = Math.Max(0, member.Grants[poem] - 1);
        Deferred<long> result = member.Machine.Upstreams[poem].Fetch(receiver);
        int number = _sources.Count;
        string text = $"<{number}>{new string((char)('a' + (number % 26)), Pick(5, 60, 180, 300))}";
        byte[] wire = Encoding.UTF8.GetBytes(_options.Format == PoemFormat.Netstring ? $"{text.Length}:{text}," : text);
        _sources.Add(new Source(number, poem, member.Machine.Upstreams[poem].Last, wire, ++_sequence));
        Tell($"proxy {member.Machine.Number} fetches poem {number} of upstream {poem}");
        return result;
    }

    private void Check()
    {
        foreach (Source source in _sources)
        {
            source.DoneAt ??= source.Upstream.IsLive ? null : _network.Now;
        }

        _members.ForEach(member => member.CheckClients());
    }

    /// <summary>A poem that one fetch from an upstream is sent.</summary>
    private sealed class Source(int number, int poem, MemoryUpstream upstream, byte[] wire, int beganAt)
    {
        private readonly HashSet<Member> _readers = [];

        public int Number => number;

        public int Poem => poem;

        public MemoryUpstream Upstream => upstream;

        public byte[] Wire => wire;

        public int BeganAt => beganAt;

        public int Sent { get; set; }

        public bool IsComplete { get; set; }

        /// <summary>When the proxy had all of it, or gave up; null before.</summary>
        public TimeSpan? DoneAt { get; set; }

        public bool IsLive => upstream.IsLive && !IsComplete;

        /// <summary>How many proxies have given it to a client.</summary>
        public int Readers => _readers.Count;

        public void AddReader(Member member) => _readers.Add(member);
    }

    /// <summary>A client, and the last purge of its poem that its proxy knew of when it came.</summary>
    private sealed record Client(MemoryTransport Transport, int Poem, int Floor, TimeSpan JoinedAt);

    /// <summary>A proxy, and what the simulation knows of it.</summary>
    private sealed class Member
    {
        private readonly FleetSimulation _life;
        private readonly double _rate;
        private readonly List<Client> _clients = [];
        private readonly int[] _floors;
        private double _missed;
        private bool _isPaused;

        public Member(FleetSimulation life, int number, double rate)
        {
            _life = life;
            _rate = rate;
            _floors = new int[life._poems];
            Grants = new int[life._poems];
            Machine = new FleetMachine(
                number,
                life._server,
                life._options,
                life._poems,
                fetch: (_, poem) => receiver => life.Fetch(this, poem, receiver));
            Machine.Link.Granted = (key, _) => Grants[PoemOf(key)]++;
            Machine.Link.PurgeHeard = (key, stamp) =>
            {
                PurgesHeard++;
                _floors[PoemOf(key)] = Math.Max(stamp, _floors[PoemOf(key)]);
            };
        }

        public FleetMachine Machine { get; }

        /// <summary>Locks of each poem that it was given and has not used for a fetch.</summary>
        public int[] Grants { get; }

        public long PurgesHeard { get; private set; }

        public bool IsDead { get; private set; }

        public bool IsBusy => !IsDead && (_clients.Count > 0 || !Machine.Cache.IsUsable);

        private bool Runs => !IsDead && !_isPaused;

        public void Pass(double seconds)
        {
            if (Runs)
            {
                Machine.Clock.Turn(TimeSpan.FromSeconds(seconds * _rate));
            }
            else
            {
                _missed += seconds;
            }
        }

        public void Join(int poem)
        {
            if (Runs)
            {
                _life.Tell($"a client joins proxy {Machine.Number} for upstream {poem}");
                MemoryTransport transport = Machine.Join(poem, _life.Pick(10, 100, long.MaxValue, long.MaxValue));
                _clients.Add(new Client(transport, poem, _floors[poem], _life._network.Now));
            }
        }

        public void DisturbClient()
        {
            if (_clients.Count > 0 && Runs)
            {
                _life.Tell($"a client of proxy {Machine.Number} resets");
                _clients[_life._random.Next(_clients.Count)].Transport.PeerResets();
            }
        }

        public void LetClientsRead()
        {
            if (Runs)
            {
                _clients.ForEach(client => client.Transport.SetRoom(long.MaxValue));
            }
        }

        public void HangUp()
        {
            if (Runs)
            {
                int stamp = ++_life._sequence;
                _life.Tell($"SIGHUP of proxy {Machine.Number}");
                Machine.Link.Stamp = stamp;
                Array.Fill(_floors, stamp);
                Machine.HangUp();
            }
        }

        /// <summary>It is paused, or killed and replaced.</summary>
        public void Disturb()
        {
            if (_life.OneIn(2) && Runs)
            {
                _life.Tell($"proxy {Machine.Number} is paused");
                _isPaused = true;
            }
            else if (!IsDead)
            {
                _life.Tell($"proxy {Machine.Number} is killed");
                IsDead = true;
                _clients.Clear();
                _life._server.Subscribers.Remove(Machine.Link);
                _life.AddMember();
            }
        }

        public void GoOn()
        {
            if (_isPaused && !IsDead)
            {
                _life.Tell($"proxy {Machine.Number} goes on");
                _isPaused = false;
                double missed = _missed;
                _missed = 0;
                Pass(missed);
            }
        }

        public void AssertAllAnswered()
        {
            Assert.IsTrue(IsDead || _clients.Count == 0, "every client comes to an end by itself");
            Assert.IsTrue(IsDead || Machine.Cache.IsUsable, "the cache is used again");
        }

        public void CheckClients()
        {
            for (int i = _clients.Count - 1; i >= 0; i--)
            {
                if (_clients[i].Transport.End != WireEnd.None || _clients[i].Transport.IsClosed)
                {
                    CheckDelivery(_clients[i]);
                    _clients.RemoveAt(i);
                }
            }
        }

        private static int PoemOf(string key) => key[^2] - '0';

        private void CheckDelivery(Client client)
        {
            ReadOnlySpan<byte> seen = client.Transport.Sent;
            bool isComplete = client.Transport.End == WireEnd.Fin;
            string text = Encoding.UTF8.GetString(seen);
            int from = text.IndexOf('<');
            int to = text.IndexOf('>');
            if (to < 0 || !isComplete)
            {
                _life._cuts += seen.Length > 0 ? 1 : 0;
                Assert.IsFalse(isComplete, isComplete ? $"{seen.Length} bytes with a clean end are no poem" : null);
            }

            if (to > 0 && int.TryParse(text.AsSpan(from + 1, to - from - 1), out int number))
            {
                Source source = _life._sources[number];
                Assert.AreEqual(client.Poem, source.Poem, "a poem of another upstream");
                Assert.IsTrue(source.Wire.AsSpan().StartsWith(seen), "bytes that are not of one poem");
                Assert.IsTrue(!isComplete || (source.IsComplete && seen.Length == source.Wire.Length), "a part with a clean end");
                bool isNew = source.BeganAt > client.Floor;
                Assert.IsTrue(
                    isNew,
                    isNew ? null : $"poem {number}, of before a purge, for a client of proxy {Machine.Number} that came after it");
                if (isComplete)
                {
                    source.AddReader(this);
                    CheckAge(client, source);
                }
            }
        }

        private void CheckAge(Client client, Source source)
        {
            ProxyOptions options = _life._options;
            TimeSpan stale = options.StaleIfError + options.StaleWhileRevalidate;
            if (options.Lifetime < TimeSpan.MaxValue && !_isPaused && _life._paused == TimeSpan.Zero && !_life._server.IsPaused)
            {
                // Two clocks may both be wrong, and a poem is stored a while after it was fetched.
                double most = ((options.Lifetime + stale).TotalSeconds * (1 + (3 * ClockError))) + 1;
                double age = (client.JoinedAt - (source.DoneAt ?? client.JoinedAt)).TotalSeconds;
                Assert.IsTrue(age <= most, age <= most ? null : $"poem {source.Number} is {age} s old");
            }
        }
    }
}
