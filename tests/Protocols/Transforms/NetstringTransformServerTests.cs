using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

[TestClass]
public sealed class NetstringTransformServerTests
{
    private readonly TransformHarness _server = new();

    [TestMethod]
    [DataRow("27:cummingsify.HERE IS MY POEM,", "15:here is my poem,")]
    [DataRow("20:cummingsify.A.B. C.D,", "8:a.b. c.d,")]
    [DataRow("12:cummingsify.,", "0:,")]
    [DataRow("8:rot13.ab,", "2:no,")]
    public void Request_OfAKnownName_IsAnsweredAndClosed(string request, string reply)
    {
        MemoryTransport client = _server.Ask(request);
        Assert.AreEqual(reply, client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
        Assert.AreEqual(1, client.WriteCount, "header, text and comma go out in one write");
        Assert.IsTrue(client.Finish());
        Assert.AreEqual(0, _server.DeadlineCount);
        _server.Log.AssertHas("transformed", $"{reply.Length} of {reply.Length} bytes", "whole");
    }

    [TestMethod]
    public void Request_CutAnywhere_IsAnsweredAllTheSame()
    {
        byte[] request = TransformHarness.Netstring("shout.perché, said the owl: 3:abc,");
        for (int cut = 1; cut < request.Length; cut++)
        {
            MemoryTransport client = _server.Connect();
            client.PeerSends(request.AsSpan(0, cut));
            Assert.AreEqual(0, client.BytesSent, $"after {cut} bytes");
            client.PeerSends(request.AsSpan(cut));
            Assert.AreEqual("29:PERCHÉ, SAID THE OWL: 3:ABC,,", client.SentText, $"cut at {cut}");
            Assert.IsTrue(client.Finish());
        }

        MemoryTransport slow = _server.Connect();
        foreach (byte b in request)
        {
            slow.PeerSends([b]);
        }

        Assert.AreEqual("29:PERCHÉ, SAID THE OWL: 3:ABC,,", slow.SentText);
    }

    [TestMethod]
    [DataRow("12:cummingsify.,12:cummingsify.,")]
    [DataRow("12:cummingsify.,garbage \u0000 12")]
    public void Request_WithSomethingBehindIt_IsAnsweredOnce(string request)
    {
        MemoryTransport client = _server.Ask(request);
        client.PeerSends("more");
        Assert.AreEqual("0:,", client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    [TestMethod]
    public void Request_WithTheClientsEndBehindIt_IsAnswered()
    {
        MemoryTransport client = _server.Ask("8:shout.ab,", ends: true);
        Assert.AreEqual("2:AB,", client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    [TestMethod]
    [DataRow("5:HELLO,")]
    [DataRow("0:,")]
    [DataRow("9:nosuch.AB,")]
    [DataRow("1:.,")]
    [DataRow("007:shout.a,")]
    [DataRow("00:,")]
    [DataRow("07:shout.a,")]
    [DataRow("-7:shout.a,")]
    [DataRow("+7:shout.a,")]
    [DataRow(" 7:shout.a,")]
    [DataRow("7 :shout.a,")]
    [DataRow("\n7:shout.a,")]
    [DataRow(":,")]
    [DataRow(":shout.a,")]
    [DataRow(",")]
    [DataRow("x")]
    [DataRow("7;shout.a,")]
    [DataRow("7shout.a,")]
    [DataRow("7:shout.a;")]
    [DataRow("7:shout.ab")]
    [DataRow("0x7:shout.a,")]
    [DataRow("7.0:shout.a,")]
    [DataRow("999999999999:")]
    [DataRow("99999999999999999999999999999999999999")]
    [DataRow("1048577")]
    [DataRow("GET / HTTP/1.1\r\n\r\n")]
    public void Request_ThatIsNoneOrMalformed_IsClosedWithoutAnAnswer(string request)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(request);
        for (int cut = 0; cut < bytes.Length; cut++)
        {
            MemoryTransport client = _server.Connect();
            client.PeerSends(bytes.AsSpan(0, cut));
            client.PeerSends(bytes.AsSpan(cut));
            Assert.AreEqual(0, client.BytesSent, $"cut at {cut}");
            Assert.AreEqual(WireEnd.Fin, client.End, $"cut at {cut}");
            Assert.IsTrue(client.Finish());
            Assert.AreEqual(0, _server.DeadlineCount);
        }

        _server.Log.AssertHas("refused");
    }

    [TestMethod]
    public void Request_OfAnUnknownName_IsLoggedWithTheNameEscaped()
    {
        _ = _server.Ask(TransformHarness.Netstring("no\u001b[2Jsuch\n.AB")).Finish();
        _server.Log.AssertHas("Information", "no transformation", @"'no\x1B[2Jsuch\x0A'");
        Assert.AreEqual(1, _server.Service.Unknown);
    }

    [TestMethod]
    [DataRow("5:shou")]
    [DataRow("5")]
    [DataRow("7:shout.a")]
    public void End_InTheMiddleOfARequest_IsRefused(string request)
    {
        MemoryTransport client = _server.Ask(request, ends: true);
        Assert.AreEqual(WireEnd.Fin, client.End);
        Assert.IsTrue(client.Finish());
        _server.Log.AssertHas("refused", "too early");
        _server.Log.AssertHas("transformed 0", "refused");
    }

    [TestMethod]
    public void End_BeforeAnyRequest_IsNoReasonToComplain()
    {
        MemoryTransport client = _server.Ask([], ends: true);
        Assert.AreEqual(WireEnd.Fin, client.End);
        Assert.IsTrue(client.Finish());
        Assert.HasCount(1, _server.Log.Lines);
        _server.Log.AssertHas("left");
    }

    [TestMethod]
    public void Reset_AtAnyTime_LeavesNothingBehind()
    {
        foreach (string start in new[] { "", "7:", "7:sho", "7:shout.a," })
        {
            MemoryTransport client = _server.Ask(start);
            client.PeerResets();
            Assert.AreEqual(0, _server.DeadlineCount);
        }

        _server.Log.AssertHas("left");
    }

    [TestMethod]
    public void Reply_ThatTheKernelTakesInPieces_ComesWhole()
    {
        string poem = string.Concat(Enumerable.Repeat("the same procedure as last year ", 1000));
        MemoryTransport slow = _server.Connect(room: 10);
        slow.PeerSends(TransformHarness.Netstring("shout." + poem));
        Assert.AreEqual(10, slow.BytesSent);

        // Meanwhile others are served, from buffers of their own.
        Assert.AreEqual("2:NO,", _server.Ask("8:shout.no,").SentText);
        while (slow.End != WireEnd.Fin)
        {
            Assert.IsFalse(slow.Finish());
            slow.SetRoom(1000);
        }

        Assert.AreEqual($"{poem.Length}:{poem.ToUpperInvariant()},", slow.SentText);
        Assert.IsTrue(slow.Finish());
    }

    [TestMethod]
    public void Transformation_ThatThrows_IsClosedAndLoggedWithWhatItThrew()
    {
        _server.Service.Register(new NowTransformation("broken", (_, _) => throw new InvalidTimeZoneException("out of order")));
        MemoryTransport client = _server.Ask("8:broken.x,");
        Assert.AreEqual(0, client.BytesSent);
        Assert.AreEqual(WireEnd.Fin, client.End);
        Assert.IsTrue(client.Finish());
        _server.Log.AssertHas("Warning", "broken threw", "out of order", nameof(InvalidTimeZoneException));
        _server.Log.AssertHas("transformed 0", "failed");
        Assert.AreEqual("2:AB,", _server.Ask("8:shout.ab,").SentText);
    }

    /// <summary>A transformation that is done a second later; others are answered meanwhile.</summary>
    [TestMethod]
    public void Transformation_ThatTakesAWhile_DelaysNoOtherClient()
    {
        _server.Service.Register(new LaterTransformation("sleep", text => _server.Clock.Sleep(TimeSpan.FromSeconds(1)).AddCallback(_ => text)));
        MemoryTransport sleeper = _server.Ask("8:sleep.zz,");
        Assert.AreEqual(WireEnd.None, sleeper.End);
        Assert.AreEqual("2:AB,", _server.Ask("8:shout.ab,").SentText);
        _server.Advance(0.99);
        Assert.AreEqual(0, sleeper.BytesSent);
        sleeper.PeerEnds();
        _server.Advance(0.01);
        Assert.AreEqual("2:zz,", sleeper.SentText);
        Assert.AreEqual(WireEnd.Fin, sleeper.End);
        Assert.IsTrue(sleeper.Finish());
        Assert.AreEqual(0, _server.DeadlineCount);
    }

    [TestMethod]
    public void Transformation_OfAClientThatHangsUp_IsCancelled()
    {
        bool isCancelled = false;
        var operation = new Deferred<byte[]>(_ => isCancelled = true);
        _server.Service.Register(new LaterTransformation("never", _ => operation));
        MemoryTransport client = _server.Ask("7:never.x,");
        client.PeerResets();
        Assert.IsTrue(isCancelled);
        Assert.AreEqual(0, _server.DeadlineCount);
    }

    /// <summary>The protocol of a client that hung up serves the next one, which must not get the old answer.</summary>
    [TestMethod]
    public void Transformation_ThatFiresTooLate_AnswersNoOtherClient()
    {
        var operation = new Deferred<byte[]>();
        _server.Service.Register(new LaterTransformation("late", _ => operation));
        SocketAddress peer = default;
        Protocol protocol = _server.Factory.BuildProtocol(peer)!;
        var client = MemoryTransport.Connect(protocol);
        client.PeerSends("6:late.x,");
        client.PeerResets();
        client.Open(protocol);
        operation.Callback([65]);
        Assert.AreEqual(0, client.BytesSent);
        client.PeerSends("7:shout.b,");
        Assert.AreEqual("1:B,", client.SentText);
    }

    /// <summary>There is one deadline, from accept to the answer.</summary>
    [TestMethod]
    public void Transformation_ThatIsNeverDone_IsGivenUpAfterTheTimeout()
    {
        _server.Service.Register(new LaterTransformation("never", _ => new Deferred<byte[]>()));
        MemoryTransport client = _server.Connect();
        _server.Advance(29);
        client.PeerSends("7:never.x,");
        _server.Advance(0.9);
        Assert.AreEqual(WireEnd.None, client.End);
        _server.Advance(0.2);
        Assert.AreEqual(WireEnd.Fin, client.End);
        Assert.AreEqual(0, client.BytesSent);
        Assert.IsTrue(client.Finish());
        _server.Log.AssertHas("never for ", "not done in 30 s");
    }

    [TestMethod]
    public void Request_FromWarmState_AllocatesNothing()
    {
        var clock = new ManualClock();
        var limits = new TransformLimits(1024 * 1024, TimeSpan.FromSeconds(30));
        var factory = new TransformServerFactory(
            TransformService.BuiltIn(), asText: false, limits, clock, new TimerQueue(clock), NullLogger.Instance);
        byte[] whole = TransformHarness.Netstring("cummingsify." + new string('É', 300));
        SocketAddress peer = default;
        Protocol protocol = factory.BuildProtocol(peer)!;
        var client = MemoryTransport.Connect(protocol);
        long before = 0;
        const int WarmUp = 100;
        for (int i = 0; i < WarmUp + 1000; i++)
        {
            if (i == WarmUp)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            // Every other one comes in two pieces, and is kept in between.
            int cut = i % 2 * 100;
            client.PeerSends(whole.AsSpan(0, cut));
            client.PeerSends(whole.AsSpan(cut));
            _ = client.Finish();
            factory.Release(protocol);
            protocol = factory.BuildProtocol(peer)!;
            client.Open(protocol);
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>While an upstream is down every request fails: a line at once, then one in ten seconds with the count.</summary>
    [TestMethod]
    public void FailuresWithoutEnd_AreCountedNotListed()
    {
        _server.Service.Register(new LaterTransformation("down", _ => Deferred.Fail<byte[]>(new TransformError("refused there"))));
        for (int i = 0; i < 100; i++)
        {
            Assert.AreEqual(string.Empty, _server.Ask("6:down.a,").SentText);
        }

        Assert.AreEqual(1, _server.Log.Lines.Count(line => line.Contains("refused there", StringComparison.Ordinal)));
        _server.Advance(10);
        Assert.AreEqual(2, _server.Log.Lines.Count(line => line.Contains("refused there", StringComparison.Ordinal)));
        _server.Log.AssertHas("Warning: transformation failed 99 more times, last: #", "refused there");
    }
}
