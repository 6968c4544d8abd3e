using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

/// <content>The promises, which are checked after every step.</content>
internal sealed partial class ProxySimulation
{
    private sealed partial class Site
    {
        public void Check()
        {
            for (int i = _live.Count - 1; i >= 0; i--)
            {
                Fetching fetch = _live[i];
                Pauses += fetch.Source.Upstream.Transport is { IsPaused: true } ? 1 : 0;
                if (!fetch.IsLive)
                {
                    fetch.Source.DoneAt = _life.NextEvent();
                    fetch.Source.DoneTime = _life._clock.Now;
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

        /// <summary>One fetch at a time, except for those that no client can join any more.</summary>
        private void CheckFetches()
        {
            Assert.AreEqual(_live.Count, _service.FetchesInFlight, "the service knows its fetches");
            for (int i = 0; i < _live.Count - 1; i++)
            {
                bool cannotBeJoined = _live[i].BeganAt < _hungUpAt || _live[i].Source.IsKnownToPass(_life._options);
                Assert.IsTrue(cannotBeJoined, "two fetches at once");
                Seconds++;
            }
        }

        private void CheckWaiters()
        {
            int open = 0;
            int maybeProbes = 0;
            int unaware = 0;
            foreach (Client client in _present)
            {
                bool isOpen = client.Transport is { Disconnecting: false, IsLost: false };
                bool mayBeProbe = isOpen && _life._clock.Now < client.JoinedTime + _life._options.ProbeDelay;
                open += isOpen ? 1 : 0;
                maybeProbes += mayBeProbe ? 1 : 0;
                unaware += client.Transport is { IsLost: true, IsClosed: false } ? 1 : 0;
            }

            bool fits = _service.Waiters >= open - maybeProbes && _service.Waiters <= open + unaware;
            Assert.IsTrue(fits, fits ? null : $"{_service.Waiters} wait, {open} are open, {maybeProbes} may be probes");
            bool mayRefresh = _service.Refreshes > 0 && _service.FetchesInFlight == 1;
            Assert.IsTrue(
                _service.Waiters > 0 || _service.FetchesInFlight == 0 || mayRefresh, "a fetch without a client goes on");
        }

        private void CheckKept()
        {
            PoemBuffer? kept = _service.StalePoem;
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
            Source? source = SourceOf(poem, isComplete: true);
            Assert.IsNotNull(source, "only complete poems are kept");
            Assert.IsTrue(source.Fetch.BeganAt > _hungUpAt, "what was fetched before SIGHUP is not kept after it");
            Assert.IsFalse(source.IsKnownToPass(_life._options), "what only passes is not kept");
        }

        private void CheckDelivery(Client client)
        {
            ReadOnlySpan<byte> seen = client.Transport.Sent;
            bool isComplete = client.Transport.End == WireEnd.Fin;
            if (seen.IsEmpty && !isComplete)
            {
                return;
            }

            Source? source = SourceOf(seen, isComplete);
            Assert.IsNotNull(source, source is not null ? null : isComplete
                ? $"{seen.Length} bytes with a clean end are no complete poem"
                : $"{seen.Length} bytes are not of one poem");

            // Short poems may be equal by chance.
            if (seen.Length <= 20)
            {
                return;
            }

            Assert.IsTrue(source.Fetch.BeganAt > client.LastHangUp, "a client that came after SIGHUP was given an older poem");
            if (isComplete && source.DoneAt < client.JoinedAt)
            {
                ProxyOptions options = _life._options;
                TimeSpan stale = options.StaleIfError > options.StaleWhileRevalidate
                    ? options.StaleIfError : options.StaleWhileRevalidate;
                TimeSpan age = client.JoinedTime - source.DoneTime;
                bool isFresh = age < options.Lifetime;
                Assert.IsTrue(
                    isFresh || (age < SaturatedTime.Add(options.Lifetime, stale) && _service.StaleServed > 0),
                    "a poem was served that is too old");
            }
        }

        private Source? SourceOf(ReadOnlySpan<byte> bytes, bool isComplete)
        {
            foreach (Source source in _sources.AsEnumerable().Reverse())
            {
                bool fits = isComplete
                    ? source.TotalBytes >= 0 && bytes.SequenceEqual(source.Seen.AsSpan(0, source.TotalBytes))
                    : source.Seen.AsSpan(0, source.Sent).StartsWith(bytes);
                if (fits)
                {
                    return source;
                }
            }

            return null;
        }
    }
}
