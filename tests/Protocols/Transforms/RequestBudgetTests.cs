using System.Text;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Tests.Protocols;

/// <summary>The memory that requests and answers hold together: over it clients wait, in order, and are refused at the deadline.</summary>
[TestClass]
public sealed class RequestBudgetTests
{
    private const int Long = 50_000;

    /// <summary>Three quarters of it are for long requests; each of 50,000 bytes needs 125,000 with its answer.</summary>
    private const long MaxMemory = 4 * 2 * 125_100 / 3;

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void LongRequests_OverTheLimit_WaitForMemory(bool asText)
    {
        TransformLimits limits = Limits();
        var server = new TransformHarness(asText, limits: limits);
        List<MemoryTransport> clients = [.. Enumerable.Range(0, 4).Select(_ => server.Connect())];
        clients.ForEach(client => client.PeerSends(Start(asText)));
        CollectionAssert.AreEqual(new[] { false, false, true, true }, clients.ConvertAll(client => client.IsPaused));
        foreach (MemoryTransport client in clients)
        {
            Assert.IsFalse(client.IsPaused, "the first of the waiting is granted what the one before has returned");
            Finish(client, asText);
            Assert.AreEqual(asText ? Long : Long + 7, client.BytesSent);
            Assert.AreEqual(WireEnd.Fin, client.End);
            server.Advance(0);
        }

        Assert.AreEqual(0, limits.Large.TakenBytes);
        Assert.AreEqual(0, limits.Small.TakenBytes);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ARequestThatWaits_IsRefusedAtTheDeadline(bool asText)
    {
        TransformLimits limits = Limits();
        var server = new TransformHarness(asText, limits: limits);
        List<MemoryTransport> clients = [.. Enumerable.Range(0, 3).Select(_ => server.Connect())];
        server.Advance(1);
        clients.ForEach(client => client.PeerSends(Start(asText)));
        server.Advance(28.9);
        Assert.AreEqual(WireEnd.None, clients[2].End);
        server.Advance(0.1);
        Assert.AreEqual(asText ? WireEnd.Reset : WireEnd.Fin, clients[2].End);
        server.Log.AssertHas("refused", "there was no memory for the request in 30 s");
        clients.ForEach(Leave);
        Assert.AreEqual(0, limits.Large.TakenBytes);
        Assert.AreEqual(0, limits.Small.TakenBytes);
        Assert.AreEqual(0, server.DeadlineCount);
    }

    [TestMethod]
    public void ARequestThatAloneExceedsTheLimit_IsRefusedByItsLength()
    {
        var server = new TransformHarness(limits: Limits(1024 * 1024));
        MemoryTransport client = server.Ask("260000:");
        Assert.AreEqual(WireEnd.Fin, client.End);
        server.Log.AssertHas("refused", "the request alone would exceed");
    }

    [TestMethod]
    public void ATextThatAloneExceedsTheLimit_IsRefusedWhenItHasGrownToIt()
    {
        TransformLimits limits = Limits(1024 * 1024);
        var server = new TransformHarness(asText: true, limits: limits);
        MemoryTransport client = server.Ask(Start(asText: true));
        Assert.AreEqual(WireEnd.None, client.End);
        client.PeerSends(new byte[Long]);
        Assert.AreEqual(WireEnd.None, client.End);
        client.PeerSends(new byte[Long]);
        Assert.AreEqual(WireEnd.Reset, client.End);
        Assert.AreEqual(0, limits.Large.TakenBytes);
        server.Log.AssertHas("refused", "the request alone would exceed");
    }

    /// <summary>Long requests that hold everything do not keep out short ones.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AShortRequest_IsAnsweredWhileLongOnesWait(bool asText)
    {
        var server = new TransformHarness(asText, limits: Limits());
        List<MemoryTransport> clients = [.. Enumerable.Range(0, 3).Select(_ => server.Ask(Start(asText)))];
        Assert.IsTrue(clients[2].IsPaused);
        MemoryTransport small = server.Ask(asText ? "shout\na" : "7:shout.a,", ends: asText);
        Assert.AreEqual(asText ? "A" : "1:A,", small.SentText);
    }

    /// <summary>With less memory than connections, those over it are not read.</summary>
    [TestMethod]
    public void ManyConnections_OverTheLimit_AreNotRead()
    {
        var limits = new TransformLimits(1000, TimeSpan.FromSeconds(30), TransformLimits.MinMemory);
        var server = new TransformHarness(limits: limits);
        List<MemoryTransport> clients = [.. Enumerable.Range(0, 6).Select(_ => server.Connect())];
        Assert.AreEqual(4, clients.Count(client => !client.IsPaused), "4 KiB each, of a quarter of 64 KiB");
        clients[0].PeerSends("7:shout.a,");
        server.Advance(0);
        Assert.IsFalse(clients[4].IsPaused);
        Assert.IsTrue(clients[5].IsPaused);
        Leave(clients[1]);
        server.Advance(0);
        Assert.IsFalse(clients[5].IsPaused);
        clients.ForEach(Leave);
        Assert.AreEqual(0, limits.Small.TakenBytes);
    }

    /// <summary>A request of 4,000 bytes fits a small lease, its answer does not.</summary>
    [TestMethod]
    public void AShortRequest_WithoutMemoryForItsAnswer_IsKeptAndAnsweredLater()
    {
        TransformLimits limits = Limits();
        var server = new TransformHarness(limits: limits);
        List<MemoryTransport> clients = [.. Enumerable.Range(0, 3).Select(_ => server.Ask(Start(asText: false)))];
        MemoryTransport waiting = server.Ask(TransformHarness.Netstring("shout." + new string('a', 4000)));
        Assert.AreEqual(0, waiting.BytesSent);
        Finish(clients[0], asText: false);
        Finish(clients[1], asText: false);
        server.Advance(0);
        Assert.AreEqual(4006, waiting.BytesSent);
        Assert.AreEqual(WireEnd.Fin, waiting.End);
        Finish(clients[2], asText: false);
        Assert.AreEqual(0, limits.Large.TakenBytes);
    }

    [TestMethod]
    public void BothPorts_ShareTheLimit()
    {
        TransformLimits limits = Limits();
        var first = new TransformHarness(asText: true, limits: limits);
        var second = new TransformHarness(limits: limits);
        MemoryTransport[] clients = [first.Ask(Start(asText: true)), first.Ask(Start(asText: true))];
        MemoryTransport other = second.Ask(Start(asText: false));
        Assert.IsTrue(other.IsPaused);
        Finish(clients[0], asText: true);
        second.Advance(0.02);
        Assert.IsFalse(other.IsPaused, "another reactor is not told: this one asks again");
    }

    [TestMethod]
    public void AnAnswerThatIsNotRead_HoldsItsPartUntilItIsSent()
    {
        TransformLimits limits = Limits();
        var server = new TransformHarness(limits: limits);
        MemoryTransport client = server.Connect(room: 10);
        client.PeerSends(Start(asText: false));
        Finish(client, asText: false);
        Assert.IsInRange(Long, Long * 2, (int)limits.Large.TakenBytes);
        Leave(client);
        Assert.AreEqual(0, limits.Large.TakenBytes);
        Assert.AreEqual(0, limits.Small.TakenBytes);
    }

    [TestMethod]
    public void ATextThatWaitsForItsTransformation_HoldsItsPart()
    {
        TransformLimits limits = Limits();
        var server = new TransformHarness(limits: limits);
        var later = new Deferred<byte[]>();
        server.Service.Register(new LaterTransformation("later", _ => later));
        _ = server.Ask(TransformHarness.Netstring("later." + new string('a', 10_000)));
        Assert.AreEqual((10_000 * TransformService.MaxGrowth) + TextBuffer.Overhead, limits.Large.TakenBytes);
        later.Callback([1, 2, 3]);
        Assert.AreEqual(0, limits.Large.TakenBytes);
    }

    [TestMethod]
    public void AClientThatLeavesWhileItWaits_LetsTheNextOneIn()
    {
        TransformLimits limits = Limits();
        var server = new TransformHarness(limits: limits);
        List<MemoryTransport> clients = [.. Enumerable.Range(0, 4).Select(_ => server.Ask(Start(asText: false)))];
        Leave(clients[2]);
        Leave(clients[0]);
        server.Advance(0);
        Assert.IsFalse(clients[3].IsPaused);
        Leave(clients[1]);
        Leave(clients[3]);
        Assert.AreEqual(0, limits.Large.TakenBytes);
        Assert.AreEqual(0, limits.Small.TakenBytes);
    }

    private static TransformLimits Limits(int maxLength = Long + 6) => new(maxLength, TimeSpan.FromSeconds(30), MaxMemory);

    /// <summary>As much of a long request as a small lease can hold.</summary>
    private static byte[] Start(bool asText) =>
        Encoding.ASCII.GetBytes((asText ? "shout\n" : $"{Long + 6}:shout.") + new string('a', RequestLease.MaxSmallText - 6));

    private static void Finish(MemoryTransport client, bool asText)
    {
        client.PeerSends(new string('a', Long + 6 - RequestLease.MaxSmallText));
        if (asText)
        {
            client.PeerEnds();
        }
        else
        {
            client.PeerSends(",");
        }
    }

    private static void Leave(MemoryTransport client)
    {
        client.PeerResets();
        _ = client.Finish();
    }
}
