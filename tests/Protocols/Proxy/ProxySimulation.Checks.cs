using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <content>What is promised: looked at after every step.</content>
internal sealed partial class ProxySimulation
{
    private sealed partial class Site
    {
        public void Check()
        {
            for (int i = _live.Count - 1; i >= 0; i--)
            {
                Source source = _live[i];
                Pauses += source.Upstream.Transport is { IsPaused: true } ? 1 : 0;
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

        /// <summary>One fetch at a time, but for those of poems that nobody can join any more.</summary>
        private void CheckFetches()
        {
            Assert.AreEqual(_live.Count, _service.FetchesInFlight, "the service knows its fetches");
            for (int i = 0; i < _live.Count - 1; i++)
            {
                Assert.IsTrue(_live[i].IsKnownToPass(_life._options), "two fetches at once");
                Seconds++;
            }
        }

        private void CheckWaiters()
        {
            int open = 0;
            int unaware = 0;
            foreach (Client client in _present)
            {
                open += !client.Transport.Disconnecting ? 1 : 0;
                unaware += client.Transport is { IsLost: true, IsClosed: false } ? 1 : 0;
            }

            bool fits = _service.Waiters >= open && _service.Waiters <= open + unaware;
            Assert.IsTrue(fits, fits ? null : $"{_service.Waiters} wait, {open} are open");
            Assert.IsTrue(_service.Waiters > 0 || _service.FetchesInFlight == 0, "a fetch without a client goes on");
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
            Source? source = SourceOf(poem, isWhole: true);
            Assert.IsNotNull(source, "only whole poems are kept");
            Assert.IsTrue(source.BeganAt > _hungUpAtStep, "what was fetched before SIGHUP is not kept after it");
            Assert.IsFalse(source.IsKnownToPass(_life._options), "what only passes is not kept");
        }

        private void CheckDelivery(Client client)
        {
            ReadOnlySpan<byte> seen = client.Transport.Sent;
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
                    ? source.TotalBytes >= 0 && bytes.SequenceEqual(source.Wire.AsSpan(0, source.TotalBytes))
                    : source.Wire.AsSpan(0, source.Sent).StartsWith(bytes);
                if (fits)
                {
                    return source;
                }
            }

            return !isWhole && bytes.IsEmpty ? _sources[0] : null;
        }
    }
}
