using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Tests.Testing;
using SocketAddress = Poetry.Net.SocketAddress;

namespace Poetry.Tests.Net;

/// <summary>How a port begins, accepts, refuses and ends. Real sockets, every backend.</summary>
[TestClass]
public sealed class ListeningPortTests
{
    private readonly ScriptedFactory _factory = new();

    public static IEnumerable<object[]> AllBackends => Backends.All;

    /// <summary>[::] is for both families, and a client of IPv4 has its own address.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenTcp_OnAllAddressesOfIPv6_TakesIPv4Too(string backend)
    {
        if (!System.Net.Sockets.Socket.OSSupportsIPv6)
        {
            Assert.Inconclusive("there is no IPv6 here");
        }

        using var loop = new TurnedReactor(backend);
        var factory = new ScriptedFactory();
        ListeningPort port = loop.Reactor.ListenTcp(SocketAddress.Ip(System.Net.IPAddress.IPv6Any, 0), factory);
        using System.Net.Sockets.Socket client = Wire.Connect(port.Address.Port);
        loop.Until(() => factory.Built.Count == 1 && factory.Only.IsMade, "the connection");
        Assert.AreEqual(AddressKind.IPv4, factory.Only.Transport.Peer.Kind);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenTcp_PortZero_HasThePortOfTheKernel(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort first = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory);
        ListeningPort second = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory);
        Assert.AreNotEqual(0, first.Address.Port);
        Assert.AreNotEqual(first.Address.Port, second.Address.Port);
        Assert.AreEqual($"127.0.0.1:{first.Address.Port}", first.Address.ToString());
        Assert.IsTrue(first.Listening);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenTcp_IPv6_KnowsItsPeers(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort6, _factory);
        using Socket client = Wire.Connect(new IPEndPoint(IPAddress.IPv6Loopback, port.Address.Port));
        loop.Until(() => port.Accepted == 1, "the connection");
        ITransport transport = _factory.Only.Transport;
        Assert.AreEqual(client.LocalEndPoint!.ToString(), transport.Peer.ToString());
        Assert.AreEqual(port.Address, transport.Host);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenTcp_PortInUse_IsRefusedWithOneSentence(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory);
        CannotListenError error = Assert.ThrowsExactly<CannotListenError>(() => loop.Reactor.ListenTcp(port.Address, _factory));
        Assert.AreEqual($"cannot listen on {port.Address}: address already in use", error.Message);
        Assert.AreEqual(Errno.EADDRINUSE, error.Error);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenTcp_NotOurAddress_IsRefused(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var foreign = SocketAddress.Ip(IPAddress.Parse("192.0.2.1"), 0);
        CannotListenError error = Assert.ThrowsExactly<CannotListenError>(() => loop.Reactor.ListenTcp(foreign, _factory));
        Assert.AreEqual(Errno.EADDRNOTAVAIL, error.Error);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenTcp_ThatCannotBeWatched_IsRefusedAndLeavesNothing(string backend)
    {
        var poller = new FaultyPoller(Backends.Open(backend));
        using var loop = new TurnedReactor(poller);
        ListeningPort free = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory);
        SocketAddress address = free.Address;
        free.StopListening();
        poller.RefusedAdds = 1;
        CannotListenError error = Assert.ThrowsExactly<CannotListenError>(() => loop.Reactor.ListenTcp(address, _factory));
        Assert.AreEqual(Errno.ENOSPC, error.Error);
        Assert.IsTrue(Wire.IsRefused(address.Port));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void StopListening_RefusesNewClientsAndKeepsTheOld(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory);
        using Socket client = Wire.Connect(port.Address.Port);
        loop.Until(() => port.Connections == 1, "the connection");
        port.StopListening();
        port.StopListening();
        Assert.IsFalse(port.Listening);
        Assert.IsTrue(Wire.IsRefused(port.Address.Port));
        _ = client.Send("still here"u8);
        loop.Until(() => _factory.Only.ReceivedCount == 10, "what the old client says");
        client.Dispose();
        loop.Until(() => port.Connections == 0, "its end");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AcceptQueuedThenStop_AcceptsConnectionsOfTheQueue(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory);
        var clients = new List<Socket>();
        for (int i = 0; i < 200; i++)
        {
            clients.Add(Wire.Connect(port.Address.Port));
        }

        port.AcceptQueuedThenStop();
        Assert.AreEqual(200, port.Accepted);
        Assert.IsFalse(port.Listening);
        Assert.IsTrue(Wire.IsRefused(port.Address.Port));
        clients.ForEach(client => client.Dispose());
        loop.Until(() => loop.Reactor.Connections.Count == 0, "the end of all");
    }

    /// <summary>A rush of connects takes no turn longer than one batch: a client that is there already is served in each.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ARushOfConnects_LeavesOthersTheirTurn(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory);
        using Socket first = Wire.Connect(port.Address.Port);
        loop.Until(() => port.Accepted == 1, "the first client");
        var rush = new List<Socket>();
        for (int i = 0; i < 400; i++)
        {
            rush.Add(Wire.Connect(port.Address.Port));
        }

        for (int turn = 1; port.Accepted < 401; turn++)
        {
            long before = port.Accepted;
            _ = first.Send("x"u8);
            loop.Reactor.Turn(0);
            Assert.IsLessThanOrEqualTo(AcceptBatch.MaxSize, port.Accepted - before, "accepted in one turn");
            Assert.AreEqual(turn, _factory.Built[0].ReceivedCount, "the first client is heard in each turn");
        }

        rush.ForEach(client => client.Dispose());
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void BuildProtocol_GivesNull_IsAReset(string backend)
    {
        var refusing = new ScriptedFactory(() => null);
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, refusing);
        Delivery delivery = loop.While(() => Wire.Fetch(port.Address.Port));
        Assert.IsTrue(delivery.WasReset);
        Assert.AreEqual(0, port.Connections);
        Assert.IsEmpty(loop.Log.Entries);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AnAcceptedConnectionThatIsGone_DisturbsNothing(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory);
        for (int i = 0; i < 300; i++)
        {
            Wire.Reset(Wire.Connect(port.Address.Port));
        }

        Delivery delivery = loop.While(() =>
        {
            using Socket client = Wire.Connect(port.Address.Port);
            client.Shutdown(SocketShutdown.Send);
            return Wire.ReadToEnd(client);
        });
        delivery.AssertIs([]);
        loop.Until(() => loop.Reactor.Connections.Count == 0, "the end of all");
        Assert.IsEmpty(loop.Log.Entries);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenUnix_ServesAndRemovesItsPath(string backend)
    {
        string path = TestListener.FreshPath();
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenUnix(path, _factory);
        Assert.AreEqual($"unix:{path}", port.Address.ToString());
        using Socket client = Wire.Connect(path);
        loop.Until(() => port.Connections == 1, "the connection");
        port.StopListening();
        Assert.IsFalse(File.Exists(path));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenUnix_NotToRemove_LeavesThePath(string backend)
    {
        string path = TestListener.FreshPath();
        using var loop = new TurnedReactor(backend);
        loop.Reactor.ListenUnix(path, _factory, new ListenOptions { RemovesPath = false }).StopListening();
        Assert.IsTrue(File.Exists(path));
        File.Delete(path);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenUnix_OnALeftover_ReplacesIt(string backend)
    {
        // Bound and closed without a word: so does a server leave it that was killed.
        using var loop = new TurnedReactor(backend);
        string path = TestListener.FreshPath();
        Assert.AreEqual(Errno.None, NativeSocket.Create(AddressKind.Unix, out nint dead));
        Assert.AreEqual(Errno.None, NativeSocket.Bind(dead, SocketAddress.Unix(path)));
        _ = NativeSocket.Close(dead);
        Assert.IsTrue(File.Exists(path));
        ListeningPort port = loop.Reactor.ListenUnix(path, _factory);
        using Socket client = Wire.Connect(path);
        loop.Until(() => port.Connections == 1, "the connection");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenUnix_OnALiveSocket_IsRefusedAndLeavesIt(string backend)
    {
        using var live = new TestListener(AddressKind.Unix);
        using var loop = new TurnedReactor(backend);
        CannotListenError error = Assert.ThrowsExactly<CannotListenError>(() =>
            loop.Reactor.ListenUnix(live.Address.Path, _factory));
        Assert.AreEqual(Errno.EADDRINUSE, error.Error);
        using Socket client = Wire.Connect(live.Address.Path);
        Assert.IsTrue(client.Connected);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ListenUnix_OnAForeignFile_IsRefusedAndLeavesIt(string backend)
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("poem.txt", "a poem");
        string link = folder["link"];
        _ = File.CreateSymbolicLink(link, file);
        using var loop = new TurnedReactor(backend);
        foreach (string path in new[] { file, link, folder.Path })
        {
            CannotListenError error = Assert.ThrowsExactly<CannotListenError>(() => loop.Reactor.ListenUnix(path, _factory));
            Assert.AreEqual($"cannot listen on unix:{path}: address already in use", error.Message);
        }

        Assert.AreEqual("a poem", File.ReadAllText(file));
        Assert.IsNotNull(new FileInfo(link).LinkTarget);
    }

    /// <summary>
    /// The kernel will not watch the port again after a pause: it is looked at again later, and one line of log tells why.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void APortThatCannotBeWatchedAgain_TriesLater(string backend)
    {
        var poller = new FaultyPoller(Backends.Open(backend));
        using var loop = new TurnedReactor(poller);
        var options = new ListenOptions { Limit = new ConnectionLimit(1) };
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        Socket first = Wire.Connect(port.Address.Port);
        loop.Until(() => port.Connections == 1, "the first client");
        using Socket second = Wire.Connect(port.Address.Port);
        loop.Until(() => !port.IsWatched, "the pause at the limit");
        poller.RefusedAdds = 2;
        first.Dispose();
        loop.Until(() => port.Accepted == 2, "the second client");
        Assert.IsEmpty(loop.Log.Exceptions);
        Assert.HasCount(1, loop.Log.Entries);
        Assert.AreEqual(LogLevel.Warning, loop.Log.Entries[0].Level);
    }

    /// <summary>
    /// The socket does not listen any more: no accept on it can succeed. The port logs it once, stops listening, and calls
    /// <see cref="ListenOptions.Failed"/>; open connections stay open.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AListenerThatFailsForGood_StopsListeningAndSaysSo(string backend)
    {
        if (!System.OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("only Linux lets a listener be shut down under its port");
        }

        using var loop = new TurnedReactor(backend);
        int broken = 0;
        ListeningPort port = null!;
        var options = new ListenOptions { Failed = () => broken += port.Listening ? 100 : 1 };
        port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        using Socket client = Wire.Connect(port.Address.Port);
        loop.Until(() => port.Accepted == 1, "the connection");
        using (var listener = new Socket(new SafeSocketHandle(port.Handle, ownsHandle: false)))
        {
            listener.Shutdown(SocketShutdown.Both);
        }

        loop.Until(() => !port.Listening, "the end of the port");
        Assert.AreEqual(1, broken);
        Assert.AreEqual(1, port.Connections);
        Assert.HasCount(1, loop.Log.Entries);
        Assert.AreEqual(LogLevel.Critical, loop.Log.Entries[0].Level);
        Assert.Contains("failed permanently", loop.Log.Entries[0].Text);
        _factory.Only.Transport.Write("still here"u8);
        byte[] received = new byte[10];
        Assert.AreEqual(received.Length, client.Receive(received));
    }
}
