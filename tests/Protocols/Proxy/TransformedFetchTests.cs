using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>A proxy that keeps poems transformed.</summary>
[TestClass]
public sealed class TransformedFetchTests
{
    private readonly ManualClock _clock = new();
    private readonly MemoryUpstreams _upstreams;
    private readonly ProxyService _service;
    private readonly ProxyServerFactory _factory;
    private readonly CollectingLog _log = new();
    private Deferred<TextBuffer>? _transforming;
    private TextBuffer? _output;
    private string? _text;

    public TransformedFetchTests()
    {
        _upstreams = new MemoryUpstreams(_clock, new PoemRequest(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60), PoemFormat.Plain));
        var options = new ProxyOptions
        {
            Lifetime = TimeSpan.FromHours(2),
            MaxPoemBytes = 10,
            ProbeDelay = TimeSpan.Zero,
            MinPause = TimeSpan.Zero,
        };
        _service = new ProxyService(
            "upstream",
            receiver => new TransformedFetch(_upstreams.Fetch, Transform, "via:11000", options.Format, options.MaxPoemBytes, receiver).Start(),
            _clock,
            options,
            new ProxyCache(long.MaxValue),
            new PoemMemory(),
            _log);
        _factory = new ProxyServerFactory(_service, _log);
    }

    [TestCleanup]
    public void Purge() => _service.Clear();

    [TestMethod]
    public void ThePoem_IsTransformedOnce_AndKept()
    {
        MemoryTransport client = Join();
        _upstreams.Last.SendAll("HELLO"u8.ToArray());
        _clock.Advance(0);
        Assert.AreEqual("HELLO", _text);
        Assert.AreEqual(0, client.Sent.Length, "nothing is passed on before the transformation");
        Answer("hello");
        ProxyWorld.AssertGot(client, "hello");
        _transforming = null;
        ProxyWorld.AssertGot(Join(), "hello");
        Assert.IsNull(_transforming);
        Assert.HasCount(1, _upstreams.All);
    }

    [TestMethod]
    public void AFailedTransformation_IsAFailedFetch()
    {
        MemoryTransport client = Join();
        _upstreams.Last.SendAll("HELLO"u8.ToArray());
        _transforming!.Errback(new TransformError("unknown name"));
        _clock.Advance(0);
        ProxyWorld.AssertReset(client);
        Assert.AreEqual(1, _service.Failures);
        Assert.AreEqual(1, _log.Count("fetch of upstream failed: transform server via:11000: unknown name"));
    }

    [TestMethod]
    [DataRow(10, true)]
    [DataRow(11, false)]
    public void APoemThatIsTooLong_IsAFailedFetch(int length, bool fits)
    {
        MemoryTransport client = Join();
        _upstreams.Last.SendAll(new byte[length]);
        _clock.Advance(0);
        Assert.AreEqual(fits, _transforming is not null);
        if (fits)
        {
            Answer("ok");
            ProxyWorld.AssertGot(client, "ok");
        }
        else
        {
            ProxyWorld.AssertReset(client);
            Assert.AreEqual(1, _log.Count("fetch of upstream failed: the poem is longer than 10 bytes"));
        }
    }

    [TestMethod]
    public void AResultThatIsTooLong_IsAFailedFetch()
    {
        MemoryTransport client = Join();
        _upstreams.Last.SendAll("HELLO"u8.ToArray());
        Answer("much too long");
        ProxyWorld.AssertReset(client);
    }

    [TestMethod]
    public void WhenTheLastClientLeaves_TheTransformationIsCancelled()
    {
        MemoryTransport client = Join();
        _upstreams.Last.SendAll("HELLO"u8.ToArray());
        client.PeerEnds();
        _clock.Advance(0);
        Assert.AreEqual(1, _service.Cancels);
        Assert.AreEqual(0, _service.FetchesInFlight);
        Assert.IsTrue(_transforming!.Called);
    }

    private MemoryTransport Join()
    {
        var client = new MemoryTransport(_clock, _factory);
        client.Open(_factory.BuildProtocol(default)!);
        return client;
    }

    private Deferred<TextBuffer> Transform(TextBuffer text, TextBuffer output)
    {
        _output = output;
        _text = Encoding.ASCII.GetString(text.Text);
        _transforming = new Deferred<TextBuffer>();
        return _transforming;
    }

    private void Answer(string text)
    {
        try
        {
            _output!.Write(Encoding.ASCII.GetBytes(text));
            _transforming!.Callback(_output);
        }
        catch (TextTooLongError error)
        {
            _transforming!.Errback(error);
        }

        _clock.Advance(0);
    }
}
