using System.Net;
using System.Net.Sockets;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>What a protocol writes arrives, whole and in order, whatever the peer does. Real sockets, every backend.</summary>
[TestClass]
public sealed class StreamTransportWriteTests
{
    private const int SmallBuffer = 2304;

    public static IEnumerable<object[]> AllBackends => Backends.All;

    public static IEnumerable<object[]> AllFamilies
    {
        get
        {
            foreach (object[] backend in Backends.All)
            {
                yield return [backend[0], AddressKind.IPv4];
                yield return [backend[0], AddressKind.IPv6];
                yield return [backend[0], AddressKind.Unix];
            }
        }
    }

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DynamicData(nameof(AllFamilies))]
    public void LoseConnection_SixtyFourMegabytesQueued_SendsThemAllFirst(string backend, object family)
    {
        byte[] poem = Noise(64 << 20);
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol =>
            {
                protocol.Transport.Write(poem.AsMemory());
                protocol.Transport.LoseConnection();
            },
        });
        using var loop = new TurnedReactor(backend);
        string path = TestListener.FreshPath();
        ListeningPort port = (AddressKind)family switch
        {
            AddressKind.Unix => loop.Reactor.ListenUnix(path, factory),
            AddressKind.IPv6 => loop.Reactor.ListenTcp(TurnedReactor.AnyPort6, factory),
            _ => loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory),
        };
        loop.While(() =>
        {
            using Socket client = Connect(port.Address);
            int at = 0;
            bool wasReset = Wire.ReadToEnd(client, bytes =>
            {
                Assert.IsTrue(bytes.SequenceEqual(poem.AsSpan(at, bytes.Length)), $"other bytes from about {at} on");
                at += bytes.Length;
            });
            Assert.IsFalse(wasReset, $"a reset after {at} bytes");
            Assert.AreEqual(poem.Length, at);
        });
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Write_ASpanThatChangesAfterwards_SendsWhatWasWritten(string backend)
    {
        byte[] source = new byte[100_000];
        var written = new MemoryStream();
        AssertDelivers(backend, written, protocol =>
        {
            for (byte round = 1; round <= 60; round++)
            {
                Array.Fill(source, round);
                written.Write(source);
                protocol.Transport.Write(source.AsSpan());
            }

            Array.Clear(source);
        });
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Write_AnyMixOfPieces_KeepsTheirOrder(string backend)
    {
        Random random = Seed.Start(TestContext);
        var written = new MemoryStream();
        AssertDelivers(backend, written, protocol =>
        {
            for (int i = 0; i < 2000; i++)
            {
                byte[] piece = new byte[random.Next(20) == 0 ? random.Next(200_000) : random.Next(300)];
                random.NextBytes(piece);
                written.Write(piece);
                if (random.Next(2) == 0)
                {
                    protocol.Transport.Write(piece.AsSpan());
                    Array.Clear(piece);
                }
                else
                {
                    protocol.Transport.Write(piece.AsMemory());
                }
            }
        });
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void WriteLast_BehindAQueue_ComesLast(string backend)
    {
        var written = new MemoryStream();
        byte[] first = Noise(3 << 20);
        AssertDelivers(backend, written, protocol =>
        {
            written.Write(first);
            written.Write("the end"u8);
            protocol.Transport.Write(first.AsMemory());
            protocol.Transport.WriteLast("the end"u8.ToArray());
            protocol.Transport.Write("ignored"u8);
            Assert.IsTrue(protocol.Transport.Disconnecting);
        });
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Write_Nothing_SendsNothing(string backend) => AssertDelivers(backend, new MemoryStream(), protocol =>
    {
        protocol.Transport.Write(ReadOnlySpan<byte>.Empty);
        protocol.Transport.Write(ReadOnlyMemory<byte>.Empty);
    });

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void WriteLast_OfNothing_IsAnEmptyDelivery(string backend) => AssertDelivers(backend, new MemoryStream(), protocol =>
        protocol.Transport.WriteLast(ReadOnlyMemory<byte>.Empty));

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void BytesSentAndPending_TogetherAreWhatWasWritten(string backend)
    {
        const int Length = 8 << 20;
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol => protocol.Transport.Write(new byte[Length].AsMemory()),
        });
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        ITransport transport = factory.Only.Transport;
        Assert.IsGreaterThan(0, transport.BytesPending);
        Assert.AreEqual(Length, transport.BytesSent + transport.BytesPending);
        loop.While(() => Wire.ReadExactly(client, Length));
        loop.Until(() => transport.BytesPending == 0, "the last byte");
        Assert.AreEqual(Length, transport.BytesSent);
    }

    /// <summary>
    /// The producer is told to pause as soon as more than 64 KiB wait, once; and to go on, once, when all has been sent.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void RegisterProducer_IsPausedWhenMuchWaitsAndResumedWhenItIsSent(string backend)
    {
        var producer = new RecordingProducer();
        var factory = new ScriptedFactory();
        using var loop = new TurnedReactor(backend);
        using Socket client = loop.Connected(factory);
        ITransport transport = factory.Only.Transport;
        transport.RegisterProducer(producer);
        int written = 0;
        while (producer.Calls.Count == 0)
        {
            Assert.IsLessThanOrEqualTo(64 * 1024, transport.BytesPending);
            transport.Write(new byte[10_000]);
            written += 10_000;
        }

        Assert.IsGreaterThan(64 * 1024, transport.BytesPending);
        transport.Write(new byte[10_000]);
        written += 10_000;
        loop.While(() => Wire.ReadExactly(client, written));
        loop.Until(() => producer.Calls.Count == 2, "going on");
        Assert.AreEqual(0, transport.BytesPending);
        CollectionAssert.AreEqual(new[] { "pause", "resume" }, producer.Calls);
        transport.UnregisterProducer();
        transport.Write(new byte[16 << 20]);
        Assert.HasCount(2, producer.Calls);
    }

    /// <summary>One connection produces for the other: what goes in comes out, and no more than a little waits between.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ATransportAsProducer_IsHeldToThePaceOfTheReader(string backend)
    {
        const int Length = 32 << 20;
        long mostPending = 0;
        ITransport? output = null;
        var drain = new ScriptedFactory(() => new ScriptedProtocol { OnMade = protocol => output = protocol.Transport });
        var source = new ScriptedFactory(() => new ScriptedProtocol
        {
            KeepsBytes = false,
            OnMade = protocol => output!.RegisterProducer(protocol.Transport),
            OnData = (_, data) =>
            {
                output!.Write(data);
                mostPending = Math.Max(mostPending, output.BytesPending);
            },
            OnReadLost = protocol =>
            {
                protocol.Transport.LoseConnection();
                output!.LoseConnection();
            },
        });
        using var loop = new TurnedReactor(backend);
        using Socket reader = loop.Connected(drain, receiveBufferBytes: SmallBuffer);
        using Socket writer = loop.Connected(source);
        var sender = new System.Threading.Thread(() =>
        {
            _ = writer.Send(new byte[Length]);
            writer.Shutdown(SocketShutdown.Send);
        })
        { IsBackground = true };
        sender.Start();
        long count = 0;
        bool wasReset = loop.While(() => Wire.ReadToEnd(reader, bytes => count += bytes.Length));
        sender.Join();
        Assert.IsFalse(wasReset);
        Assert.AreEqual(Length, count);
        Assert.IsLessThanOrEqualTo(64 * 1024 * 6, mostPending, "a queue grew though its reader was slow");
    }

    private static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(length).NextBytes(noise);
        return noise;
    }

    private static Socket Connect(in Poetry.Net.SocketAddress address) => address.Kind switch
    {
        AddressKind.Unix => Wire.Connect(address.Path),
        AddressKind.IPv6 => Wire.Connect(new IPEndPoint(IPAddress.IPv6Loopback, address.Port)),
        _ => Wire.Connect(address.Port),
    };

    /// <summary>A client with a tiny buffer gets what was written, and a clean end.</summary>
    private static void AssertDelivers(string backend, MemoryStream written, Action<ScriptedProtocol> write)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol =>
            {
                write(protocol);
                protocol.Transport.LoseConnection();
            },
        });
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        Delivery delivery = loop.While(() =>
        {
            using Socket client = Wire.Connect(port.Address.Port, SmallBuffer);
            return Wire.ReadToEnd(client);
        });
        delivery.AssertIs(written.ToArray());
        loop.Until(() => factory.Only.IsLost, "the end of the connection");
        factory.Only.AssertLost<ConnectionDone>();
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    private sealed class RecordingProducer : IProducer
    {
        public List<string> Calls { get; } = [];

        public void PauseProducing() => Calls.Add("pause");

        public void ResumeProducing() => Calls.Add("resume");
    }
}
