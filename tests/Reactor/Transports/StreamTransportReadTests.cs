using System.Net.Sockets;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>What a peer sends, and how it ends its side. Real sockets, every backend.</summary>
[TestClass]
public sealed class StreamTransportReadTests
{
    public static IEnumerable<object[]> AllBackends => Backends.All;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void DataReceived_GetsEveryByteInOrder(string backend)
    {
        byte[] sent = new byte[5 << 20];
        new Random(5).NextBytes(sent);
        var factory = new ScriptedFactory();
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        loop.While(() =>
        {
            _ = client.Send(sent);
            client.Shutdown(SocketShutdown.Send);
        });
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        Assert.IsTrue(factory.Only.Received.SequenceEqual(sent));
        CollectionAssert.AreEqual(new[] { "made", "data", "read lost", "lost" }, factory.Only.Calls);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Room_OfTheProtocol_IsReadInto(string backend)
    {
        byte[] sent = new byte[100_000];
        new Random(6).NextBytes(sent);
        byte[] room = new byte[999];
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            ReadsInto = room,
            OnData = (_, data) =>
            {
                Assert.IsTrue(data.Overlaps(room, out int at));
                Assert.AreEqual(0, at);
            },
        });
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        _ = client.Send(sent);
        client.Shutdown(SocketShutdown.Send);
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        Assert.IsTrue(factory.Only.Received.SequenceEqual(sent));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void PauseProducing_LeavesInputWithTheKernel_ResumeDeliversItAll(string backend)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol { OnMade = protocol => protocol.Transport.PauseProducing() });
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        _ = client.Send(new byte[1000]);
        client.Shutdown(SocketShutdown.Send);
        AfterATurnOfAnother(loop);
        Assert.AreEqual(0, factory.Only.DataCount);
        factory.Only.Transport.ResumeProducing();
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        Assert.AreEqual(1000, factory.Only.ReceivedCount);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void PauseProducing_InDataReceived_StopsThereAndThen(string backend)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnData = (protocol, _) => protocol.Transport.PauseProducing(),
        });
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        const int Length = 1 << 20;
        int rounds = 0;
        var sender = new System.Threading.Thread(() => client.Send(new byte[Length])) { IsBackground = true };
        sender.Start();
        while (factory.Only.ReceivedCount < Length)
        {
            rounds++;
            loop.Until(() => factory.Only.DataCount == rounds, "the next part");
            AfterATurnOfAnother(loop);
            Assert.AreEqual(rounds, factory.Only.DataCount, "it was paused");
            factory.Only.Transport.ResumeProducing();
        }

        sender.Join();
        Assert.IsGreaterThan(1, rounds);
    }

    /// <summary>The peer has sent its last words and gone while we were paused: they are still to be had afterwards.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void PauseProducing_PeerGoneMeanwhile_ItsLastWordsAreStillRead(string backend)
    {
        string path = TestListener.FreshPath();
        var factory = new ScriptedFactory(() => new ScriptedProtocol { OnMade = protocol => protocol.Transport.PauseProducing() });
        using var loop = new TurnedReactor(backend);
        _ = loop.Reactor.ListenUnix(path, factory);
        using (Socket client = Wire.Connect(path))
        {
            loop.Until(() => factory.Built.Count == 1, "the connection");
            _ = client.Send("last words"u8);
        }

        AfterATurnOfAnother(loop);
        Assert.AreEqual(0, factory.Only.DataCount);
        factory.Only.Transport.ResumeProducing();
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        Assert.AreEqual(10, factory.Only.ReceivedCount);
        factory.Only.AssertLost<ConnectionDone>();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ReadConnectionLost_TheProtocolMayGoOnWriting(string backend)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol { OnReadLost = _ => { } });
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        client.Shutdown(SocketShutdown.Send);
        loop.Until(() => factory.Only.Calls.Contains("read lost"), "the peer's end");
        AfterATurnOfAnother(loop);
        Assert.IsFalse(factory.Only.IsLost);
        byte[] answer = new byte[3 << 20];
        factory.Only.Transport.Write(answer.AsMemory());
        loop.While(() => Wire.ReadExactly(client, answer.Length));
        factory.Only.Transport.LoseConnection();
        loop.While(() => Wire.ReadToEnd(client)).AssertIs([]);
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void LoseWriteConnection_ThePeerMayGoOnWriting(string backend)
    {
        byte[] poem = new byte[3 << 20];
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol =>
            {
                protocol.Transport.Write(poem.AsMemory());
                protocol.Transport.LoseWriteConnection();
                protocol.Transport.Write("ignored"u8);
            },
        });
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        loop.While(() => Wire.ReadToEnd(client)).AssertIs(poem);
        Assert.IsFalse(factory.Only.IsLost);
        _ = client.Send("thank you"u8);
        client.Shutdown(SocketShutdown.Send);
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
        Assert.IsTrue(factory.Only.Received.SequenceEqual("thank you"u8));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void APeerThatResets_IsConnectionLost(string backend)
    {
        var factory = new ScriptedFactory();
        using var loop = new TurnedReactor(backend);
        Socket client = loop.Connected(factory);
        Wire.Reset(client);
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionLost>();
        Assert.AreEqual(Errno.ECONNRESET, ((ConnectionLost)factory.Only.Reason!.Exception).Error);
    }

    /// <summary>A flood on one connection leaves the others their turn: four reads, and then it is theirs.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AFlooder_LeavesTheOthersTheirTurn(string backend)
    {
        var flooded = new ScriptedFactory(() => new ScriptedProtocol { KeepsBytes = false });
        var other = new ScriptedFactory();
        using var loop = new TurnedReactor(backend);
        using Socket flooder = loop.Connected(flooded);
        using Socket client = loop.Connected(other);
        flooder.SendBufferSize = 8 << 20;
        flooder.Blocking = false;
        _ = client.Send([1]);
        SocketPair.WaitFor(client.Handle, Interest.Write);
        try
        {
            while (true)
            {
                _ = flooder.Send(new byte[1 << 20]);
            }
        }
        catch (SocketException full) when (full.SocketErrorCode == SocketError.WouldBlock)
        {
            Assert.AreEqual(0, flooded.Only.DataCount);
        }

        loop.Until(() => other.Only.DataCount == 1, "the other's turn");
        Assert.IsLessThanOrEqualTo(4 * 64 * 1024 * 2L, flooded.Only.ReceivedCount, "a turn or two of the flooder");
    }

    /// <summary>
    /// Whatever both sides do at random, a protocol is made, gets data, perhaps the end of input, and is lost once, last:
    /// the scripted protocol fails at the first call that is out of order.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AnyTraffic_KeepsTheOrderOfCalls(string backend)
    {
        Random random = Seed.Start(TestContext);
        using var loop = new TurnedReactor(backend);
        Action<ITransport>[] acts =
        [
            transport => transport.LoseConnection(),
            transport => transport.AbortConnection(),
            transport => transport.LoseWriteConnection(),
            transport => transport.PauseProducing(),
            transport => transport.ResumeProducing(),
            transport => transport.ResumeProducing(),
            transport => transport.Write(new byte[random.Next(1 << 20)].AsMemory()),
            transport => transport.WriteLast(new byte[random.Next(1000)]),
            transport => transport.Write(new byte[random.Next(1000)].AsSpan()),
            transport => transport.Write(new byte[random.Next(1000)].AsMemory()),
            _ => { },
        ];
        void Act(ScriptedProtocol protocol) => acts[random.Next(acts.Length)](protocol.Transport);

        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            KeepsBytes = false,
            OnMade = Act,
            OnData = (protocol, _) => Act(protocol),
            OnReadLost = random.Next(2) == 0 ? null : Act,
            OnLost = (protocol, _) => Act(protocol),
        });
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        var clients = new List<Socket>();
        byte[] buffer = new byte[100_000];
        for (int step = 0; step < 4000; step++)
        {
            if (clients.Count < 10)
            {
                clients.Add(Wire.Connect(port.Address.Port));
                clients[^1].Blocking = false;
            }

            int chosen = random.Next(clients.Count);
            if (!Try(clients[chosen], random, buffer))
            {
                clients[chosen].Dispose();
                clients.RemoveAt(chosen);
            }

            loop.Reactor.Turn(0);
            if (factory.Built.Count > 0)
            {
                Act(factory.Built[random.Next(factory.Built.Count)]);
            }
        }

        clients.ForEach(client => client.Dispose());
        loop.Until(() => port.Accepted == factory.Built.Count && loop.Reactor.Connections.Count <= Stuck(), "the end of all");
        loop.Reactor.Connections.CloseAll();
        loop.Until(() => loop.Reactor.Connections.Count == 0, "the end of the rest");
        Assert.IsTrue(factory.Built.TrueForAll(protocol => protocol.Calls[^1] == "lost"));
        Assert.IsEmpty(loop.Log.Exceptions);

        // Paused connections are not told of the end: their input is not read.
        int Stuck() => factory.Built.Count(protocol => !protocol.IsLost && !protocol.Transport.Disconnecting);
    }

    private static bool Try(Socket client, Random random, byte[] buffer)
    {
        try
        {
            switch (random.Next(10))
            {
                case 0:
                    client.Shutdown(SocketShutdown.Send);
                    return true;
                case 1:
                    Wire.Reset(client);
                    return false;
                case 2:
                    return false;
                case 3 or 4 or 5:
                    return client.Receive(buffer) > 0;
                default:
                    _ = client.Send(buffer.AsSpan(0, random.Next(1, 20_000)));
                    return true;
            }
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode == SocketError.WouldBlock;
        }
    }

    /// <summary>Goes on until something that came later than all before has been heard.</summary>
    private static void AfterATurnOfAnother(TurnedReactor loop)
    {
        using var pipe = new PipeReader(loop.Reactor);
        pipe.Write(1);
        loop.Until(() => pipe.ReadCount == 1, "another descriptor's turn");
        loop.Reactor.Turn(0);
    }
}
