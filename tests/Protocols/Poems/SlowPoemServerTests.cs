using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

[TestClass]
public sealed class SlowPoemServerTests : IDisposable
{
    private const string Poem = "The boa constrictor is a slow eater.";

    private readonly TemporaryFolder _folder = new();
    private readonly ManualClock _clock = new();
    private readonly CollectingLog _log = new();
    private readonly TimerQueue _timers;

    public SlowPoemServerTests()
    {
        _timers = new TimerQueue(_clock);
    }

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void Piece_NumberK_ComesAfterKDelays()
    {
        MemoryTransport client = Connect(Factory(Poem, bytes: 10, delay: 0.7));
        for (int piece = 1; piece <= 3; piece++)
        {
            Assert.AreEqual(Poem[..(piece * 10)], client.SentText);
            Advance(0.6999);
            Assert.AreEqual(piece * 10, client.BytesSent, "not before its time");
            Assert.AreEqual(WireEnd.None, client.End);
            Advance(0.0001);
        }

        Assert.AreEqual(Poem, client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
        Assert.IsTrue(client.Finish());
        Assert.AreEqual(0, _timers.Count);
        _log.AssertHas("served 36 of 36 bytes", "whole");
        _log.AssertHas("Debug", "Sending 10 bytes");
        _log.AssertHas("Debug", "Sending 6 bytes");
    }

    [TestMethod]
    public void Piece_ThatIsLate_DoesNotDelayTheOthers()
    {
        MemoryTransport client = Connect(Factory(Poem, bytes: 10, delay: 1));
        Advance(1.9);
        Assert.AreEqual(20, client.BytesSent);
        Advance(0.1);
        Assert.AreEqual(30, client.BytesSent, "due at 2, whenever the one before it went");
        Advance(1.5);
        Assert.AreEqual(36, client.BytesSent);
    }

    [TestMethod]
    [DataRow(1, 36)]
    [DataRow(35, 2)]
    [DataRow(36, 1)]
    [DataRow(37, 1)]
    [DataRow(1000, 1)]
    public void Pieces_OfAnyLength_MakeThePoem(int bytes, int pieces)
    {
        MemoryTransport client = Connect(Factory(Poem, bytes, delay: 1));
        for (int i = 1; i < pieces; i++)
        {
            Assert.AreEqual(WireEnd.None, client.End);
            Advance(1);
        }

        Assert.AreEqual(Poem, client.SentText);
        Assert.AreEqual(pieces, client.WriteCount);
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    [TestMethod]
    public void Poem_OfNothing_EndsAtOnce()
    {
        MemoryTransport client = Connect(Factory(string.Empty, bytes: 10, delay: 1));
        Assert.AreEqual(WireEnd.Fin, client.End);
        Assert.IsTrue(client.Finish());
        _log.AssertHas("served 0 of 0 bytes", "whole");
    }

    [TestMethod]
    public void Poem_AsANetstring_IsCutInPiecesWithItsFrame()
    {
        MemoryTransport client = Connect(Factory(Poem, bytes: 30, delay: 1, PoemFormat.Netstring));
        Advance(1);
        Assert.AreEqual($"{Poem.Length}:{Poem},", client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    [TestMethod]
    public void Delay_OfNothing_SendsAPieceATurn()
    {
        SlowPoemServerFactory factory = Factory(Poem, bytes: 10, delay: 0);
        MemoryTransport client = Connect(factory);
        for (int piece = 1; piece < 4; piece++)
        {
            Assert.AreEqual(piece * 10, client.BytesSent);
            _timers.TakeDue(_clock.Now.Ticks, _timers.LastSequence)!.Fire();
        }

        Assert.AreEqual(Poem, client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    /// <summary>A thousand clients that came at different moments: each has at every moment what is due to it, and no more.</summary>
    [TestMethod]
    public void Clients_ByTheThousand_HaveEachTheirOwnPace()
    {
        SlowPoemServerFactory factory = Factory(Poem, bytes: 3, delay: 0.05);
        var clients = new List<(TimeSpan Since, MemoryTransport Transport)>();
        var random = new Random(1000);
        while (clients.Count < 1000)
        {
            Advance(random.NextDouble() / 1000);
            clients.Add((_clock.Now, Connect(factory)));
        }

        while (_timers.Count > 0)
        {
            foreach ((TimeSpan since, MemoryTransport client) in clients)
            {
                long pieces = ((_clock.Now - since).Ticks / TimeSpan.FromSeconds(0.05).Ticks) + 1;
                Assert.AreEqual(Math.Min(Poem.Length, pieces * 3), client.BytesSent);
            }

            Advance(0.0123);
        }

        Assert.IsTrue(clients.TrueForAll(client => client.Transport.SentText == Poem && client.Transport.End == WireEnd.Fin));
    }

    /// <summary>
    /// A server that was stopped for a while keeps to its schedule: what became due meanwhile is sent at once, a piece in each
    /// turn of the loop, so that the poem ends when it would have ended, and other clients have their turns.
    /// </summary>
    [TestMethod]
    public void Pieces_MissedWhileTheServerWasStopped_AreSentOneATurn()
    {
        MemoryTransport client = Connect(Factory(Poem, bytes: 5, delay: 1));
        _clock.Advance(4.5);
        for (int piece = 2; piece <= 5; piece++)
        {
            _timers.TakeDue(_clock.Now.Ticks, _timers.LastSequence)!.Fire();
            Assert.AreEqual(piece * 5, client.BytesSent);
        }

        Assert.IsNull(_timers.TakeDue(_clock.Now.Ticks, _timers.LastSequence), "the next is due at 5");
        Advance(0.5);
        Assert.AreEqual(30, client.BytesSent);
        Advance(2);
        Assert.AreEqual(Poem, client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    [TestMethod]
    public void Poem_OfThePiece_IsSharedByReference()
    {
        SlowPoemServerFactory factory = Factory(Poem, bytes: 10, delay: 1);
        MemoryTransport first = Connect(factory);
        MemoryTransport second = Connect(factory);
        Assert.IsTrue(first.LastShared.Span.Overlaps(second.LastShared.Span, out int offset) && offset == 0, "one memory for all");
        Advance(1);
        Assert.IsTrue(first.LastShared.Span.Overlaps(second.LastShared.Span, out _), "still");
    }

    [TestMethod]
    public void Client_ThatResets_CostsNothingFromThenOn()
    {
        MemoryTransport client = Connect(Factory(Poem, bytes: 10, delay: 1));
        Advance(1);
        client.PeerResets();
        Assert.AreEqual(0, _timers.Count);
        Advance(10);
        Assert.AreEqual(20, client.BytesSent);
        _log.AssertHas("served 20 of 36 bytes", "left");
    }

    [TestMethod]
    public void Client_ThatHalfClosesOrTalks_GetsItsPoemAllTheSame()
    {
        MemoryTransport client = Connect(Factory(Poem, bytes: 10, delay: 1));
        client.PeerSends("GET / HTTP/1.0\r\n\r\n");
        client.PeerEnds();
        Advance(3);
        Assert.AreEqual(Poem, client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    /// <summary>A full kernel buffer: nothing is piled up behind it, and afterwards the client catches up.</summary>
    [TestMethod]
    public void Client_ThatTakesNothing_WaitsAndThenCatchesUp()
    {
        MemoryTransport client = Connect(Factory(Poem, bytes: 10, delay: 1), room: 15);
        Advance(1);
        Assert.AreEqual(5, client.BytesPending);
        Advance(1);
        Advance(1);
        Advance(5);
        Assert.AreEqual(5, client.BytesPending, "one piece waits, and no more");
        client.SetRoom(1000);
        Assert.AreEqual(20, client.BytesSent);
        Advance(1);
        Assert.AreEqual(Poem, client.SentText);
        Assert.AreEqual(WireEnd.Fin, client.End);
    }

    [TestMethod]
    public void Client_ThatTakesNothingOfAFastPace_IsNotAskedInEveryTurn()
    {
        MemoryTransport client = Connect(Factory(Poem, bytes: 10, delay: 0), room: 5);
        DelayedCall look = _timers.TakeDue(_clock.Now.Ticks, long.MaxValue)!;
        look.Fire();
        Assert.IsNull(_timers.TakeDue(_clock.Now.Ticks, long.MaxValue), "the next look is later");
        client.SetRoom(1000);
        Advance(0.01);
        Assert.AreEqual(Poem, client.SentText);
    }

    [TestMethod]
    public void Reload_WhileAPoemIsSent_LeavesItAsItWas()
    {
        string file = _folder.Write("poem.txt", Poem);
        PoemSource source = PoemSource.TryOpen(file, PoemFormat.Plain, out _)!;
        var factory = new SlowPoemServerFactory(source, new Pace(10, TimeSpan.FromSeconds(1)), _clock, _timers, _log);
        MemoryTransport client = Connect(factory);
        _ = _folder.Write("poem.txt", "another one");
        var clock = new ManualClock();
        PoemProblem? problem = null;
        _ = source.Reload(clock).AddCallback(got => problem = got);
        clock.Advance(PoemReader.Pause);
        Assert.AreEqual(default(PoemProblem), problem);
        Advance(3);
        Assert.AreEqual(Poem, client.SentText);
        MemoryTransport next = Connect(factory);
        Advance(1);
        Assert.AreEqual("another one", next.SentText);
    }

    [TestMethod]
    public void Tick_FromWarmState_AllocatesNothing()
    {
        const int WarmUp = 1000;
        string poem = new('x', (2 * WarmUp) + 10);
        SlowPoemServerFactory factory = Factory(poem, bytes: 1, delay: 0.01, log: NullLogger.Instance);
        MemoryTransport client = Connect(factory);
        Advance(0.01 * WarmUp);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Advance(0.01 * 20);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.AreEqual(WarmUp + 21, client.BytesSent);
    }

    [TestMethod]
    public void Connection_FromWarmState_AllocatesNothing()
    {
        SlowPoemServerFactory factory = Factory(Poem, bytes: 10, delay: 1, log: NullLogger.Instance);
        SocketAddress peer = default;
        Protocol protocol = factory.BuildProtocol(peer)!;
        var client = MemoryTransport.Connect(protocol);
        long before = 0;
        for (int i = 0; i < 1100; i++)
        {
            if (i == 100)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            Advance(3);
            Assert.IsTrue(client.Finish());
            factory.Release(protocol);
            protocol = factory.BuildProtocol(peer)!;
            client.Open(protocol);
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static MemoryTransport Connect(SlowPoemServerFactory factory, long room = long.MaxValue)
    {
        SocketAddress peer = default;
        return MemoryTransport.Connect(factory.BuildProtocol(peer)!, room);
    }

    private SlowPoemServerFactory Factory(string poem, long bytes, double delay, PoemFormat format = PoemFormat.Plain, ILogger? log = null)
    {
        string file = _folder.Write("poem.txt", Encoding.UTF8.GetBytes(poem));
        PoemSource source = PoemSource.TryOpen(file, format, out _)!;
        Assert.IsNotNull(source);
        return new SlowPoemServerFactory(source, new Pace(bytes, TimeSpan.FromSeconds(delay)), _clock, _timers, log ?? _log);
    }

    private void Advance(double seconds)
    {
        _clock.Advance(seconds);
        while (_timers.TakeDue(_clock.Now.Ticks, long.MaxValue) is { } call)
        {
            call.Fire();
        }
    }
}
