using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>A port whose connections begin with a PROXY header: the header names the peer. Real sockets, every backend.</summary>
[TestClass]
public sealed class ProxyProtocolTests
{
    private static readonly byte[] Header = Encoding.ASCII.GetBytes("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n");
    private static readonly ListenOptions Options = new() { ExpectsProxyHeader = true };

    private readonly ScriptedFactory _factory = new(() => new ScriptedProtocol
    {
        OnMade = made => made.Transport.Write(Encoding.ASCII.GetBytes($"{made.Transport.Peer}")),
        OnReadLost = lost => lost.Transport.LoseConnection(),
    });

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AHeader_CutAnywhere_NamesThePeer_AndWhatFollowsIsTheClients(string backend)
    {
        byte[] all = [.. Header, .. "hello"u8];
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, Options);
        for (int cut = 0; cut <= all.Length; cut++)
        {
            Delivery delivery = loop.While(() =>
            {
                using Socket client = Wire.Connect(port.Address.Port);
                client.NoDelay = true;
                _ = client.Send(all.AsSpan(0, cut));
                long accepted = cut + 1;
                Assert.IsTrue(
                    System.Threading.SpinWait.SpinUntil(() => port.Accepted >= accepted, Patience.Milliseconds), "it is accepted");
                _ = client.Send(all.AsSpan(cut));
                client.Shutdown(SocketShutdown.Send);
                return Wire.ReadToEnd(client);
            });
            delivery.AssertIs(Encoding.ASCII.GetBytes("192.0.2.1:56324"), $"cut after {cut} bytes");
            loop.Until(() => _factory.Built[^1].IsLost, "the end of the connection");
            Assert.AreEqual("hello", Encoding.ASCII.GetString(_factory.Built[^1].Received));
        }

        Assert.AreEqual(0, loop.Reactor.Connections.Count);
        Assert.IsEmpty(loop.Log.Entries);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AHeader_ByteByByte_IsRead(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, Options);
        Delivery delivery = loop.While(() =>
        {
            using Socket client = Wire.Connect(port.Address.Port);
            client.NoDelay = true;
            foreach (byte one in Header)
            {
                _ = client.Send([one]);
            }

            client.Shutdown(SocketShutdown.Send);
            return Wire.ReadToEnd(client);
        });
        delivery.AssertIs(Encoding.ASCII.GetBytes("192.0.2.1:56324"));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ALocalHeader_KeepsTheRealPeer(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, Options);
        (string real, Delivery delivery) = loop.While(() =>
        {
            using Socket client = Wire.Connect(port.Address.Port);
            _ = client.Send("PROXY UNKNOWN\r\n"u8);
            client.Shutdown(SocketShutdown.Send);
            return ($"{client.LocalEndPoint}", Wire.ReadToEnd(client));
        });
        delivery.AssertIs(Encoding.ASCII.GetBytes(real));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AnythingElse_IsAReset_ThatIsCountedAndLoggedOnce(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, Options);
        byte[] endless = [.. "PROXY UNKNOWN "u8, .. new byte[200]];
        foreach (byte[] bytes in new byte[][] { [.. "GET / HTTP/1.1\r\n\r\n"u8], [1, 2, 3], endless })
        {
            Delivery delivery = loop.While(() =>
            {
                using Socket client = Wire.Connect(port.Address.Port);
                _ = client.Send(bytes);
                return Wire.ReadToEnd(client);
            });
            Assert.IsTrue(delivery.WasReset);
            Assert.IsEmpty(delivery.Bytes);
        }

        Assert.AreEqual(3, port.RejectedByHeader);
        Assert.AreEqual(0, port.Connections);
        Assert.IsEmpty(_factory.Built);
        LogEntry entry = loop.Log.Entries.Single();
        Assert.AreEqual(LogLevel.Warning, entry.Level);
        Assert.Contains("not a PROXY header", entry.Text);
    }

    /// <summary>0 bytes and FIN would say that the server is down, or that its poem is empty.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AHalfClose_BeforeTheEndOfTheHeader_IsAReset(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, Options);
        foreach (int length in new[] { 0, 1, 20, Header.Length - 1 })
        {
            Delivery delivery = loop.While(() =>
            {
                using Socket client = Wire.Connect(port.Address.Port);
                _ = client.Send(Header.AsSpan(0, length));
                client.Shutdown(SocketShutdown.Send);
                return Wire.ReadToEnd(client);
            });
            Assert.IsTrue(delivery.WasReset, $"after {length} bytes");
            Assert.IsEmpty(delivery.Bytes);
        }

        // Nothing at all is what a probe sends too.
        Assert.AreEqual(3, port.RejectedByHeader);
        Assert.AreEqual(0, port.Connections);
        Assert.Contains("incomplete PROXY header", loop.Log.Entries.Single(entry => entry.Level == LogLevel.Warning).Text);
        Assert.HasCount(2, loop.Log.Entries);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AHeader_ThatNeverComes_IsAResetAtTheTimeout(string backend)
    {
        using var loop = new TurnedReactor(backend);
        loop.Reactor.Connections.AwaitingHeader.Timeout = TimeSpan.FromMilliseconds(50);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, Options);
        using Socket client = Wire.Connect(port.Address.Port);
        _ = client.Send(Header.AsSpan(0, 20));
        loop.Until(() => port.RejectedByHeader == 1, "the timeout");
        Wire.WaitForReset(client);
        Assert.Contains("no PROXY header in time", loop.Log.Entries.Single().Text);
        Assert.AreEqual(0, port.Connections);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AProbe_WithoutAHeader_IsARecordAtDebug(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, Options);
        Wire.Connect(port.Address.Port).Dispose();
        Wire.Reset(Wire.Connect(port.Address.Port));
        loop.Until(() => port.Accepted == 2 && port.Connections == 0, "the end of the probes");
        Assert.AreEqual(0, port.RejectedByHeader);
        Assert.AreEqual(2, port.ClosedWithoutHeader);
        Assert.IsTrue(loop.Log.Entries.All(entry => entry.Level == LogLevel.Debug));
        Assert.HasCount(2, loop.Log.Entries);
    }

    /// <summary>A health check sends nothing: this one is no probe.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AReset_InTheMiddleOfTheHeader_IsAnIncompleteHeader(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, Options);
        using Socket client = Wire.Connect(port.Address.Port);
        _ = client.Send(Header.AsSpan(0, 20));
        loop.Until(() => port.Connections == 1, "the connection");
        Wire.Reset(client);
        loop.Until(() => port.Connections == 0, "the end");
        Assert.AreEqual((1, 0), (port.RejectedByHeader, port.ClosedWithoutHeader));
        Assert.Contains("incomplete PROXY header", loop.Log.Entries.Single().Text);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void TheAddressLimit_CountsTheClientOfTheHeader(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListenOptions options = Options with { AddressLimit = new AddressLimit(1) };
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        using Socket first = Wire.Connect(port.Address.Port);
        _ = first.Send(Header);
        loop.Until(() => _factory.Built.Count == 1, "the first");
        using Socket second = Wire.Connect(port.Address.Port);
        _ = second.Send(Header);
        loop.Until(() => port.RejectedByAddress == 1, "the second");
        Wire.WaitForReset(second);
        using Socket other = Wire.Connect(port.Address.Port);
        _ = other.Send("PROXY TCP4 192.0.2.9 198.51.100.2 56324 443\r\n"u8);
        loop.Until(() => _factory.Built.Count == 2, "another client");
        first.Dispose();
        loop.Until(() => _factory.Built[0].IsLost, "the end of the first");
        using Socket third = Wire.Connect(port.Address.Port);
        _ = third.Send(Header);
        loop.Until(() => _factory.Built.Count == 3, "the first client again");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void TheAddressLimit_WithoutHeaders_ResetsAtOnce(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var options = new ListenOptions { AddressLimit = new AddressLimit(2) };
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, _factory, options);
        using Socket first = Wire.Connect(port.Address.Port);
        using Socket second = Wire.Connect(port.Address.Port);
        using Socket third = Wire.Connect(port.Address.Port);
        loop.Until(() => port.RejectedByAddress == 1, "the third");
        Wire.WaitForReset(third);
        Assert.AreEqual(2, port.Connections);
        Assert.Contains("too many connections", loop.Log.Entries.Single().Text);
        second.Dispose();
        loop.Until(() => port.Connections == 1, "the end of the second");
        using Socket fourth = Wire.Connect(port.Address.Port);
        loop.Until(() => port.Connections == 2, "the fourth");
    }
}
