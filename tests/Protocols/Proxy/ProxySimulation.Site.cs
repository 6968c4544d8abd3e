using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <content>What happens: the clients and servers of one upstream.</content>
internal sealed partial class ProxySimulation
{
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
        public int TotalBytes { get; set; } = -1;

        /// <summary>Has the server sent its end?</summary>
        public bool HasEnded { get; set; }

        /// <summary>At which step, and when, the proxy had all of it.</summary>
        public int WholeAtStep { get; set; } = int.MaxValue;

        public TimeSpan WholeAt { get; set; }

        /// <summary>Did the proxy find no room for it?</summary>
        public bool HadNoRoom { get; set; }

        /// <summary>Does the proxy know by now that it can't be kept?</summary>
        public bool IsKnownToPass(ProxyOptions options) => HadNoRoom || (options.Format == PoemFormat.Netstring
            ? isLong && upstream.BytesRead >= headLength
            : upstream.BytesRead > options.MaxPoemBytes);
    }

    private sealed record Client(MemoryTransport Transport, int JoinedAtStep, TimeSpan JoinedAt);

    /// <summary>One upstream, its service, and its clients.</summary>
    private sealed partial class Site
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
            _upstreams = new MemoryUpstreams(life._clock, new PoemRequest(TimeSpan.FromSeconds(10), UpstreamTimeout, options.Format));
            _service = new ProxyService(
                "upstream", Fetch, life._clock, options, life._cache, life._memory, life._log);
            _factory = new ProxyServerFactory(_service, life._clock, life._log);
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
            var transport = new MemoryTransport(_life._clock, _factory) { MaxPendingBytes = MaxPending(_life._options.WindowBytes) };
            long room = _life.Pick(0, 10, 300, long.MaxValue, long.MaxValue);
            var client = new Client(transport, _life._step, _life._clock.Now);
            _clients.Add(client);
            _present.Add(client);
            transport.Open(_factory.BuildProtocol(default)!, room);
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
            Assert.AreEqual(ProxyState.Empty, _service.State, "the service is empty");
            Assert.AreEqual(0, _service.Waiters, "nobody waits");
            Assert.AreEqual(_clients.Count, _service.Hits + _service.Misses, "everybody was counted");
            Assert.AreEqual(_sources.Count, _service.Fetches, "every fetch was counted");
        }

        private Deferred<long> Fetch(IPoemReceiver receiver)
        {
            Assert.AreNotEqual(0, _service.Waiters, "a fetch has a client");
            Deferred<long> fetching = _upstreams.Fetch(receiver);
            byte[] poem = new byte[_life.Pick(0, 1, 40, 99, 100, 101, 500, 1500, 3000)];
            _life._random.NextBytes(poem);
            byte[] head = _life._options.Format == PoemFormat.Netstring ? Encoding.ASCII.GetBytes($"{poem.Length}:") : [];
            byte[] tail = _life._options.Format == PoemFormat.Netstring ? [(byte)','] : [];
            int wireLength = head.Length + poem.Length + tail.Length;
            bool isLong = poem.Length > _life._options.MaxPoemBytes || wireLength > _life._cache.MaxBytes;
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
                case 4 when _life._options.Format == PoemFormat.Netstring && source.Sent == 0:
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
                int from = source.Sent;
                source.Sent += sent;
                NoteIfWhole(source, byEnd: false);
                long shortages = _life._cache.Shortages;
                for (; from < source.Sent; from += MaxRead)
                {
                    source.Upstream.Send(source.Wire[from..Math.Min(from + MaxRead, source.Sent)]);
                }

                source.HadNoRoom |= _life._cache.Shortages > shortages;
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
            if (source.TotalBytes < 0 && (_life._options.Format == PoemFormat.Netstring ? source.Sent == source.Wire.Length : byEnd))
            {
                _life.Tell("so that is all");
                source.TotalBytes = source.Sent;
            }
        }

        private MemoryTransport? Pick(Func<MemoryTransport, bool> fits)
        {
            MemoryTransport[] some = [.. _present.Select(client => client.Transport).Where(fits)];
            return some.Length == 0 ? null : some[_life._random.Next(some.Length)];
        }
    }
}
