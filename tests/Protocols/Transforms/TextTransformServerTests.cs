using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

[TestClass]
public sealed class TextTransformServerTests
{
    private readonly TransformHarness _server = new(asText: true);

    [TestMethod]
    [DataRow("cummingsify\nHELLO\n", "hello\n")]
    [DataRow("cummingsify\r\nHELLO\r\n", "hello\r\n")]
    [DataRow("shout\n", "")]
    [DataRow("shout\na.b\nc", "A.B\nC")]
    [DataRow("reverse-lines\n1\n2\n", "2\n1\n")]
    public void Request_UpToTheClientsEnd_IsAnsweredBare(string request, string reply)
    {
        MemoryTransport client = _server.Ask(request);
        Assert.AreEqual(WireEnd.None, client.End);
        client.PeerEnds();
        Assert.AreEqual(reply, client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
        Assert.IsTrue(client.Finish());
        _server.Log.AssertHas("transformed", "whole");
        Assert.AreEqual(0, _server.DeadlineCount);
    }

    [TestMethod]
    public void Request_CutAnywhere_IsAnsweredAllTheSame()
    {
        byte[] request = Encoding.UTF8.GetBytes("shout\r\nperché\nno\n");
        for (int cut = 0; cut <= request.Length; cut++)
        {
            MemoryTransport client = _server.Connect();
            client.PeerSends(request.AsSpan(0, cut));
            client.PeerSends(request.AsSpan(cut));
            client.PeerEnds();
            Assert.AreEqual("PERCHÉ\nNO\n", client.SentText, $"cut at {cut}");
            Assert.IsTrue(client.Finish());
        }
    }

    [TestMethod]
    [DataRow("nosuch\nHELLO\n", "no transformation 'nosuch'")]
    [DataRow("\nHELLO\n", "no transformation ''")]
    [DataRow("shout\r\r\nHELLO\n", @"no transformation 'shout\x0D'")]
    [DataRow(" shout\nHELLO\n", "no transformation ' shout'")]
    [DataRow("shout", "ended before its first line")]
    [DataRow("7:shout.a,", "ended before its first line")]
    public void Request_ThatNamesNothing_IsResetWithoutAnAnswer(string request, string problem)
    {
        MemoryTransport client = _server.Ask(request, ends: true);
        Assert.AreEqual(0, client.BytesSent);
        Assert.AreEqual(WireEnd.Reset, client.End);
        Assert.IsTrue(client.Finish());
        _server.Log.AssertHas("refused", problem);
        _server.Log.AssertHas("transformed 0", "refused");
    }

    [TestMethod]
    public void Request_WhoseFirstLineIsTooLongForAName_IsRefusedAtOnce()
    {
        MemoryTransport client = _server.Ask(new string('a', 256));
        Assert.AreEqual(WireEnd.None, client.End);
        client.PeerSends("a");
        Assert.AreEqual(WireEnd.Reset, client.End);
        _server.Log.AssertHas("refused", "does not begin with a line");
    }

    [TestMethod]
    public void End_BeforeAnyRequest_IsNoReasonToComplain()
    {
        MemoryTransport client = _server.Ask([], ends: true);
        Assert.AreEqual(WireEnd.Fin, client.End);
        Assert.IsTrue(client.Finish());
        Assert.HasCount(1, _server.Log.Lines);
    }

    [TestMethod]
    public void Transformation_ThatTakesAWhile_AnswersAClientThatHasHalfClosed()
    {
        _server.Service.Register(new LaterTransformation("sleep", text => _server.Clock.Sleep(TimeSpan.FromSeconds(1)).AddCallback(_ => text)));
        MemoryTransport sleeper = _server.Ask("sleep\nzz", ends: true);
        Assert.AreEqual(WireEnd.None, sleeper.End);
        Assert.AreEqual("AB", _server.Ask("shout\nab", ends: true).SentText);
        _server.Advance(1);
        Assert.AreEqual("zz", sleeper.SentText);
    }

    /// <summary>An answer without any text ends cleanly, so what is no answer must not.</summary>
    [TestMethod]
    public void Transformation_ThatFailsOrHangs_IsReset()
    {
        _server.Service.Register(new LaterTransformation("down", _ => Deferred.Fail<byte[]>(new TransformError("refused there"))));
        _server.Service.Register(new LaterTransformation("hang", _ => new Deferred<byte[]>()));
        _server.Service.Register(new NowTransformation("broken", (_, _) => throw new InvalidTimeZoneException("out of order")));
        string[] requests = ["down\na", "hang\na", "broken\na"];
        MemoryTransport[] clients = [.. requests.Select(request => _server.Ask(request, ends: true))];
        Assert.AreEqual(WireEnd.None, clients[1].End);
        _server.Advance(30);
        foreach (MemoryTransport client in clients)
        {
            Assert.AreEqual(WireEnd.Reset, client.End);
            Assert.IsTrue(client.Finish());
        }

        Assert.AreEqual(3, _server.Log.Lines.Count(line => line.EndsWith("failed", StringComparison.Ordinal)));
        Assert.AreEqual(0, _server.DeadlineCount);
    }

    [TestMethod]
    public void TwoFaces_OfOneService_ShareItsCounters()
    {
        var netstrings = new TransformHarness(service: _server.Service);
        _ = netstrings.Ask("7:shout.a,");
        _ = _server.Ask("shout\na", ends: true);
        _ = _server.Ask("nosuch\na", ends: true);
        _ = netstrings.Ask("8:nosuch.a,");
        Assert.AreEqual(2, _server.Service.Succeeded);
        Assert.AreEqual(2, _server.Service.Unknown);
        Assert.AreEqual(0, _server.Service.Failed);
    }

    [TestMethod]
    public void Request_FromWarmState_AllocatesNothing()
    {
        var clock = new ManualClock();
        var limits = new TransformLimits(1024 * 1024, TimeSpan.FromSeconds(30));
        var factory = new TransformServerFactory(
            TransformService.BuiltIn(), asText: true, limits, clock, new TimerQueue(clock), NullLogger.Instance);
        byte[] request = Encoding.UTF8.GetBytes("reverse-lines\nno\nperché\n" + new string('x', 5000));
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

            client.PeerSends(request);
            client.PeerEnds();
            _ = client.Finish();
            factory.Release(protocol);
            protocol = factory.BuildProtocol(peer)!;
            client.Open(protocol);
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
