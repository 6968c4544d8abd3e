namespace Poetry.Tests.Protocols;

/// <summary>The server drains: requests that have begun are finished, and idle connections are closed.</summary>
[TestClass]
public sealed class TransformEndTests
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(0.5);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ASilentClient_IsClosedAtOnce(bool asText)
    {
        var server = new TransformHarness(asText);
        MemoryTransport[] clients = [server.Connect(), server.Connect(), server.Connect()];
        server.Advance(1);
        clients[1].PeerResets();
        server.Factory.CloseIdle(Silence);
        server.Advance(0);
        Assert.AreEqual(WireEnd.Fin, clients[0].End);
        Assert.AreEqual(WireEnd.Fin, clients[2].End);
        Assert.IsTrue(clients[0].Finish() && clients[2].Finish());
        server.Log.AssertHas("transformed 0", "stopped");
        Assert.AreEqual(0, server.DeadlineCount);
    }

    /// <summary>Its first word may be on its way.</summary>
    [TestMethod]
    public void AClientThatHasJustCome_HasAMomentToBegin()
    {
        var server = new TransformHarness();
        MemoryTransport silent = server.Connect();
        MemoryTransport asking = server.Connect();
        server.Factory.CloseIdle(Silence);
        server.Advance(0.49);
        Assert.AreEqual(WireEnd.None, silent.End);
        asking.PeerSends("7:shout.a,");
        Assert.AreEqual("1:A,", asking.SentText);
        server.Advance(0.01);
        Assert.AreEqual(WireEnd.Fin, silent.End);
        Assert.AreEqual(string.Empty, silent.SentText);
    }

    /// <summary>Begun before the end, or in the moment after it: it has the time that any request has, and no more.</summary>
    [TestMethod]
    [DataRow(true, 30)]
    [DataRow(false, 30)]
    [DataRow(false, 0)]
    public void ARequestThatHasBegun_IsFinished(bool before, int timeout)
    {
        var server = new TransformHarness(timeout: timeout == 0 ? TimeSpan.MaxValue.TotalSeconds : timeout);
        MemoryTransport finished = server.Connect();
        MemoryTransport unfinished = server.Connect();
        if (before)
        {
            finished.PeerSends("7:sh");
            unfinished.PeerSends("7:sh");
        }

        server.Factory.CloseIdle(Silence);
        if (!before)
        {
            finished.PeerSends("7:sh");
            unfinished.PeerSends("7:sh");
        }

        server.Advance(29.9);
        finished.PeerSends("out.a,");
        Assert.AreEqual("1:A,", finished.SentText);
        Assert.AreEqual(WireEnd.None, unfinished.End);
        server.Advance(0.1);
        Assert.AreEqual(timeout == 0 ? WireEnd.None : WireEnd.Reset, unfinished.End);
    }
}
