using System.Buffers;
using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>One fetch of one poem from servers that behave, and from all the others. Its deferred fires once. Every backend.</summary>
[TestClass]
public sealed class PoemClientTests
{
    private static readonly TimeSpan Ages = TimeSpan.FromHours(1);

    private readonly Receiver _receiver = new();
    private readonly List<long> _lengths = [];
    private readonly List<Failure> _failures = [];

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AWholePoem_FiresWithItsLength(string backend)
    {
        byte[] poem = new byte[500_000];
        new Random(1).NextBytes(poem);
        using FaultServer server = FaultServer.Sending(poem);
        AssertGot(backend, server.Port, poem);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AnEmptyReply_IsAFailure_UnlessItIsAllowed(string backend)
    {
        using FaultServer server = FaultServer.Sending([]);
        AssertFails<PoemIncompleteError>(backend, server.Port, PoemFormat.Plain, "empty reply");
        Assert.IsTrue(PoemFetch.MayRetry(_failures[0].Exception));
        _failures.Clear();
        using FaultServer allowed = FaultServer.Sending([]);
        _allowEmpty = true;
        AssertGot(backend, allowed.Port, []);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AFramedPoem_IsWholeWithItsLastByteAndNotBefore(string backend)
    {
        using var go = new ManualResetEvent(false);
        using FaultServer server = FaultServer.Pausing("6:a po"u8.ToArray(), "em,"u8.ToArray(), go);
        using var loop = new TurnedReactor(backend);
        _ = Start(loop, server.Port, PoemFormat.Netstring);
        loop.Until(() => _receiver.Bytes.WrittenCount == 4, "the first part");
        Assert.IsEmpty(_lengths);
        _ = go.Set();
        loop.Until(() => _lengths.Count == 1, "the end of the poem");
        Assert.AreEqual("a poem", Encoding.UTF8.GetString(_receiver.Bytes.WrittenSpan));
        Assert.AreEqual(6, _receiver.Announced);
        AssertEnded(loop);
    }

    /// <summary>The end of the frame is the end of the poem: what a server sends after it is ignored, however it arrives.</summary>
    [TestMethod]
    public void AFramedPoem_EndsWithItsFrame_InEverySplit()
    {
        byte[] wire = "3:abc,xx"u8.ToArray();
        for (int first = 0; first <= wire.Length; first++)
        {
            for (int second = first; second <= wire.Length; second++)
            {
                var clock = new ManualClock();
                var upstreams = new MemoryUpstreams(clock, new PoemRequest(Ages, Ages, PoemFormat.Netstring));
                var receiver = new Receiver();
                Deferred<long> fetch = upstreams.Fetch(receiver);
                upstreams.Last.Send(wire[..first]);
                upstreams.Last.Send(wire[first..second]);
                upstreams.Last.SendAll(wire[second..]);
                clock.Advance(TimeSpan.Zero);
                Failure? failure = null;
                long length = -1;
                _ = fetch.AddCallbacks(got => length = got, why => { failure = why; });
                Assert.IsNull(failure, $"split at {first} and {second}: {failure}");
                Assert.AreEqual(3, length, $"split at {first} and {second}");
                Assert.AreEqual("abc", Encoding.UTF8.GetString(receiver.Bytes.WrittenSpan), $"split at {first} and {second}");
            }
        }
    }

    /// <summary>Told from a whole one, wherever it breaks off; how the server ends it makes no difference.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AFramedPoemThatIsCutOff_Fails(string backend)
    {
        foreach (string cut in new[] { string.Empty, "6", "6:", "6:a po", "6:a poem" })
        {
            _failures.Clear();
            using FaultServer server = FaultServer.Sending(Encoding.UTF8.GetBytes(cut));
            int got = Math.Max(0, cut.Length - 2);
            AssertFails<PoemIncompleteError>(backend, server.Port, PoemFormat.Netstring, cut.Contains(':', StringComparison.Ordinal)
                ? $"got {got} of 6 bytes"
                : "the server closed before it said how long the poem is");
        }
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void WhatIsNoNetstring_Fails(string backend)
    {
        foreach (string wrong in new[] { "a poem", "06:a poem,", "6:a poem;", "-1:," })
        {
            _failures.Clear();
            using FaultServer server = FaultServer.Sending(Encoding.UTF8.GetBytes(wrong));
            AssertFails<PoemIncompleteError>(backend, server.Port, PoemFormat.Netstring, "the server sent no netstring");
        }
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AServerThatResets_Fails(string backend)
    {
        // Not before we have heard of it: a reset that comes sooner is a connect that failed.
        using var go = new ManualResetEventSlim();
        using var server = new FaultServer((client, _) =>
        {
            _ = client.Send("half a po"u8);
            Assert.IsTrue(go.Wait(Patience.Milliseconds));
            Wire.Reset(client);
        });
        using var loop = new TurnedReactor(backend);
        _ = Start(loop, server.Port, PoemFormat.Plain);
        loop.Until(() => _receiver.Bytes.WrittenCount == 9, "the first half");
        go.Set();
        AssertFailure<ConnectionLost>(loop, Errno.ECONNRESET.Sentence());
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AServerThatIsNotThere_Fails(string backend) =>
        AssertFails<ConnectError>(backend, FaultServer.FreePort(), PoemFormat.Plain, "connection refused");

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AServerThatFallsSilent_TimesOut(string backend)
    {
        using FaultServer server = FaultServer.Hanging("half a po"u8.ToArray());
        using var loop = new TurnedReactor(backend);
        _ = Start(loop, server.Port, PoemFormat.Plain, TimeSpan.FromMilliseconds(50));
        AssertFailure<PoemIncompleteError>(loop, "timed out: nothing came for 0.05 s");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void APoemThatCannotBeStored_IsGivenUpWithAReset(string backend)
    {
        using var ended = new ManualResetEventSlim();
        using var server = new FaultServer((client, _) =>
        {
            _ = client.Send(new byte[100]);
            Assert.IsTrue(Wire.ReadToEnd(client, _ => { }));
            ended.Set();
        });
        _receiver.Takes = false;
        AssertFails<PoemIncompleteError>(backend, server.Port, PoemFormat.Plain, "the poem could not be stored");
        Assert.IsTrue(ended.Wait(Patience.Milliseconds), "the server was not told");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Cancel_BeforeTheConnection_StopsTheConnect(string backend)
    {
        using var silent = new UnansweredPort();
        using var loop = new TurnedReactor(backend);
        Deferred<long> fetch = Start(loop, silent.Port, PoemFormat.Plain);
        loop.Reactor.Turn(0);
        fetch.Cancel();
        AssertFailure<CancelledError>(loop, "cancelled");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Cancel_InTheMiddle_ResetsTheConnection(string backend)
    {
        using FaultServer server = FaultServer.Hanging("half a po"u8.ToArray());
        using var loop = new TurnedReactor(backend);
        Deferred<long> fetch = Start(loop, server.Port, PoemFormat.Plain);
        loop.Until(() => _receiver.Bytes.WrittenCount == 9, "the first half");
        fetch.Cancel();
        Assert.HasCount(1, _failures);
        AssertFailure<CancelledError>(loop, "cancelled");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void APausedUpstream_IsNotTimedOut(string backend)
    {
        using FaultServer server = FaultServer.Sending(new byte[1000]);
        using var loop = new TurnedReactor(backend);
        _receiver.PausesAtOnce = true;
        _ = Start(loop, server.Port, PoemFormat.Plain, TimeSpan.FromMilliseconds(20));
        bool isLater = false;
        _ = loop.Reactor.CallLater(TimeSpan.FromMilliseconds(80), () => isLater = true);
        loop.Until(() => isLater, "several time-outs");
        Assert.IsEmpty(_failures);
        Assert.AreEqual(0, _receiver.Bytes.WrittenCount);
        _receiver.Upstream!.ResumeProducing();
        loop.Until(() => _lengths.Count == 1, "the poem");
        AssertEnded(loop);
    }

    private bool _allowEmpty;

    private Deferred<long> Start(TurnedReactor loop, int port, PoemFormat format, TimeSpan? timeout = null)
    {
        var request = new PoemRequest(Ages, timeout ?? Ages, format) { AllowEmpty = _allowEmpty };
        Deferred<long> fetch = PoemFetch.Start(loop.Reactor, Endpoint.Tcp("127.0.0.1", port), request, _receiver);
        _ = fetch.AddCallbacks(
            length =>
            {
                _lengths.Add(length);
                return length;
            },
            failure =>
            {
                _failures.Add(failure);
                return -1;
            });
        return fetch;
    }

    private void AssertGot(string backend, int port, byte[] poem)
    {
        using var loop = new TurnedReactor(backend);
        _ = Start(loop, port, PoemFormat.Plain);
        Assert.IsEmpty(_lengths);
        loop.Until(() => _lengths.Count == 1, "the poem");
        Assert.AreEqual(poem.Length, _lengths[0]);
        Assert.IsTrue(_receiver.Bytes.WrittenSpan.SequenceEqual(poem));
        AssertEnded(loop);
    }

    private void AssertFails<TError>(string backend, int port, PoemFormat format, string message)
        where TError : Exception
    {
        using var loop = new TurnedReactor(backend);
        _ = Start(loop, port, format);
        AssertFailure<TError>(loop, message);
    }

    private void AssertFailure<TError>(TurnedReactor loop, string message)
        where TError : Exception
    {
        loop.Until(() => _failures.Count > 0, "the failure");
        Assert.IsEmpty(_lengths);
        Assert.IsTrue(_failures[0].Check<TError>(), $"{_failures[0]}");
        Assert.AreEqual(message, _failures[0].Message);
        AssertEnded(loop);
    }

    /// <summary>Nothing is left of it: no connection, no time-out, no second news.</summary>
    private void AssertEnded(TurnedReactor loop)
    {
        loop.Until(() => loop.Reactor.Connections.Count == 0, "the end of the connection");
        Assert.AreEqual(1, _lengths.Count + _failures.Count);
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    private sealed class Receiver : IPoemReceiver
    {
        public ArrayBufferWriter<byte> Bytes { get; } = new();

        public bool Takes { get; set; } = true;

        public bool PausesAtOnce { get; set; }

        public IProducer? Upstream { get; private set; }

        public long Announced { get; private set; } = -1;

        public bool Received(ReadOnlySpan<byte> bytes)
        {
            Bytes.Write(bytes);
            return Takes;
        }

        void IPoemReceiver.Connected(IProducer upstream)
        {
            Upstream = upstream;
            if (PausesAtOnce)
            {
                upstream.PauseProducing();
            }
        }

        void IPoemReceiver.Announced(long length) => Announced = length;
    }
}
