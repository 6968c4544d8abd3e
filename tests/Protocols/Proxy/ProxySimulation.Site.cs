using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <content>What happens: the clients and servers of one upstream.</content>
internal sealed partial class ProxySimulation
{
    private sealed record Client(MemoryTransport Transport, int JoinedAt, TimeSpan JoinedTime, int LastHangUp);

    /// <summary>One upstream, its service, and its clients.</summary>
    private sealed partial class Site
    {
        private static readonly string[] MirrorLists = ["a:1", "a:1", "a:1,b:2", "a:1,b:2,c:3"];

        private readonly ProxySimulation _life;
        private readonly ProxyService _service;
        private readonly ProxyServerFactory _factory;
        private readonly List<Client> _clients = [];

        /// <summary>The clients that have not ended, so that a check stays cheap.</summary>
        private readonly List<Client> _present = [];
        private PoemBuffer? _kept;
        private int _hungUpAt = -1;

        public Site(ProxySimulation life)
        {
            _life = life;
            ProxyOptions options = life._options;
            _allowsEmpty = life.OneIn(2);
            _transforms = life.OneIn(4);
            var request = new PoemRequest(TimeSpan.FromSeconds(10), UpstreamTimeout, options.Format) { AllowEmpty = _allowsEmpty };
            _upstreams = new MemoryUpstreams(life._clock, request);
            _ = PoemMirrors.TryParse(life.Pick(MirrorLists), out PoemMirrors? mirrors, out _);
            _mirrors = new MirrorFetch(mirrors!, life._clock, (_, receiver) => Attempt(receiver))
            {
                FailedOver = (_, _) => Failovers++,
            };
            _service = new ProxyService(
                "upstream", Fetch, life._clock, options, life._cache, life._memory, life._log);
            _factory = new ProxyServerFactory(_service, life._log);
        }

        /// <summary>True if a fetch or a client has not ended.</summary>
        public bool IsBusy => _live.Count > 0 || _present.Exists(client => client.Transport.End == WireEnd.None);

        public ProxyService Service => _service;

        /// <summary>Times that a server had to wait for slow clients.</summary>
        public long Pauses { get; private set; }

        /// <summary>Times that a fetch went on beside another.</summary>
        public long Seconds { get; private set; }

        public void Join()
        {
            _life.Tell("a client joins");
            var transport = new MemoryTransport(_life._clock, _factory) { MaxPendingBytes = MaxPending(_life._options.WindowBytes) };
            var client = new Client(transport, _life.NextEvent(), _life._clock.Now, _hungUpAt);
            _clients.Add(client);
            _present.Add(client);
            transport.Open(_factory.BuildProtocol(default)!, _life.Pick(0, 10, 300, long.MaxValue, long.MaxValue));
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
                    _life.Tell("a client speaks");
                    client.PeerSends([1, 2, 3]);
                    break;
                case 3:
                    _life.Tell("a client's time runs out");
                    client.TimeOutSending();
                    break;
                default:
                    _life.Tell("a client stops reading");
                    client.SetRoom(0);
                    break;
            }
        }

        public void LetClientRead()
        {
            if (Pick(client => client.BytesPending > 0 && !client.IsLost) is { } client)
            {
                _life.Tell("a slow client reads");
                client.SetRoom(_life.Pick(1, 50, 400, long.MaxValue));
            }
        }

        public void HangUp()
        {
            _life.Tell("SIGHUP");
            _hungUpAt = _life.NextEvent();
            _service.Clear();
        }

        /// <summary>Towards the end: servers send what they have, slow clients read.</summary>
        public void MoveOn()
        {
            foreach (Fetching fetch in _live.ToArray())
            {
                Source source = fetch.Source;
                if (fetch.Transforming is not null)
                {
                    EndTransformation(fetch, fails: false);
                }
                else
                {
                    Send(source, source.Wire.Length);
                    if (source.Sent == source.Wire.Length)
                    {
                        Finish(source);
                    }
                }
            }

            foreach (Client client in _present)
            {
                client.Transport.SetRoom(long.MaxValue);
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
            ProxyWorld.AssertEmpty(_service, "the service is empty");
            Assert.AreEqual(0, _service.Waiters, "no client waits");
            Assert.AreEqual(_clients.Count, _service.Hits + _service.Misses + _service.Probes, "every client was counted");
            Assert.AreEqual(_fetches, _service.Fetches, "every fetch was counted");
        }

        private MemoryTransport? Pick(Func<MemoryTransport, bool> fits)
        {
            MemoryTransport[] some = [.. _present.Select(client => client.Transport).Where(fits)];
            return some.Length == 0 ? null : some[_life._random.Next(some.Length)];
        }
    }
}
