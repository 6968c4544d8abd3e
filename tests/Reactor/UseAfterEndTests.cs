using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>Use after the end, from inside, and twice: one clear exception each, or nothing. On every backend.</summary>
[TestClass]
public sealed class UseAfterEndTests
{
    private readonly CollectingLog _log = new();

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AReactorThatHasEnded_RefusesPortsConnectsAndDescriptors(string backend)
    {
        Reactor reactor = Backends.OpenReactor(backend, _log);
        reactor.CallWhenRunning(reactor.Stop);
        reactor.Run();
        AssertEnded(reactor);
        reactor.Dispose();
        AssertEnded(reactor);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AReactorThatNeverRan_RefusesThemWhenItIsDisposed(string backend)
    {
        Reactor reactor = Backends.OpenReactor(backend, _log);
        reactor.Dispose();
        AssertEnded(reactor);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Run_FromInside_IsRefused_AndTheLoopGoesOn(string backend)
    {
        using Reactor reactor = Backends.OpenReactor(backend, _log);
        bool wentOn = false;
        reactor.CallWhenRunning(reactor.Run);
        _ = reactor.CallLater(TimeSpan.Zero, () =>
        {
            wentOn = true;
            reactor.Stop();
        });
        reactor.Run();
        Assert.IsTrue(wentOn);
        Assert.HasCount(1, _log.Exceptions);
        Assert.AreEqual("a reactor runs once", _log.Exceptions[0].Message);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AFactoryThatReturnsNull_ResetsTheClient(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(0, new ScriptedFactory(() => null));
        var client = new ScriptedFactory();
        _ = loop.Reactor.ConnectTcp("127.0.0.1", port.Address.Port, client);

        // On this machine the reset is often there before the client looks whether it is connected.
        loop.Until(() => client.ConnectFailures.Count + client.Ends.Count > 0, "the reset");
        Failure reason = client.ConnectFailures.Count > 0 ? client.ConnectFailures[0] : client.Ends[0];
        Assert.IsTrue(reason.Check<ConnectError>() || reason.Check<ConnectionLost>(), reason.Message);
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AClientFactoryThatReturnsNull_FailsTheConnect(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(0, new ScriptedFactory());
        Failure? reason = null;
        _ = Endpoint.Tcp("127.0.0.1", port.Address.Port).Connect(loop.Reactor, new ScriptedFactory(() => null))
            .AddErrback(failure => { reason = failure; });
        loop.Until(() => reason is not null, "the failure");
        Assert.AreEqual("the factory built no protocol", reason!.Trap<ConnectError>().Message);
    }

    [TestMethod]
    public void ACancellerThatCancelsAgain_IsCalledOnce()
    {
        int calls = 0;
        var deferred = new Deferred<int>(d =>
        {
            calls++;
            d.Cancel();
        });
        deferred.Cancel();
        Assert.AreEqual(1, calls);
        Assert.IsTrue(DeferredTests.FailureOf(deferred).Check<CancelledError>());
    }

    [TestMethod]
    public void ACancellerThatThrows_IsCalledAgainByTheNextCancel()
    {
        int calls = 0;
        var deferred = new Deferred<int>(_ =>
        {
            if (++calls == 1)
            {
                throw new NotSupportedException();
            }
        });
        _ = Assert.ThrowsExactly<NotSupportedException>(deferred.Cancel);
        Assert.IsFalse(deferred.Called);
        deferred.Cancel();
        Assert.AreEqual(2, calls);
        Assert.IsTrue(DeferredTests.FailureOf(deferred).Check<CancelledError>());
    }

    [TestMethod]
    public void AFunctionThatFiresItsOwnDeferred_FailsTheChain()
    {
        var deferred = new Deferred<int>();
        _ = deferred.AddCallback(_ => deferred.Callback(2));
        deferred.Callback(1);
        Assert.IsTrue(DeferredTests.FailureOf(deferred).Check<AlreadyCalledError>());
    }

    [TestMethod]
    public void ACallThatTurnsItsOwnClock_SeesTheOthersRun()
    {
        var clock = new ManualClock();
        var order = new List<int>();
        _ = clock.CallLater(TimeSpan.FromSeconds(1), () =>
        {
            order.Add(1);
            clock.Advance(1);
            order.Add(3);
        });
        _ = clock.CallLater(TimeSpan.FromSeconds(2), () => order.Add(2));
        clock.Advance(1);
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, order);
    }

    [TestMethod]
    public void AProtocolWithoutAConnection_MayUseItsTransport()
    {
        var protocol = new ScriptedProtocol();
        MemoryTransport transport = MemoryTransport.Connect(protocol);
        transport.PeerResets();
        protocol.Transport.Write("late"u8);
        protocol.Transport.LoseConnection();
        protocol.Transport.AbortConnection();
        Assert.AreEqual("", transport.SentText);
        _ = Assert.ThrowsExactly<ArgumentNullException>(() => protocol.MakeConnection(null!));
    }

    private static void AssertEnded(Reactor reactor)
    {
        var factory = new ScriptedFactory();
        _ = Assert.ThrowsExactly<ReactorNotRunning>(() => reactor.ListenTcp(0, factory));
        _ = Assert.ThrowsExactly<ReactorNotRunning>(() => reactor.ListenUnix("/nonexistent/socket", factory));
        _ = Assert.ThrowsExactly<ReactorNotRunning>(() => reactor.ConnectTcp("127.0.0.1", 1, factory));
        _ = Assert.ThrowsExactly<ReactorNotRunning>(() => reactor.AddReader(new Nothing()));
        _ = Assert.ThrowsExactly<ReactorNotRunning>(reactor.Stop);
        _ = Assert.ThrowsExactly<InvalidOperationException>(reactor.Run);
    }

    private sealed class Nothing() : Descriptor(-1)
    {
        protected internal override void DoRead()
        {
        }

        protected internal override void DoWrite()
        {
        }

        protected internal override void ConnectionLost(Failure reason)
        {
        }
    }
}
