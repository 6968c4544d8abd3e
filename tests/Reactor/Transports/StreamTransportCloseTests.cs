using System.Net.Sockets;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// How a connection ends is a message: an end after all that was written, a reset otherwise, and nothing that the peer
/// sends, early or late, turns the first into the second. Real sockets, every backend.
/// </summary>
[TestClass]
public sealed class StreamTransportCloseTests
{
    private const int SmallBuffer = 2304;

    private static readonly byte[] Poem = Noise(3 << 20);

    public enum Speaks
    {
        BeforeItReads,
        WhileItReads,
        AfterTheLastByte,
    }

    public static IEnumerable<object[]> AllBackends => Backends.All;

    public static IEnumerable<object[]> Talkers
    {
        get
        {
            foreach (object[] backend in Backends.All)
            {
                foreach (Speaks when in Enum.GetValues<Speaks>())
                {
                    yield return [backend[0], when, false];
                    yield return [backend[0], when, true];
                }
            }
        }
    }

    /// <summary>300 KB from a client that should have been silent cost it nothing: all of the poem, and a clean end.</summary>
    [TestMethod]
    [DynamicData(nameof(Talkers))]
    public void LoseConnection_ToAClientThatSpeaks_IsACleanEnd(string backend, Speaks when, bool isUnix)
    {
        byte[] speech = new byte[300_000];
        ScriptedFactory factory = Serving(Poem);
        using var loop = new TurnedReactor(backend);
        string path = TestListener.FreshPath();
        ListeningPort port = isUnix
            ? loop.Reactor.ListenUnix(path, factory)
            : loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        loop.While(() =>
        {
            using Socket client = isUnix ? Wire.Connect(path) : Wire.Connect(port.Address.Port);
            if (when == Speaks.BeforeItReads)
            {
                _ = client.Send(speech);
            }

            int at = 0;
            bool hasSpoken = false;
            bool wasReset = Wire.ReadToEnd(client, bytes =>
            {
                Assert.IsTrue(bytes.SequenceEqual(Poem.AsSpan(at, bytes.Length)));
                at += bytes.Length;
                if (!hasSpoken && (when == Speaks.WhileItReads || (when == Speaks.AfterTheLastByte && at == Poem.Length)))
                {
                    hasSpoken = true;
                    _ = client.Send(speech);
                }
            });
            Assert.IsFalse(wasReset, $"a reset after {at} bytes");
            Assert.AreEqual(Poem.Length, at);

            // And it may go on after the end, as long as it does not expect an answer.
            _ = client.Send("bye"u8);
        });
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    /// <summary>The client speaks one turn after the end was sent, before it reads: nothing it has not read is destroyed.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void LoseConnection_ToAClientThatSpeaksOneTurnLater_IsACleanEnd(string backend)
    {
        byte[] verse = Noise(3000);
        ScriptedFactory factory = Serving(verse);
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        for (int i = 0; i < 20; i++)
        {
            _ = client.Send(new byte[15_000]);
            loop.Reactor.Turn(1);
        }

        loop.While(() => Wire.ReadToEnd(client)).AssertIs(verse);
        client.Dispose();
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void LoseConnection_ToAClientThatHasHalfClosed_IsACleanEnd(string backend)
    {
        ScriptedFactory factory = Serving(Poem);
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        loop.While(() =>
        {
            using Socket client = Wire.Connect(port.Address.Port);
            client.Shutdown(SocketShutdown.Send);
            return Wire.ReadToEnd(client);
        }).AssertIs(Poem);
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AbortConnection_IsAReset(string backend)
    {
        var factory = new ScriptedFactory();
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        factory.Only.Transport.AbortConnection();
        Assert.IsFalse(factory.Only.IsLost, "it comes from the loop");
        Assert.IsTrue(factory.Only.Transport.Disconnecting);
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionAborted>();
        Assert.IsTrue(Wire.ReadToEnd(client).WasReset);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AbortConnection_WithMuchToSend_IsAResetAndDropsIt(string backend)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol => protocol.Transport.Write(new byte[64 << 20].AsMemory()),
        });
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        factory.Only.Transport.AbortConnection();
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        Delivery delivery = loop.While(() => Wire.ReadToEnd(client));
        Assert.IsTrue(delivery.WasReset);
        Assert.IsLessThan(64 << 20, delivery.Bytes.Length);
    }

    /// <summary>A peer that resets while much is queued for it: one end, with the kernel's reason, and nothing left behind.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void APeerThatResetsInMidWrite_IsLostOnce(string backend)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol =>
            {
                protocol.Transport.Write(new byte[64 << 20].AsMemory());
                if (protocol.Transport.Peer.Port % 2 == 0)
                {
                    protocol.Transport.LoseConnection();
                }
            },
        });
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        for (int i = 1; i <= 50; i++)
        {
            Socket client = Wire.Connect(port.Address.Port);
            loop.Until(() => factory.Built.Count == i, "the connection");
            _ = client.Receive(new byte[1000]);
            Wire.Reset(client);
        }

        loop.Until(() => loop.Reactor.Connections.Count == 0, "the end of all");
        foreach (ScriptedProtocol protocol in factory.Built)
        {
            protocol.AssertLost<ConnectionLost>();
        }

        Assert.AreEqual(50, factory.ReleasedCount);
        Assert.AreEqual(0, port.Connections);
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    /// <summary>Another connection's callback gives up one that is about to be written to in the same batch of events.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AbortConnection_OfOneThatIsReadyInTheSameTurn_IsLostOnce(string backend)
    {
        var victims = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol => protocol.Transport.Write(new byte[16 << 20].AsMemory()),
        });
        var killers = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnData = (_, _) => victims.Built.ForEach(victim => victim.Transport.AbortConnection()),
        });
        using var loop = new TurnedReactor(backend);
        ListeningPort victimPort = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, victims);
        using Socket killer = loop.Connected(killers);
        var clients = new List<Socket>();
        for (int i = 0; i < 10; i++)
        {
            clients.Add(Wire.Connect(victimPort.Address.Port));
        }

        loop.Until(() => victims.Built.Count == clients.Count, "the connections");
        foreach (Socket client in clients)
        {
            _ = client.Send([1]);
            _ = client.Receive(new byte[1 << 20]);
        }

        _ = killer.Send([1]);
        loop.Until(() => loop.Reactor.Connections.Count == 1, "the end of the victims");
        victims.Built.ForEach(victim => victim.AssertLost<ConnectionAborted>());
        clients.ForEach(client => client.Dispose());
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    /// <summary>
    /// The lingering is over again and again while the client slowly takes what the kernel holds: as long as it takes
    /// something it is waited for, and gets all of it.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Lingering_AClientThatStillReads_IsNotCut(string backend)
    {
        byte[] verse = Noise(60_000);
        ScriptedFactory factory = Serving(verse);
        using var loop = new TurnedReactor(backend);
        loop.Reactor.Connections.ShortenLinger(TimeSpan.FromMilliseconds(2));
        using Socket client = loop.Connected(factory, receiveBufferBytes: SmallBuffer);
        byte[] got = new byte[verse.Length];
        int at = 0;
        while (at < got.Length)
        {
            // Many of the line's looks come between two reads.
            for (int turn = 0; turn < 5; turn++)
            {
                loop.Reactor.Turn(2);
            }

            Assert.IsFalse(factory.Only.IsLost, $"it was cut after {at} bytes");
            at += client.Receive(got.AsSpan(at, Math.Min(2000, got.Length - at)));
        }

        CollectionAssert.AreEqual(verse, got);
        Assert.AreEqual(0, client.Receive(new byte[1]));
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
        Assert.AreEqual(0, loop.Reactor.Connections.Count);
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Lingering_AClientThatClosesLater_EndsThen(string backend)
    {
        ScriptedFactory factory = Serving(Noise(100));
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        Assert.AreEqual(100, client.Receive(new byte[200]));
        Assert.AreEqual(0, client.Receive(new byte[200]));
        bool isLater = false;
        _ = loop.Reactor.CallLater(TimeSpan.FromMilliseconds(30), () => isLater = true);
        loop.Until(() => isLater, "a moment beyond the first look");
        Assert.IsFalse(factory.Only.IsLost);
        client.Dispose();
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Lingering_ASilentClient_IsClosedAfterAWhile(string backend)
    {
        ScriptedFactory factory = Serving(Noise(100));
        using var loop = new TurnedReactor(backend);
        loop.Reactor.Connections.ShortenLinger(TimeSpan.FromMilliseconds(30));
        using Socket client = loop.Connected(factory);
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
        Assert.IsFalse(Wire.ReadToEnd(client).WasReset);
    }

    /// <summary>A load balancer that checks whether the port is open has received nothing, although the kernel took it all.</summary>
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    [DynamicData(nameof(AllBackends))]
    public void AClient_ThatClosesAtOnce_WasSentNothing(string backend)
    {
        long sent = -1;
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = made => made.Transport.WriteLast(Noise(600)),
            OnLost = (lost, _) => sent = lost.Transport.BytesSent,
        });
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        Wire.Connect(port.Address.Port).Dispose();
        loop.Until(() => factory.Built.Count == 1 && factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionLost>();
        Assert.AreEqual(0, sent);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ShortenLinger_OneThatWaitsAlready_IsShortenedToo(string backend)
    {
        ScriptedFactory factory = Serving(Noise(100));
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        _ = client.Receive(new byte[200]);
        loop.Until(() => loop.Reactor.Connections.Lingering.Count == 1, "the lingering");
        bool isEmpty = false;
        loop.Reactor.Connections.WhenNone(() => isEmpty = true);
        loop.Reactor.Connections.ShortenLinger(TimeSpan.FromMilliseconds(1));
        loop.Until(() => isEmpty, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
    }

    private static ScriptedFactory Serving(byte[] poem) => new(() => new ScriptedProtocol
    {
        KeepsBytes = false,
        OnMade = protocol => protocol.Transport.WriteLast(poem),
    });

    private static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(length).NextBytes(noise);
        return noise;
    }
}
