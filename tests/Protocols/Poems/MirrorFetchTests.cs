using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>Mirrors: which is tried when, and when the next one is not.</summary>
[TestClass]
public sealed class MirrorFetchTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly Receiver _receiver = new();
    private readonly MemoryUpstreams _upstreams;
    private readonly MirrorFetch _mirrors;
    private string _order = string.Empty;
    private int _failovers;

    public MirrorFetchTests()
    {
        Assert.IsTrue(PoemMirrors.TryParse("a:1,b:2,c:3", out PoemMirrors? mirrors, out _));
        _upstreams = new MemoryUpstreams(_clock, new PoemRequest(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60), PoemFormat.Plain));
        _mirrors = new MirrorFetch(mirrors, _clock, Fetch) { FailedOver = (_, _) => _failovers++ };
    }

    /// <summary>The last connections end in the next turn.</summary>
    public void Dispose() => _clock.Advance(0);

    [TestMethod]
    public void TheFirst_IsAskedAlone()
    {
        Deferred<long> fetch = _mirrors.Start(_receiver);
        _upstreams.Last.SendAll("poem"u8.ToArray());
        AssertGot(fetch, "poem");
        Assert.AreEqual("a", _order);
        Assert.AreEqual(0, _failovers);
    }

    [TestMethod]
    public void TheNext_IsTried_AfterARefusalAnEmptyReplyAndATimeout()
    {
        Deferred<long> fetch = _mirrors.Start(_receiver);
        _upstreams.Last.Refuse();
        _upstreams.Last.SendAll([]);
        _upstreams.Last.Accept();
        _clock.Advance(60);
        Assert.AreEqual("abc", _order);
        Failure? reason = null;
        _ = fetch.AddErrback(failure => { reason = failure; });
        Assert.IsTrue(PoemFetch.MayRetry(reason!.Exception));
        Assert.AreEqual("a:1: connection refused; b:2: empty reply; c:3: timed out: nothing came for 60 s", reason.Message);
        Assert.AreEqual(2, _failovers);
    }

    [TestMethod]
    public void EachMirror_HasItsOwnTimeout()
    {
        Deferred<long> fetch = _mirrors.Start(_receiver);
        _upstreams.Last.Accept();
        _clock.Advance(60);
        _upstreams.Last.Accept();
        _clock.Advance(59);
        _upstreams.Last.SendAll("poem"u8.ToArray());
        AssertGot(fetch, "poem");
    }

    [TestMethod]
    [DataRow(true, "ab")]
    [DataRow(false, "a")]
    public void TheNext_IsTriedAfterACut_IfNothingWasPassedOn(bool canRestart, string order)
    {
        _receiver.CanRestart = canRestart;
        Deferred<long> fetch = _mirrors.Start(_receiver);
        _upstreams.Last.Send("half a po"u8.ToArray());
        _upstreams.Last.Transport!.PeerResets();
        _clock.Advance(0);
        Assert.AreEqual(order, _order);
        if (canRestart)
        {
            _upstreams.Last.SendAll("poem"u8.ToArray());
            AssertGot(fetch, "poem");
        }

        _ = fetch.AddErrback(_ => { });
    }

    [TestMethod]
    public void APoemThatCannotBeStored_IsNoReasonForTheNext()
    {
        _receiver.Takes = false;
        Deferred<long> fetch = _mirrors.Start(_receiver);
        _upstreams.Last.Send("poem"u8.ToArray());
        Assert.AreEqual("a", _order);
        Assert.IsTrue(fetch.Called);
        _ = fetch.AddErrback(_ => { });
    }

    [TestMethod]
    public void OneThatFailed_IsTriedLast_ForTenSeconds()
    {
        FailFirst();
        _order = string.Empty;
        _clock.Advance(9.9);
        FetchFrom("b");
        _clock.Advance(0.1);
        FetchFrom("a");
    }

    [TestMethod]
    public void IfAllHaveFailed_TheOneThatFailedFirstIsTriedFirst()
    {
        Deferred<long> fetch = _mirrors.Start(_receiver);
        _upstreams.Last.Refuse();
        _clock.Advance(1);
        _upstreams.Last.Refuse();
        _clock.Advance(1);
        _upstreams.Last.Refuse();
        _ = fetch.AddErrback(_ => { });
        FetchFrom("a");
    }

    [TestMethod]
    public void ACancel_StopsThePresentMirror_AndTriesNoOther()
    {
        Deferred<long> fetch = _mirrors.Start(_receiver);
        _upstreams.Last.Refuse();
        fetch.Cancel();
        Assert.IsTrue(_upstreams.Last.WasGivenUp);
        Assert.AreEqual("ab", _order);
        _ = fetch.AddErrback(_ => { });
    }

    [TestMethod]
    [DataRow("a:1,b:2", "a:1,b:2")]
    [DataRow("10001,b:2", "127.0.0.1:10001,b:2")]
    [DataRow("unix:x.sock", "unix:x.sock")]
    public void Mirrors_AreShownAsTyped(string typed, string shown)
    {
        Assert.IsTrue(PoemMirrors.TryParse(typed, out PoemMirrors? mirrors, out _));
        Assert.AreEqual(shown, mirrors.ToString());
    }

    [TestMethod]
    [DataRow("a:1,")]
    [DataRow(",a:1")]
    [DataRow("a:1,,b:2")]
    [DataRow("a:1,a:1")]
    [DataRow("10001,127.0.0.1:10001")]
    [DataRow("a:1,b")]
    [DataRow("")]
    public void WrongMirrors_AreRefused(string typed)
    {
        Assert.IsFalse(PoemMirrors.TryParse(typed, out _, out string? problem));
        Assert.DoesNotContain("\n", problem!);
    }

    private Deferred<long> Fetch(Endpoint mirror, IPoemReceiver receiver)
    {
        _order += mirror.Host;
        return _upstreams.Fetch(receiver);
    }

    private void FailFirst()
    {
        Deferred<long> fetch = _mirrors.Start(_receiver);
        _upstreams.Last.Refuse();
        _upstreams.Last.SendAll("poem"u8.ToArray());
        AssertGot(fetch, "poem");
    }

    private void FetchFrom(string host)
    {
        _order = string.Empty;
        Deferred<long> fetch = _mirrors.Start(_receiver);
        _upstreams.Last.SendAll("poem"u8.ToArray());
        AssertGot(fetch, "poem");
        Assert.AreEqual(host, _order);
    }

    private void AssertGot(Deferred<long> fetch, string poem)
    {
        long length = -1;
        _ = fetch.AddCallback(got => length = got);
        Assert.AreEqual(poem.Length, length);
        Assert.AreEqual(poem, _receiver.Text);
        _receiver.Clear();
    }

    private sealed class Receiver : IPoemReceiver
    {
        private readonly StringBuilder _text = new();

        public bool Takes { get; set; } = true;

        public bool CanRestart { get; set; } = true;

        public string Text => _text.ToString();

        public void Clear() => _text.Clear();

        public bool Received(ReadOnlySpan<byte> bytes)
        {
            _ = _text.Append(Encoding.ASCII.GetString(bytes));
            return Takes;
        }

        public bool TryRestart()
        {
            Clear();
            return CanRestart;
        }
    }
}
