using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>What all requests under way may hold together: who comes when others hold it all is refused, and only who is long.</summary>
[TestClass]
public sealed class RequestBudgetTests
{
    private const int Most = 256 * 1024;

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void LongRequestsAtOnce_AreRefusedOverTheLimit(bool asText)
    {
        var budget = new RequestBudget(Most);
        var server = new TransformHarness(asText, budget: budget);
        List<MemoryTransport> clients = [.. Enumerable.Range(0, 10).Select(_ => server.Ask(Unfinished(asText, 50_000)))];
        Assert.HasCount(4, clients.FindAll(client => client.End == WireEnd.None), "each holds 64 KiB");
        Assert.AreEqual(Most, budget.TakenBytes);
        Assert.AreEqual(asText ? WireEnd.Reset : WireEnd.Fin, clients[^1].End);
        server.Log.AssertHas("refused", "too many long requests at once");
        Assert.AreEqual(1, server.Log.Lines.Count(line => line.Contains("too many", StringComparison.Ordinal)), "the others are counted");

        MemoryTransport small = server.Ask(asText ? "shout\na" : "7:shout.", ends: asText);
        if (!asText)
        {
            small.PeerSends("a,");
        }

        Assert.AreEqual(asText ? "A" : "1:A,", small.SentText, "a short request asks nobody");

        Leave(clients[0]);
        MemoryTransport next = server.Ask(Unfinished(asText, 50_000));
        Assert.AreEqual(WireEnd.None, next.End);
        Assert.AreEqual(Most, budget.TakenBytes);
        Finish(next, asText);
        Assert.AreEqual(WireEnd.Fin, next.End);
        Assert.AreEqual(Most - (64 * 1024), budget.TakenBytes, "what is answered and sent holds nothing");
        clients.ForEach(Leave);
        Assert.AreEqual(0, budget.TakenBytes);
    }

    [TestMethod]
    public void BothFaces_ShareTheLimit()
    {
        var budget = new RequestBudget(Most);
        var first = new TransformHarness(asText: true, budget: budget);
        var second = new TransformHarness(budget: budget);
        for (int i = 0; i < 4; i++)
        {
            Assert.AreEqual(WireEnd.None, first.Ask(Unfinished(asText: true, 50_000)).End);
        }

        Assert.AreEqual(WireEnd.Fin, second.Ask(Unfinished(asText: false, 50_000)).End);
    }

    [TestMethod]
    public void AnAnswerThatIsNotRead_HoldsItsPart()
    {
        var budget = new RequestBudget(Most);
        var server = new TransformHarness(budget: budget);
        MemoryTransport client = server.Connect(room: 10);
        client.PeerSends(Unfinished(asText: false, 50_000));
        Finish(client, asText: false);
        Assert.IsGreaterThan(50_000, budget.TakenBytes);
        Leave(client);
        Assert.AreEqual(0, budget.TakenBytes);
    }

    [TestMethod]
    public void ATextThatWaitsForItsTransformation_HoldsItsPart()
    {
        var budget = new RequestBudget(Most);
        var server = new TransformHarness(budget: budget);
        var later = new Deferred<byte[]>();
        server.Service.Register(new LaterTransformation("later", _ => later));
        _ = server.Ask(TransformHarness.Netstring("later." + new string('a', 50_000)));
        Assert.AreEqual(50_000, budget.TakenBytes);
        later.Callback([1, 2, 3]);
        Assert.AreEqual(0, budget.TakenBytes);
    }

    [TestMethod]
    [DataRow(1024, 10L << 30, 256 * 1024 * 1024)]
    [DataRow(100_000_000, 10L << 30, 400_000_000)]
    [DataRow(TextBuffer.MostBytes, 10L << 30, 5L << 30)]
    [DataRow(TextBuffer.MostBytes, long.MaxValue, long.MaxValue / 2)]
    [DataRow(1024, 64 * 1024 * 1024, 32 * 1024 * 1024)]
    [DataRow(100_000_000, 64 * 1024 * 1024, 100_000_000, DisplayName = "one of the longest has room even so")]
    public void WithoutAWord_ItIsSoMuch(int maxLength, long available, long most)
    {
        Assert.AreEqual(most, TransformLimits.DefaultBudget(maxLength, available).MostBytes);
    }

    private static byte[] Unfinished(bool asText, int length) =>
        Encoding.ASCII.GetBytes((asText ? "shout\n" : $"{length + 6 + 1}:shout.") + new string('a', length));

    private static void Finish(MemoryTransport client, bool asText)
    {
        if (asText)
        {
            client.PeerEnds();
        }
        else
        {
            client.PeerSends("a,");
        }
    }

    private static void Leave(MemoryTransport client)
    {
        client.PeerResets();
        _ = client.Finish();
    }
}
