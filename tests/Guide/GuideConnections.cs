using System.Text;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;
using Poetry.Tests.Tutorial;
using LostFailures = Poetry.Net.Testing.LostFailures;

namespace Poetry.Tests.Guide;

/// <summary>The listings of docs/guide that use lines, reconnecting, services and whole poems: parts of pages 7, 8, 11 and
/// 12.</summary>
[TestClass]
public sealed class GuideConnections : TutorialExample
{
    [TestMethod]
    public void Page7_AClientThatConnectsAgain()
    {
        using var reactor = new Reactor();
        int port = GuidePages1To5.ServePoem(reactor, "it rains\r\n");
        int count = 0;
        NewsFactory factory = null!;
        factory = new NewsFactory(line =>
        {
            Print(line);
            if (++count == 2)
            {
                factory.StopTrying();
                reactor.Stop();
            }
        })
        {
            InitialDelay = TimeSpan.FromMilliseconds(10),
        };
        reactor.ConnectTcp("127.0.0.1", port, factory);
        reactor.Run();
        Expect("it rains", "it rains");
    }

    [TestMethod]
    public void Page8_TheEchoServer_WithoutASocket()
    {
        ManualClock clock = Clock;
        MemoryTransport transport = MemoryTransport.Connect(new Echo(clock));
        transport.PeerSends("hello\r\nhow are");
        Print(transport.SentText.TrimEnd());
        clock.Advance(30);
        Print($"{transport.End}");
        Expect("hello", "Reset");
        Assert.IsTrue(transport.Finish());
    }

    [TestMethod]
    public void Page8_ALostFailure_IsFound()
    {
        var lost = new LostFailures();
        using var reactor = new Reactor(lost);
        reactor.CallWhenRunning(() =>
        {
            _ = Deferred.Fail<int>(new IOException("nothing handles this"));
            reactor.Stop();
        });
        reactor.Run();
        Print(lost.Take().Single().Message);
        Expect("nothing handles this");
    }

    [TestMethod]
    public void Page11_APoem_WholeAndInPieces()
    {
        using var reactor = new Reactor();
        string address = $"127.0.0.1:{GuidePages1To5.ServePoem(reactor, "A stone\n")}";
        async Deferred Client()
        {
            byte[] poem = await PoetryClient.Fetch(reactor, address);
            Print($"{poem.Length} bytes at once");
            await foreach (ReadOnlyMemory<byte> piece in PoetryClient.Read(reactor, address))
            {
                Print($"{piece.Length} bytes have come");
            }
        }

        Client().AddErrback(failure => Print(failure.Message)).AddBoth(reactor.Stop);
        reactor.Run();
        Expect("8 bytes at once", "8 bytes have come");
    }

    [TestMethod]
    public void Page12_TheWholeProgram()
    {
        using var reactor = new Reactor();
        string upstream = $"127.0.0.1:{GuidePages1To5.ServePoem(reactor, "a poem")}";
        var proxy = new ProxyServer(reactor, port: 0, new CachingService(() =>
            PoetryClient.Fetch(reactor, upstream).AddCallback(poem => Encoding.UTF8.GetString(poem))));
        var all = new MultiService();
        all.AddService(proxy);
        all.StartService();
        async Deferred Client()
        {
            byte[] poem = await PoetryClient.Fetch(reactor, $"{proxy.Address}");
            Print(Encoding.UTF8.GetString(poem));
            await all.StopService();
        }

        Client().AddErrback(failure => Print(failure.Message)).AddBoth(reactor.Stop);
        reactor.Run();
        Expect("a poem");
    }

    private sealed class Echo(IClock clock) : LineReceiver
    {
        private ProtocolTimeout? _idle;

        protected internal override void ConnectionMade()
        {
            _idle = new ProtocolTimeout(clock, Transport.AbortConnection);
            _idle.SetTimeout(TimeSpan.FromSeconds(30));
        }

        protected override void LineReceived(ReadOnlySpan<byte> line)
        {
            _idle!.ResetTimeout();
            SendLine(line);
        }

        protected internal override void ConnectionLost(Failure reason)
        {
            base.ConnectionLost(reason);
            _idle!.SetTimeout(null);
        }
    }

    private sealed class NewsFactory(Action<string> news) : ReconnectingFactory
    {
        protected internal override Protocol BuildProtocol(in SocketAddress peer)
        {
            ResetDelay();
            return new NewsProtocol(news);
        }

        private sealed class NewsProtocol(Action<string> news) : LineReceiver
        {
            protected override void LineReceived(ReadOnlySpan<byte> line) => news(Encoding.UTF8.GetString(line));
        }
    }

    private sealed class ProxyFactory(CachingService service) : Factory
    {
        protected internal override Protocol BuildProtocol(in SocketAddress peer) => new ProxyProtocol(service);
    }

    private sealed class ProxyServer(Reactor reactor, int port, CachingService service) : Service
    {
        private ListeningPort? _port;

        public SocketAddress Address => _port!.Address;

        public override void StartService()
        {
            base.StartService();
            _port = reactor.ListenTcp(port, new ProxyFactory(service));
        }

        public override Deferred StopService()
        {
            _port!.StopListening();
            return base.StopService();
        }
    }
}
