using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>What a request may take, in bytes and in seconds, on both ports.</summary>
[TestClass]
public sealed class TransformLimitsTests
{
    /// <summary>One below the limit, the limit itself, and one above: twisted#4378 was wrong here.</summary>
    [TestMethod]
    [DataRow(99)]
    [DataRow(1024 * 1024)]
    [DataRow(16)]
    public void MaxLength_OfANetstring_IsExact(int limit)
    {
        var server = new TransformHarness(maxLength: limit);
        for (int length = limit - 1; length <= limit + 1; length++)
        {
            string request = "shout." + new string('a', length - 6);
            MemoryTransport client = server.Ask(TransformHarness.Netstring(request));
            string expected = length > limit ? string.Empty : $"{length - 6}:{new string('A', length - 6)},";
            Assert.AreEqual(expected, client.SentText, $"{length} bytes");
            Assert.AreEqual(WireEnd.Fin, client.End);
        }

        server.Log.AssertHas("refused", $"longer than {limit} bytes");
    }

    [TestMethod]
    [DataRow(99)]
    [DataRow(1024 * 1024)]
    [DataRow(16)]
    public void MaxLength_OfAText_IsExact(int limit)
    {
        var server = new TransformHarness(asText: true, maxLength: limit);
        for (int length = limit - 1; length <= limit + 1; length++)
        {
            string request = "shout\n" + new string('a', length - 6);
            MemoryTransport client = server.Ask(request, ends: true);
            Assert.AreEqual(length > limit ? string.Empty : new string('A', length - 6), client.SentText, $"{length} bytes");
            Assert.AreEqual(length > limit ? WireEnd.Reset : WireEnd.Fin, client.End);
        }

        server.Log.AssertHas("refused", $"longer than {limit} bytes");
    }

    /// <summary>The digits alone say it: nothing of the string has come, and nothing is kept.</summary>
    [TestMethod]
    public void MaxLength_IsRefusedByTheDigitThatPassesIt()
    {
        var server = new TransformHarness(maxLength: 99_999);
        MemoryTransport client = server.Ask("10000");
        Assert.AreEqual(WireEnd.None, client.End);
        client.PeerSends("0");
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    [TestMethod]
    public void MaxLength_OfAText_IsRefusedBeforeItsEnd()
    {
        var server = new TransformHarness(asText: true, maxLength: 100);
        MemoryTransport client = server.Ask("shout\n" + new string('a', 94));
        Assert.AreEqual(WireEnd.None, client.End);
        client.PeerSends("a");
        Assert.AreEqual(WireEnd.Reset, client.End);
        client.PeerSends("what else comes is dropped");
        Assert.AreEqual(0, client.BytesSent);
    }

    /// <summary>A text may become four times as long as the longest request, and not longer.</summary>
    [TestMethod]
    public void OutputLimit_IsExact()
    {
        const int Limit = 100;
        var server = new TransformHarness(maxLength: Limit);
        server.Service.Register(new NowTransformation(
            "repeat", (text, output) => output.Write(new byte[int.Parse(Encoding.ASCII.GetString(text), null)])));
        foreach (int length in new[] { (Limit * 4) - 1, Limit * 4, (Limit * 4) + 1 })
        {
            MemoryTransport client = server.Ask(TransformHarness.Netstring($"repeat.{length}"));
            Assert.AreEqual(length > Limit * 4 ? 0 : length + 5, client.BytesSent, $"{length} bytes");
            Assert.AreEqual(WireEnd.Fin, client.End);
        }

        server.Log.AssertHas(" repeat for ", "longer than 400 bytes");
    }

    [TestMethod]
    [DataRow(false, "7:shout.")]
    [DataRow(true, "shout\nab")]
    public void Timeout_IsOneDeadlineThatProgressDoesNotMove(bool asText, string start)
    {
        var server = new TransformHarness(asText, timeout: 30);
        MemoryTransport client = server.Connect();
        foreach (char c in start)
        {
            server.Advance(3);
            client.PeerSends(c.ToString());
        }

        server.Advance(5.9);
        Assert.AreEqual(WireEnd.None, client.End);
        server.Advance(0.1);
        Assert.AreEqual(WireEnd.Reset, client.End);
        Assert.IsTrue(client.Finish());
        server.Log.AssertHas("no complete request in 30 s");
        server.Log.AssertHas("transformed 0", "timeout");
        Assert.AreEqual(0, server.DeadlineCount);
    }

    [TestMethod]
    public void Timeout_RunsFromAcceptForAClientThatSaysNothing()
    {
        var server = new TransformHarness(timeout: 0.5);
        MemoryTransport first = server.Connect();
        server.Advance(0.3);
        MemoryTransport second = server.Connect();
        server.Advance(0.2);
        Assert.AreEqual(WireEnd.Reset, first.End);
        Assert.AreEqual(WireEnd.None, second.End);
        server.Advance(0.3);
        Assert.AreEqual(WireEnd.Reset, second.End);
    }

    [TestMethod]
    public void Timeout_OfAWholeRequest_IsOver()
    {
        var server = new TransformHarness(timeout: 30);
        MemoryTransport client = server.Connect(room: 0);
        server.Advance(29);
        client.PeerSends("7:shout.a,");
        server.Advance(1000);
        Assert.AreEqual(WireEnd.None, client.End);
        client.SetRoom(100);
        Assert.AreEqual("1:A,", client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    [TestMethod]
    public void Timeout_OfNone_NeverRunsOut()
    {
        var server = new TransformHarness();
        var clock = new ManualClock();
        var timers = new TimerQueue(clock);
        var factory = new TransformServerFactory(
            server.Service, asText: false, new TransformLimits(100, TimeSpan.MaxValue), clock, timers, server.Log);
        SocketAddress peer = default;
        var client = MemoryTransport.Connect(factory.BuildProtocol(peer)!);
        Assert.AreEqual(0, timers.Count);
        client.PeerSends("7:shout.a,");
        Assert.AreEqual("1:A,", client.SentText);
    }
}
