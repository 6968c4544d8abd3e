using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>Connecting, in all the ways in which it can fail, be stopped and be begun again. Every backend.</summary>
[TestClass]
public sealed class ConnectorTests
{
    private static readonly TimeSpan Ages = TimeSpan.FromHours(1);

    private readonly ScriptedFactory _factory = new();

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_ToAServer_MakesTheConnectionInALaterTurn(string backend)
    {
        using FaultServer server = FaultServer.Sending([1, 2, 3]);
        using var loop = new TurnedReactor(backend);
        Connector connector = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", server.Port), _factory, Ages);
        Assert.IsEmpty(_factory.Built);
        _ = Assert.ThrowsExactly<InvalidOperationException>(connector.Connect);
        loop.Until(() => _factory.Ends.Count == 1, "the end of the connection");
        Assert.AreEqual(3, _factory.Only.ReceivedCount);
        _factory.Only.AssertLost<ConnectionDone>();
        Assert.AreEqual(1, _factory.ReleasedCount);
        Assert.IsEmpty(_factory.ConnectFailures);
        Assert.AreEqual(0, loop.Reactor.DelayedCalls, "no time-out was forgotten");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_ToAUnixSocket_MakesTheConnection(string backend)
    {
        string path = TestListener.FreshPath();
        var serving = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol => protocol.Transport.WriteLast("poem"u8.ToArray()),
        });
        using var loop = new TurnedReactor(backend);
        _ = loop.Reactor.ListenUnix(path, serving);
        _ = loop.Reactor.Connect(Endpoint.Unix(path), _factory, Ages);
        Assert.IsEmpty(_factory.Built);
        loop.Until(() => _factory.Ends.Count == 1, "the end of the connection");
        Assert.IsTrue(_factory.Only.Received.SequenceEqual("poem"u8));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_Refused_FailsInALaterTurn(string backend)
    {
        using var loop = new TurnedReactor(backend);
        _ = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", FaultServer.FreePort()), _factory, Ages);
        AssertFails(loop, Errno.ECONNREFUSED, "connection refused");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_NoSuchUnixSocket_FailsInALaterTurn(string backend)
    {
        using var loop = new TurnedReactor(backend);
        _ = loop.Reactor.Connect(Endpoint.Unix(TestListener.FreshPath()), _factory, Ages);
        AssertFails(loop, Errno.ENOENT, "no such file or directory");
    }

    /// <summary>The name comes from a thread, which has to wake the loop: so this one runs.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_UnknownHost_IsALookupError(string backend)
    {
        using var loop = new TurnedReactor(backend);
        _factory.OnFailed = (_, _) => loop.Reactor.Stop();
        _ = loop.Reactor.Connect(Endpoint.Tcp("no-such-host.invalid", 80), _factory, Ages);
        loop.Reactor.Run();
        Assert.HasCount(1, _factory.ConnectFailures);
        Assert.IsTrue(_factory.ConnectFailures[0].Check<DNSLookupError>());
        Assert.AreEqual("unknown host", _factory.ConnectFailures[0].Message);
        Assert.AreEqual(0, loop.Reactor.DelayedCalls);
    }

    /// <summary>
    /// localhost has two addresses where the machine has IPv6, and the server only listens on one: the other is refused,
    /// whichever comes first.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_ANameWithSeveralAddresses_TriesThemInTurn(string backend)
    {
        foreach (bool isIPv6 in new[] { false, true })
        {
            using var loop = new TurnedReactor(backend);
            var serving = new ScriptedFactory();
            ListeningPort port = loop.Reactor.ListenTcp(isIPv6 ? TurnedReactor.AnyPort6 : TurnedReactor.AnyPort, serving);
            if (isIPv6 && !Array.Exists(System.Net.Dns.GetHostAddresses("localhost"), System.Net.IPAddress.IPv6Loopback.Equals))
            {
                Assert.Inconclusive("localhost has no IPv6 address here");
            }

            var factory = new ScriptedFactory(() => new ScriptedProtocol { OnMade = _ => loop.Reactor.Stop() })
            {
                OnFailed = (_, _) => loop.Reactor.Stop(),
            };
            _ = loop.Reactor.Connect(Endpoint.Tcp("localhost", port.Address.Port), factory, Ages);
            loop.Reactor.Run();
            Assert.IsEmpty(factory.ConnectFailures);
            Assert.IsTrue(factory.Only.IsMade);
        }
    }

    [TestMethod]
    public void Interleave_LetsTheFamiliesAlternate()
    {
        SocketAddress[] addresses = [Address("::1"), Address("::2"), Address("::3"), Address("10.0.0.1"), Address("10.0.0.2")];
        Connector.Interleave(addresses);
        CollectionAssert.AreEqual(
            new[] { Address("::1"), Address("10.0.0.1"), Address("::2"), Address("10.0.0.2"), Address("::3") }, addresses);

        static SocketAddress Address(string text) => SocketAddress.Ip(System.Net.IPAddress.Parse(text), 80);
    }

    /// <summary>The first address does not answer; the second is tried soon, long before the time-out of the connect.</summary>
    [TestMethod]
    [DoNotParallelize]
    [DynamicData(nameof(AllBackends))]
    public void Connect_FirstAddressIsSilent_TriesTheNextMeanwhile(string backend)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("127.0.0.2 is an address of Linux only");
        }

        using var silent = new UnansweredPort();
        using var loop = new TurnedReactor(backend);
        Func<string, System.Net.IPAddress[]> original = Resolver.GetAddresses;
        Resolver.GetAddresses = _ => [System.Net.IPAddress.Parse("127.0.0.1"), System.Net.IPAddress.Parse("127.0.0.2")];
        try
        {
            ListeningPort port = loop.Reactor.ListenTcp(SocketAddress.Ip([127, 0, 0, 2], (ushort)silent.Port), new ScriptedFactory());
            loop.Reactor.Prepare();
            _ = loop.Reactor.Connect(Endpoint.Tcp("two.example", silent.Port), _factory, Ages);
            loop.Until(() => _factory.Built.Count == 1 && port.Accepted == 1, "the connection");
        }
        finally
        {
            Resolver.GetAddresses = original;
        }

        Assert.AreEqual(0, loop.Reactor.DelayedCalls, "no time-out was forgotten");
        Assert.IsEmpty(_factory.ConnectFailures);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_Unanswered_TimesOut(string backend)
    {
        using var silent = new UnansweredPort();
        using var loop = new TurnedReactor(backend);
        _ = loop.Reactor.Connect(silent.Endpoint, _factory, TimeSpan.FromMilliseconds(50));
        AssertFails(loop, Errno.ETIMEDOUT, "connecting timed out after 0.05 s");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_InNoTimeAtAll_TimesOut(string backend)
    {
        using var silent = new UnansweredPort();
        using var loop = new TurnedReactor(backend);
        _ = loop.Reactor.Connect(silent.Endpoint, _factory, TimeSpan.Zero);
        AssertFails(loop, Errno.ETIMEDOUT, "connecting timed out after 0 s");
        _ = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            loop.Reactor.Connect(silent.Endpoint, _factory, TimeSpan.FromTicks(-1)));
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void StopConnecting_UnderWay_IsCancelledAtOnce(string backend)
    {
        using var silent = new UnansweredPort();
        using var loop = new TurnedReactor(backend);
        Connector connector = loop.Reactor.Connect(silent.Endpoint, _factory, Ages);
        loop.Reactor.Turn(0);
        loop.Reactor.Turn(0);
        connector.StopConnecting();
        Assert.HasCount(1, _factory.ConnectFailures);
        Assert.IsTrue(_factory.ConnectFailures[0].Check<CancelledError>());
        connector.StopConnecting();
        connector.Disconnect(reset: true);
        connector.Disconnect();
        loop.Reactor.Turn(0);
        Assert.HasCount(1, _factory.ConnectFailures);
        Assert.AreEqual(0, loop.Reactor.DelayedCalls);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void StopConnecting_DuringTheLookup_IsCancelledAtOnce(string backend)
    {
        using var loop = new TurnedReactor(backend);
        Connector connector = loop.Reactor.Connect(Endpoint.Tcp("no-such-host.invalid", 80), _factory, Ages);
        loop.Reactor.Turn(0);
        connector.StopConnecting();
        Assert.HasCount(1, _factory.ConnectFailures);
        Assert.IsTrue(_factory.ConnectFailures[0].Check<CancelledError>());
    }

    /// <summary>Stopped and begun anew before it had even begun: it connects once.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_RightAfterStopConnecting_ConnectsOnce(string backend)
    {
        var serving = new ScriptedFactory();
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, serving);
        int failures = 0;
        _factory.OnFailed = (failed, _) =>
        {
            if (++failures < 3)
            {
                failed.Connect();
                failed.StopConnecting();
            }
            else
            {
                failed.Connect();
            }
        };
        Connector connector = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", port.Address.Port), _factory, Ages);
        connector.StopConnecting();
        loop.Until(() => _factory.Built.Count == 1 && serving.Built.Count == 1, "the connection");
        connector.Disconnect();
        loop.Until(() => loop.Reactor.Connections.Count == 0, "the end");
        Assert.AreEqual(1, port.Accepted);
        Assert.HasCount(1, _factory.Built);
        Assert.HasCount(3, _factory.ConnectFailures);
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Disconnect_WithReset_ResetsTheConnection(string backend)
    {
        var serving = new ScriptedFactory();
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, serving);
        Connector connector = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", port.Address.Port), _factory, Ages);
        loop.Until(() => _factory.Built.Count == 1 && serving.Built.Count == 1, "the connection");
        connector.Disconnect(reset: true);
        Assert.IsFalse(_factory.Only.IsLost);
        loop.Until(() => _factory.Ends.Count == 1 && serving.Only.IsLost, "the end");
        _factory.Only.AssertLost<ConnectionAborted>();
        serving.Only.AssertLost<ConnectionLost>();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Disconnect_Connected_ClosesKindly(string backend)
    {
        var serving = new ScriptedFactory();
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, serving);
        Connector connector = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", port.Address.Port), _factory, Ages);
        loop.Until(() => _factory.Built.Count == 1 && serving.Built.Count == 1, "the connection");
        _factory.Only.Transport.Write("goodbye"u8);
        connector.Disconnect();
        loop.Until(() => _factory.Ends.Count == 1 && serving.Only.IsLost, "the end");
        _factory.Only.AssertLost<ConnectionDone>();
        serving.Only.AssertLost<ConnectionDone>();
        Assert.AreEqual(7, serving.Only.ReceivedCount);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_AfterAnEnd_ConnectsAnew(string backend)
    {
        using FaultServer server = FaultServer.Sending([1]);
        using var loop = new TurnedReactor(backend);
        _factory.OnLost = (connector, _) =>
        {
            if (_factory.Ends.Count < 3)
            {
                connector.Connect();
            }
        };
        _ = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", server.Port), _factory, Ages);
        loop.Until(() => _factory.Ends.Count == 3, "three connections");
        Assert.HasCount(3, _factory.Built);
        _factory.Built.ForEach(protocol => protocol.AssertLost<ConnectionDone>());
        Assert.AreEqual(0, loop.Reactor.DelayedCalls);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void BuildProtocol_GivesNull_SaysSo(string backend)
    {
        var serving = new ScriptedFactory();
        var refusing = new ScriptedFactory(() => null);
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, serving);
        _ = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", port.Address.Port), refusing, Ages);
        loop.Until(() => refusing.ConnectFailures.Count == 1 && serving.Built.Count == 1, "the failure");
        Assert.IsInstanceOfType<ConnectError>(refusing.ConnectFailures[0].Exception);
        Assert.AreEqual("the factory built no protocol", refusing.ConnectFailures[0].Message);
        loop.Until(() => serving.Only.IsLost, "the end");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Connect_ThatCannotBeWatched_Fails(string backend)
    {
        var poller = new FaultyPoller(Backends.Open(backend));
        using var silent = new UnansweredPort();
        using var loop = new TurnedReactor(poller);
        poller.RefusedAdds = 1;
        _ = loop.Reactor.Connect(silent.Endpoint, _factory, Ages);
        AssertFails(loop, Errno.ENOSPC, Errno.ENOSPC.Sentence());
    }

    private void AssertFails(TurnedReactor loop, Errno error, string message)
    {
        Assert.IsEmpty(_factory.ConnectFailures, "not inside Connect");
        loop.Until(() => _factory.ConnectFailures.Count > 0, "the failure");
        loop.Reactor.Turn(0);
        Assert.HasCount(1, _factory.ConnectFailures);
        Assert.AreEqual(message, _factory.ConnectFailures[0].Message);
        Assert.AreEqual(error, ((ConnectError)_factory.ConnectFailures[0].Exception).Error);
        Assert.IsEmpty(_factory.Built);
        Assert.AreEqual(0, loop.Reactor.DelayedCalls);
        Assert.IsEmpty(loop.Log.Exceptions);
    }
}
