using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <content>The servers of one upstream: mirrors, and a transform server behind them.</content>
internal sealed partial class ProxySimulation
{
    /// <summary>The transformation: it works on each byte alone, so that a part becomes a part.</summary>
    private static byte[] Transform(ReadOnlySpan<byte> text)
    {
        byte[] result = text.ToArray();
        for (int i = 0; i < result.Length; i++)
        {
            result[i] ^= 0x20;
        }

        return result;
    }

    /// <summary>One fetch of the service: an attempt after the other, then perhaps a transformation.</summary>
    private sealed class Fetching(int beganAt)
    {
        public int BeganAt => beganAt;

        public Deferred<long> Result { get; set; } = null!;

        /// <summary>The present attempt.</summary>
        public Source Source { get; set; } = null!;

        public TextBuffer? Text { get; set; }

        public TextBuffer? Output { get; set; }

        public Deferred<TextBuffer>? Transforming { get; set; }

        public bool IsLive => !Result.Called;
    }

    /// <summary>A poem that one connection of an upstream sends.</summary>
    /// <param name="upstream">The connection.</param>
    /// <param name="fetch">It is an attempt of this fetch.</param>
    /// <param name="wire">The poem as the server sends it.</param>
    /// <param name="seen">The poem as clients see it.</param>
    /// <param name="isLong">True if it passes through.</param>
    /// <param name="headLength">Of the frame.</param>
    private sealed class Source(MemoryUpstream upstream, Fetching fetch, byte[] wire, byte[] seen, bool isLong, int headLength)
    {
        public MemoryUpstream Upstream => upstream;

        public Fetching Fetch => fetch;

        public byte[] Wire => wire;

        public byte[] Seen => seen;

        /// <summary>Bytes that the server has sent.</summary>
        public int Sent { get; set; }

        /// <summary>The server's end came after so many bytes, and the proxy can't tell that it was early; −1 before.</summary>
        public int TotalBytes { get; set; } = -1;

        /// <summary>True if the server has sent its end.</summary>
        public bool HasEnded { get; set; }

        /// <summary>At which event, and when, the fetch ended.</summary>
        public int DoneAt { get; set; } = int.MaxValue;

        public TimeSpan DoneTime { get; set; }

        /// <summary>True if the proxy found no memory for it.</summary>
        public bool HadNoRoom { get; set; }

        /// <summary>True if the proxy knows by now that it can't be kept.</summary>
        public bool IsKnownToPass(ProxyOptions options) => HadNoRoom || (options.Format == PoemFormat.Netstring
            ? isLong && upstream.BytesRead >= headLength
            : isLong && upstream.BytesRead > options.MaxPoemBytes);
    }

    private sealed partial class Site
    {
        private readonly MemoryUpstreams _upstreams;
        private readonly MirrorFetch _mirrors;
        private readonly bool _allowsEmpty;
        private readonly bool _transforms;
        private readonly List<Source> _sources = [];

        /// <summary>The fetches that have not ended.</summary>
        private readonly List<Fetching> _live = [];

        /// <summary>The fetches by their receivers: the attempts of a fetch have the same.</summary>
        private readonly Dictionary<IPoemReceiver, Fetching> _fetchOf = [];

        /// <summary>The fetch that begins just now.</summary>
        private Fetching _current = null!;
        private int _fetches;

        /// <summary>Times that the next mirror was tried.</summary>
        public long Failovers { get; private set; }

        /// <summary>Transformations that succeeded.</summary>
        public long Transformed { get; private set; }

        public bool Transforms => _transforms;

        private bool IsFramed => _life._options.Format == PoemFormat.Netstring;

        public void ActUpstream()
        {
            if (_live.Count > 0)
            {
                Act(_live[_life._random.Next(_live.Count)]);
            }
        }

        private Deferred<long> Fetch(IPoemReceiver receiver)
        {
            bool refreshes = _life._options.StaleWhileRevalidate > TimeSpan.Zero;
            Assert.IsTrue(refreshes || _service.Waiters != 0, "a fetch has a client");
            var fetch = new Fetching(_life.NextEvent());
            _fetches++;
            _current = fetch;
            _life.Tell($"fetch {_fetches} begins");
            _live.Add(fetch);
            fetch.Result = !_transforms ? _mirrors.Start(receiver) : new TransformedFetch(
                _mirrors.Start,
                (text, output) =>
                {
                    fetch.Text = text;
                    fetch.Output = output;
                    fetch.Transforming = new Deferred<TextBuffer>(_ => fetch.Transforming = null);
                    return fetch.Transforming;
                },
                "via:11000",
                _life._options.Format,
                _life._options.MaxPoemBytes,
                receiver).Start();
            return fetch.Result;
        }

        private Deferred<long> Attempt(IPoemReceiver receiver)
        {
            if (!_fetchOf.TryGetValue(receiver, out Fetching? fetch))
            {
                fetch = _current;
                _fetchOf.Add(receiver, fetch);
            }

            Deferred<long> fetching = _upstreams.Fetch(receiver);
            byte[] poem = new byte[_life.Pick(0, 1, 40, 99, 100, 101, 500, 1500, 3000)];
            _life._random.NextBytes(poem);
            byte[] head = IsFramed ? Encoding.ASCII.GetBytes($"{poem.Length}:") : [];
            byte[] tail = IsFramed ? [(byte)','] : [];
            int wireLength = head.Length + poem.Length + tail.Length;
            bool isLong = !_transforms
                && (poem.Length > _life._options.MaxPoemBytes || (IsFramed && wireLength > _life._cache.MaxBytes));
            byte[] shown = _transforms ? Transform(poem) : poem;
            fetch.Source = new Source(
                _upstreams.Last, fetch, [.. head, .. poem, .. tail], [.. head, .. shown, .. tail], isLong, head.Length);
            _sources.Add(fetch.Source);
            _life.Tell($"a server has {poem.Length} bytes");
            return fetching;
        }

        private void Act(Fetching fetch)
        {
            Source source = fetch.Source;
            MemoryUpstream upstream = source.Upstream;
            int choice = _life._random.Next(10);
            if (fetch.Transforming is not null)
            {
                if (choice < 5)
                {
                    EndTransformation(fetch, fails: choice == 0);
                }

                return;
            }

            switch (choice)
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
                case 4 when IsFramed && source.Sent == 0:
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

        private void EndTransformation(Fetching fetch, bool fails)
        {
            Deferred<TextBuffer> transforming = fetch.Transforming!;
            fetch.Transforming = null;
            _life.Tell(fails ? "the transformation fails" : "the transformation is done");
            if (fails)
            {
                transforming.Errback(new TransformError("failed"));
                return;
            }

            Transformed++;
            fetch.Output!.Write(Transform(fetch.Text!.Text));
            transforming.Callback(fetch.Output);
        }

        private void Send(Source source, int bytes)
        {
            int sent = Math.Min(bytes, source.Wire.Length - source.Sent);
            if (sent > 0 && !source.HasEnded)
            {
                _life.Tell($"the upstream sends {sent} bytes");
                int from = source.Sent;
                source.Sent += sent;
                NoteIfComplete(source, byEnd: false);
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

            NoteIfComplete(source, byEnd: true);
            source.HasEnded = true;
            source.Upstream.Transport?.PeerEnds();
        }

        /// <summary>A netstring is complete with its comma, a plain poem with the end, wherever that is; but 0 bytes may be
        /// no poem.</summary>
        private void NoteIfComplete(Source source, bool byEnd)
        {
            bool isComplete = IsFramed ? source.Sent == source.Wire.Length : byEnd && (source.Sent > 0 || _allowsEmpty);
            if (source.TotalBytes < 0 && isComplete)
            {
                _life.Tell("so that is all");
                source.TotalBytes = source.Sent;
            }
        }
    }
}
