using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Poetry.Net;
using Poetry.Protocols;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Protocols;

/// <summary>The poem protocol over real sockets: what a client gets, and what the log says of it. Every backend.</summary>
[TestClass]
public sealed class PoemServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<PoemSource> _sources = [];

    public static IEnumerable<object[]> AllBackends => Backends.All;

    public void Dispose()
    {
        _sources.ForEach(PoemEnd.ReleaseAll);
        _folder.Dispose();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AnyPoem_ArrivesWholeWithACleanEnd(string backend)
    {
        foreach (int length in new[] { 0, 1, 600, 65_536, 3_000_000 })
        {
            byte[] bytes = Noise(length);
            using var loop = new TurnedReactor(backend);
            ListeningPort port = Serve(loop, bytes);
            loop.While(() => Wire.Fetch(port.Address.Port)).AssertIs(bytes);
            AssertLogged(loop, $"served {length} of {length} bytes", "whole");
        }
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AFramedPoem_IsOneNetstring(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = Serve(loop, Encoding.UTF8.GetBytes("wie ein Pfeil\n"), PoemFormat.Netstring);
        loop.While(() => Wire.Fetch(port.Address.Port)).AssertIs("14:wie ein Pfeil\n,"u8);
        AssertLogged(loop, "served 18 of 18 bytes", "whole");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ManyAtOnce_EachGetsAllOfIt(string backend)
    {
        byte[] bytes = Noise(200_000);
        using var loop = new TurnedReactor(backend);
        ListeningPort port = Serve(loop, bytes);
        loop.While(() =>
        {
            var clients = new List<Socket>();
            for (int i = 0; i < 100; i++)
            {
                clients.Add(Wire.Connect(port.Address.Port));
            }

            foreach (Socket client in clients)
            {
                Wire.ReadToEnd(client).AssertIs(bytes);
                client.Dispose();
            }
        });
        loop.Until(() => loop.Reactor.Connections.Count == 0, "the end of all");
        Assert.AreEqual(100, port.Accepted);
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AClientThatResetsInTheMiddle_HasLeft(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = Serve(loop, Noise(64 << 20));
        Socket client = Wire.Connect(port.Address.Port);
        loop.Until(() => port.Connections == 1, "the connection");
        _ = client.Receive(new byte[1000]);
        Wire.Reset(client);
        AssertLogged(loop, "of 67108864 bytes", "left");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AClientThatNeverReads_IsATimeout(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var options = new ListenOptions { SendTimeout = TimeSpan.FromMilliseconds(50) };
        ListeningPort port = Serve(loop, Noise(64 << 20), options: options);
        using Socket client = Wire.Connect(port.Address.Port, receiveBufferBytes: 2304);
        AssertLogged(loop, "of 67108864 bytes", "timeout");
        Wire.WaitForReset(client);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ConnectionsClosedFromThisSide_AreStopped(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = Serve(loop, Noise(64 << 20));
        using Socket client = Wire.Connect(port.Address.Port);
        loop.Until(() => port.Connections == 1, "the connection");
        loop.Reactor.Connections.CloseAll();
        AssertLogged(loop, "of 67108864 bytes", "stopped");
        Assert.IsTrue(loop.While(() => Wire.ReadToEnd(client)).WasReset);
    }

    /// <summary>It has been sent the poem and the end, and only does not close: nothing was kept from it.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ConnectionsClosedFromThisSide_AfterTheEnd_AreWhole(string backend)
    {
        using var loop = new TurnedReactor(backend);
        byte[] poem = Noise(1000);
        ListeningPort port = Serve(loop, poem);
        using Socket client = Wire.Connect(port.Address.Port);
        loop.While(() => Wire.ReadToEnd(client)).AssertIs(poem);
        Assert.AreEqual(1, port.Connections, "it lingers");
        loop.Reactor.Connections.CloseAll();
        AssertLogged(loop, "1000 of 1000 bytes", "whole");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Reload_InFlight_KeepsThePoemThatWasBegun(string backend)
    {
        byte[] old = Noise(16 << 20);
        byte[] renewed = Noise(1000);
        PoemSource source = Source(old);
        using var loop = new TurnedReactor(backend);
        var factory = new PoemServerFactory(source, loop.Reactor, loop.Log);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        using Socket client = Wire.Connect(port.Address.Port);
        loop.Until(() => port.Connections == 1, "the connection");
        _ = _folder.Write("poem.txt", renewed);
        bool isReloaded = false;
        _ = source.Reload(loop.Reactor).AddCallback(problem => isReloaded = problem == default);
        loop.Until(() => isReloaded, "the reload");
        loop.While(() => Wire.ReadToEnd(client)).AssertIs(old);
        loop.While(() => Wire.Fetch(port.Address.Port)).AssertIs(renewed);
    }

    /// <summary>
    /// Ten thousand clients, fifty at a time, leave nothing behind but the spare protocols of those fifty: whatever else was
    /// built has no one who refers to it.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void TenThousandConnects_LeaveNoLiveProtocols(string backend)
    {
        const int Clients = 10_000;
        const int AtOnce = 50;
        using var loop = new TurnedReactor(backend);
        var pooled = new CountingFactory(new PoemServerFactory(Source(Noise(600)), loop.Reactor, NullLogger.Instance));
        var unpooled = new WeakFactory();
        foreach (Factory factory in new Factory[] { pooled, unpooled })
        {
            ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
            loop.While(() =>
            {
                var clients = new Queue<Socket>();
                for (int i = 0; i < Clients / 2; i++)
                {
                    if (clients.Count == AtOnce)
                    {
                        using Socket client = clients.Dequeue();
                        _ = Wire.ReadToEnd(client, _ => { });
                    }

                    clients.Enqueue(Wire.Connect(port.Address.Port));
                }

                foreach (Socket client in clients)
                {
                    client.Dispose();
                }
            });
            loop.Until(() => port.Accepted == Clients / 2 && port.Connections == 0, "the end of all");
        }

        Assert.IsLessThan(Clients / 4, pooled.Built.Count, "a protocol is used again");
        unpooled.AssertGone();
    }

    private static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(length).NextBytes(noise);
        return noise;
    }

    private static void AssertLogged(TurnedReactor loop, string amount, string outcome)
    {
        loop.Until(() => loop.Log.Entries.Length > 0, "the record");
        string line = loop.Log.Entries[0].Text;
        StringAssert.Contains(line, amount);
        StringAssert.EndsWith(line, $": {outcome}");
        Assert.HasCount(1, loop.Log.Entries);
        Assert.AreEqual(0, loop.Reactor.Connections.Count);
    }

    private PoemSource Source(byte[] bytes, PoemFormat format = PoemFormat.Plain)
    {
        PoemSource source = PoemSource.TryOpen(_folder.Write("poem.txt", bytes), format, out _)!;
        _sources.Add(source);
        return source;
    }

    private ListeningPort Serve(TurnedReactor loop, byte[] bytes, PoemFormat format = PoemFormat.Plain, ListenOptions? options = null) =>
        loop.Reactor.ListenTcp(
            TurnedReactor.AnyPort, new PoemServerFactory(Source(bytes, format), loop.Reactor, loop.Log), options);

    /// <summary>Knows each protocol that another factory builds.</summary>
    private sealed class CountingFactory(Factory factory) : Factory
    {
        public HashSet<Protocol> Built { get; } = new(ReferenceEqualityComparer.Instance);

        protected internal override bool ReusesConnections => factory.ReusesConnections;

        protected internal override Protocol? BuildProtocol(in SocketAddress peer)
        {
            Protocol? protocol = factory.BuildProtocol(peer);
            _ = Built.Add(protocol!);
            return protocol;
        }

        protected internal override void Release(Protocol protocol) => factory.Release(protocol);
    }

    /// <summary>Builds a new protocol each time and keeps none.</summary>
    private sealed class WeakFactory : Factory
    {
        private readonly List<WeakReference> _built = [];

        public void AssertGone()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            Assert.AreEqual(0, _built.FindAll(built => built.IsAlive).Count, $"of {_built.Count}");
        }

        protected internal override Protocol? BuildProtocol(in SocketAddress peer)
        {
            var protocol = new ScriptedProtocol { OnMade = made => made.Transport.WriteLast("poem"u8.ToArray()) };
            _built.Add(new WeakReference(protocol));
            return protocol;
        }
    }
}
