using System.Text;
using Microsoft.Win32.SafeHandles;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>What a program outside uses: connecting with a deferred, fetching in a line, loops over bytes, retries.</summary>
[TestClass]
public sealed class SurfaceTests
{
    private readonly CollectingLog _log = new();

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Fetch_AndEndpointConnect_AndUnixSockets_Work(string backend)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "poem.sock");
        using Reactor reactor = Backends.OpenReactor(backend, _log);
        ListeningPort port = reactor.ListenTcp(0, new Poems(new string('x', 200_000)));
        _ = reactor.ListenUnix(path, new Poems("unix"));
        var got = new List<string>();
        reactor.CallWhenRunning(async () =>
        {
            byte[] poem = await PoetryClient.Fetch(reactor, $"127.0.0.1:{port.Address.Port}");
            got.Add($"{poem.Length}");
            got.Add(Encoding.UTF8.GetString(await PoetryClient.Fetch(reactor, $"unix:{path}")));
            Protocol protocol = await Endpoint.Tcp("127.0.0.1", port.Address.Port).Connect(reactor, new Poems(""));
            got.Add(protocol.GetType().Name);
            int pieces = 0;
            await foreach (ReadOnlyMemory<byte> piece in PoetryClient.Read(reactor, $"unix:{path}"))
            {
                pieces += piece.Length > 0 ? 1 : 0;
                break;
            }

            got.Add($"{pieces}");
            try
            {
                _ = await PoetryClient.Fetch(reactor, $"127.0.0.1:{port.Address.Port}", maxBytes: 1000);
            }
            catch (InvalidDataException exception)
            {
                got.Add(exception.Message);
            }

            try
            {
                _ = await PoetryClient.Fetch(reactor, $"unix:{folder["none.sock"]}");
            }
            catch (ConnectError exception)
            {
                got.Add($"{exception.Error}");
            }

            reactor.Stop();
        });
        _ = reactor.CallLater(TimeSpan.FromMilliseconds(Patience.Milliseconds), reactor.Stop);
        reactor.Run();
        CollectionAssert.AreEqual(new[] { "200000", "unix", "Speaker", "1", "more than 1000 bytes", "ENOENT" }, got);
        Assert.IsEmpty(_log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void EndpointConnect_Cancelled_FailsWithCancelledError(string backend)
    {
        using Reactor reactor = Backends.OpenReactor(backend, _log);
        Failure? reason = null;
        reactor.CallWhenRunning(() =>
        {
            Deferred<Protocol> connected = Endpoint.Tcp("127.0.0.1", 9).Connect(reactor, new Poems(""));
            _ = connected.AddErrback(failure => { reason = failure; });
            connected.Cancel();
            reactor.Stop();
        });
        reactor.Run();
        Assert.IsTrue(reason!.Check<CancelledError>());
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void EndpointConnect_CancelledByItsOwnProtocol_ResetsTheConnection(string backend)
    {
        // The connection is made, and the deferred has not fired yet: no one else has the protocol.
        using Reactor reactor = Backends.OpenReactor(backend, _log);
        ListeningPort port = reactor.ListenTcp(0, new Poems("a poem"));
        Failure? reason = null;
        Failure? end = null;
        reactor.CallWhenRunning(() =>
        {
            Deferred<Protocol>? connected = null;
            var factory = new Canceling(
                () => connected!.Cancel(),
                failure =>
                {
                    end = failure;
                    reactor.Stop();
                });
            connected = Endpoint.Tcp("127.0.0.1", port.Address.Port).Connect(reactor, factory);
            _ = connected.AddErrback(failure => { reason = failure; });
        });
        _ = reactor.CallLater(TimeSpan.FromMilliseconds(Patience.Milliseconds), reactor.Stop);
        reactor.Run();
        Assert.IsTrue(reason!.Check<CancelledError>());
        Assert.IsTrue(end?.Check<ConnectionAborted>());
        Assert.IsEmpty(_log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AddReader_OfARegularFile_IsAlwaysReady(string backend)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("poem.txt", Encoding.UTF8.GetBytes("a poem"));
        using SafeFileHandle file = File.OpenHandle(path);
        using Reactor reactor = Backends.OpenReactor(backend, _log);
        var reader = new FileReader(file, reactor);
        reactor.AddReader(reader);
        _ = reactor.CallLater(TimeSpan.FromMilliseconds(Patience.Milliseconds), reactor.Stop);
        reactor.Run();
        Assert.AreEqual("a poem", reader.Text.ToString());
        Assert.AreEqual(3, reader.Ends, "the end of a file is ready too");
    }

    [TestMethod]
    public void Reactor_OfAnUnknownBackend_IsRefused() =>
        Assert.ThrowsExactly<PollerUnavailableError>(() => new Reactor("abacus"));

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ReconnectingFactory_TriesAgainWithGrowingDelays(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var clock = new ManualClock();
        var factory = new Retrying { Clock = clock, Jitter = 0, MaxRetries = 3 };
        Connector connector = loop.Reactor.ConnectUnix("/nonexistent/poetry.sock", factory);
        var delays = new List<double>();
        for (int retry = 1; retry <= 3; retry++)
        {
            loop.Until(() => factory.Failures == retry, "a failed connect");
            delays.Add((clock.PendingDues[0] - clock.Now).TotalSeconds);
            clock.Advance(clock.PendingDues[0] - clock.Now);
        }

        loop.Until(() => factory.Failures == 4, "the last failed connect");
        Assert.AreEqual(0, clock.PendingCount, "it has given up");
        Assert.AreEqual(1, delays[0]);
        Assert.AreEqual(Math.E, delays[1], 0.001);
        Assert.AreEqual(Math.E * Math.E, delays[2], 0.001);
        connector.Disconnect();
    }

    [TestMethod]
    public void SettingsThatCannotWork_AreRefusedAtOnce()
    {
        Action[] wrong =
        [
            () => _ = new Retrying { InitialDelay = TimeSpan.FromSeconds(-1) },
            () => _ = new Retrying { MaxDelay = TimeSpan.FromSeconds(-1) },
            () => _ = new Retrying { Factor = 0.5 },
            () => _ = new Retrying { Factor = double.NaN },
            () => _ = new Retrying { Factor = double.PositiveInfinity },
            () => _ = new Retrying { Jitter = -0.1 },
            () => _ = new Retrying { Jitter = 1.1 },
            () => _ = new Retrying { MaxRetries = -1 },
            () => _ = new ConnectionLimit(0),
        ];
        foreach (Action action in wrong)
        {
            _ = Assert.ThrowsExactly<ArgumentOutOfRangeException>(action);
        }
    }

    [TestMethod]
    public void RegisterProducer_WhileAnotherIsRegistered_IsRefused()
    {
        // The first would stay paused for ever.
        MemoryTransport transport = MemoryTransport.Connect(new Speaker(""));
        MemoryTransport first = MemoryTransport.Connect(new Speaker(""));
        transport.RegisterProducer(first);
        transport.RegisterProducer(first);
        _ = Assert.ThrowsExactly<InvalidOperationException>(() => transport.RegisterProducer(transport));
        _ = Assert.ThrowsExactly<ArgumentNullException>(() => transport.RegisterProducer(null!));
        transport.UnregisterProducer();
        transport.RegisterProducer(transport);
        transport.PeerResets();
        first.PeerResets();
    }

    [TestMethod]
    public void ProtocolTimeout_RunsOutOnlyWithoutResets()
    {
        var clock = new ManualClock();
        int timedOut = 0;
        var timeout = new ProtocolTimeout(clock, () => timedOut++);
        timeout.SetTimeout(TimeSpan.FromSeconds(2));
        clock.Advance(1.5);
        timeout.ResetTimeout();
        clock.Advance(1.5);
        Assert.AreEqual(0, timedOut);
        clock.Advance(0.5);
        Assert.AreEqual(1, timedOut);
        timeout.ResetTimeout();
        Assert.AreEqual(0, clock.PendingCount, "it is over");
        timeout.SetTimeout(TimeSpan.FromSeconds(1));
        timeout.SetTimeout(null);
        Assert.AreEqual(0, clock.PendingCount);
    }

    [TestMethod]
    public void MemoryReactor_ConnectsTwoFactories()
    {
        var reactor = new MemoryReactor();
        var client = new Asking();
        (MemoryTransport side, MemoryTransport server) = reactor.Connect(client, new Echoes())!.Value;
        reactor.Advance(0);
        Assert.AreEqual("HELLO", client.Answer);
        Assert.AreEqual("lost", client.End);
        Assert.IsTrue(side.IsClosed && server.IsClosed);
        Assert.AreEqual(0, reactor.PendingCount);
    }

    private sealed class Poems(string poem) : Factory
    {
        protected internal override Protocol BuildProtocol(in SocketAddress peer) => new Speaker(poem);
    }

    private sealed class Speaker(string poem) : Protocol
    {
        protected internal override void ConnectionMade()
        {
            Transport.Write(Encoding.UTF8.GetBytes(poem).AsSpan());
            Transport.LoseConnection();
        }

        protected internal override void DataReceived(ReadOnlySpan<byte> data)
        {
        }
    }

    private sealed class Canceling(Action made, Action<Failure> lost) : Factory
    {
        protected internal override Protocol BuildProtocol(in SocketAddress peer) => new Client(made, lost);

        private sealed class Client(Action made, Action<Failure> lost) : Protocol
        {
            protected internal override void ConnectionMade() => made();

            protected internal override void DataReceived(ReadOnlySpan<byte> data)
            {
            }

            protected internal override void ConnectionLost(Failure reason) => lost(reason);
        }
    }

    private sealed class Retrying : ReconnectingFactory
    {
        public int Failures { get; private set; }

        protected internal override Protocol BuildProtocol(in SocketAddress peer) => new Speaker("");

        protected internal override void ClientConnectionFailed(Connector connector, Failure reason)
        {
            Failures++;
            base.ClientConnectionFailed(connector, reason);
        }
    }

    private sealed class Echoes : Factory
    {
        protected internal override Protocol BuildProtocol(in SocketAddress peer) => new Upper();

        private sealed class Upper : NetstringReceiver
        {
            protected override void StringReceived(ReadOnlySpan<byte> payload)
            {
                SendString(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(payload).ToUpperInvariant()));
                Transport.LoseConnection();
            }
        }
    }

    private sealed class Asking : Factory
    {
        public string? Answer { get; private set; }

        public string? End { get; private set; }

        protected internal override Protocol BuildProtocol(in SocketAddress peer) => new Client(this);

        private sealed class Client(Asking factory) : NetstringReceiver
        {
            protected internal override void ConnectionMade() => SendString("hello"u8);

            protected internal override void ConnectionLost(Failure reason) => factory.End = "lost";

            protected override void StringReceived(ReadOnlySpan<byte> payload) => factory.Answer = Encoding.UTF8.GetString(payload);
        }
    }

    private sealed class FileReader(SafeFileHandle file, Reactor reactor) : Descriptor(file.DangerousGetHandle())
    {
        public StringBuilder Text { get; } = new();

        public int Ends { get; private set; }

        protected internal override void DoRead()
        {
            byte[] two = new byte[2];
            int count = RandomAccess.Read(file, two, Text.Length);
            Text.Append(Encoding.UTF8.GetString(two, 0, count));
            if (count == 0 && ++Ends == 3)
            {
                reactor.RemoveAll(this);
                reactor.Stop();
            }
        }

        protected internal override void DoWrite()
        {
        }

        protected internal override void ConnectionLost(Failure reason) => reactor.RemoveAll(this);
    }
}
