using System.Net.Sockets;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// Protocols, factories and timers that throw, return null, re-enter, or are used after their end: one clear exception or
/// report each, and nothing else suffers. What is not here is in <see cref="UseAfterEndTests"/>, and for cancellers and the
/// functions of deferreds, which know no backend, in DeferredTests and DeferredAsyncTests.
/// </summary>
[TestClass]
public sealed class MisdeedTests
{
    public static IEnumerable<object[]> AllBackends => Backends.All;

    /// <summary>Every backend with every call of a protocol.</summary>
    public static IEnumerable<object[]> ProtocolCalls
    {
        get
        {
            foreach (object[] backend in Backends.All)
            {
                foreach (string call in (string[])["made", "data", "read lost", "lost"])
                {
                    yield return [backend[0], call];
                }
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(ProtocolCalls))]
    public void AProtocolThatThrows_IsReported_AndCostsItsConnectionOnly(string backend, string call)
    {
        using var loop = new TurnedReactor(backend);
        bool isFirst = true;
        var factory = new ScriptedFactory(() =>
        {
            bool throws = isFirst;
            isFirst = false;
            void Throw(string now) => _ = throws && now == call ? throw new NotSupportedException(call) : now;
            return new ScriptedProtocol
            {
                OnMade = _ => Throw("made"),
                OnData = (_, _) => Throw("data"),
                OnReadLost = _ => Throw("read lost"),
                OnLost = (_, _) => Throw("lost"),
            };
        });
        using Socket client = loop.Connected(factory);
        using Socket other = loop.Connected(factory);
        if (call != "made")
        {
            _ = client.Send("x"u8);
            client.Shutdown(SocketShutdown.Send);
        }

        if (call == "lost")
        {
            loop.Until(() => factory.Built[0].Calls.Contains("read lost"), "the end of the input");
            factory.Built[0].Transport.AbortConnection();
        }

        loop.Until(() => factory.Built[0].IsLost, "the end of the first");
        Assert.HasCount(1, loop.Log.Exceptions);
        Assert.AreEqual(call, loop.Log.Exceptions[0].Message);
        _ = other.Send("y"u8);
        loop.Until(() => factory.Built[1].ReceivedCount == 1, "the data of the second");
        Assert.IsFalse(factory.Built[1].IsLost);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AFactoryThatThrows_IsReported_AndServesTheNext(string backend)
    {
        using var loop = new TurnedReactor(backend);
        int builds = 0;
        var factory = new ScriptedFactory(() => ++builds == 1 ? throw new NotSupportedException("build") : new ScriptedProtocol())
        {
            OnRelease = () => throw new NotSupportedException("release"),
        };
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        using Socket refused = Wire.Connect(port.Address.Port);
        loop.Until(() => loop.Log.Exceptions.Length == 1, "the report of BuildProtocol");
        using (Socket served = Wire.Connect(port.Address.Port))
        {
            loop.Until(() => factory.Built.Count == 1 && factory.Only.IsMade, "the second");
        }

        loop.Until(() => loop.Log.Exceptions.Length == 2, "the report of Release");
        Assert.AreEqual("build", loop.Log.Exceptions[0].Message);
        Assert.AreEqual("release", loop.Log.Exceptions[1].Message);
        loop.Until(() => port.Connections == 0, "the end of all connections");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AClientFactoryThatThrows_IsReported_AndTheConnectorCanConnectAgain(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, new ScriptedFactory());
        int builds = 0;
        var factory = new ScriptedFactory(() => ++builds == 1 ? throw new NotSupportedException("build") : new ScriptedProtocol())
        {
            OnFailed = (_, _) => throw new NotSupportedException("failed"),
            OnLost = (_, _) => throw new NotSupportedException("lost"),
        };
        Connector connector = loop.Reactor.ConnectTcp("127.0.0.1", port.Address.Port, factory);
        loop.Until(() => loop.Log.Exceptions.Length == 2, "the reports of BuildProtocol and ClientConnectionFailed");
        Assert.IsTrue(factory.ConnectFailures[0].Check<NotSupportedException>());
        connector.Connect();
        loop.Until(() => factory.Built.Count == 1 && factory.Only.IsMade, "the connection");
        connector.Disconnect();
        loop.Until(() => loop.Log.Exceptions.Length == 3, "the report of ClientConnectionLost");
        Assert.AreEqual("lost", loop.Log.Exceptions[2].Message);
        connector.Connect();
        connector.StopConnecting();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AFactoryThatReenters_IsHarmless(string backend)
    {
        using var loop = new TurnedReactor(backend);
        ListeningPort port = null!;
        Connector connector = null!;
        var server = new ScriptedFactory(() =>
        {
            port.StopListening();
            return new ScriptedProtocol();
        });
        port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, server);
        var client = new ScriptedFactory(() =>
        {
            connector.StopConnecting();
            return new ScriptedProtocol();
        });
        connector = loop.Reactor.ConnectTcp("127.0.0.1", port.Address.Port, client);
        loop.Until(() => server.Built.Count == 1 && server.Only.IsLost, "the end of the connection that the client has cancelled");
        Assert.IsTrue(client.ConnectFailures[0].Check<CancelledError>());
        Assert.IsFalse(client.Only.IsMade, "it was cancelled while its protocol was built");
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AProtocolThatIsConnected_IsRefusedASecondConnection(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var only = new ScriptedProtocol();
        var factory = new ScriptedFactory(() => only);
        using Socket first = loop.Connected(factory);
        using Socket second = Wire.Connect(factory.Only.Transport.Host.Port);
        loop.Until(() => loop.Log.Exceptions.Length == 1, "the report");
        Assert.AreEqual("the protocol has a connection already", loop.Log.Exceptions[0].Message);
        _ = first.Send("x"u8);
        loop.Until(() => only.ReceivedCount == 1, "the data of the first connection");
        Assert.IsFalse(only.IsLost);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AProtocolThatReenters_IsToldOfItsEndOnceAndLast(string backend)
    {
        using var loop = new TurnedReactor(backend);
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnData = (protocol, _) =>
            {
                protocol.Transport.AbortConnection();
                protocol.Transport.Write("late"u8);
                protocol.Transport.LoseConnection();
                protocol.Transport.AbortConnection();
            },
            OnLost = (protocol, _) => protocol.Transport.AbortConnection(),
        });
        using Socket client = loop.Connected(factory);
        _ = client.Send("x"u8);
        loop.Until(() => factory.Only.IsLost, "the end");
        CollectionAssert.AreEqual(new[] { "made", "data", "lost" }, factory.Only.Calls);
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ATimerThatThrowsOrReturnsNull_IsReported_AndTheOthersRun(string backend)
    {
        using var loop = new TurnedReactor(backend);
        bool wentOn = false;
        _ = loop.Reactor.CallLater(TimeSpan.Zero, (Action)(() => throw new NotSupportedException("a timer")));
        _ = loop.Reactor.CallLater(TimeSpan.Zero, (Func<Deferred>)(() => null!));
        _ = loop.Reactor.CallLater(TimeSpan.Zero, () => { wentOn = true; });
        loop.Until(() => wentOn, "the third");
        Assert.HasCount(2, loop.Log.Exceptions);
        Assert.AreEqual("a timer", loop.Log.Exceptions[0].Message);
        Assert.AreEqual("a function returned null instead of a deferred", loop.Log.Exceptions[1].Message);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ATimerThatCancelsOrMovesItself_IsTooLate_AndIsReported(string backend)
    {
        using var loop = new TurnedReactor(backend);
        DelayedCall cancelled = null!, moved = null!;
        cancelled = loop.Reactor.CallLater(TimeSpan.Zero, () => cancelled.Cancel());
        moved = loop.Reactor.CallLater(TimeSpan.Zero, () => moved.Reset(TimeSpan.FromSeconds(1)));
        loop.Until(() => loop.Log.Exceptions.Length == 2, "both reports");
        Assert.IsInstanceOfType<AlreadyCalled>(loop.Log.Exceptions[0]);
        Assert.IsInstanceOfType<AlreadyCalled>(loop.Log.Exceptions[1]);
        Assert.AreEqual(0, loop.Reactor.DelayedCalls);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AReactorThatHasEnded_RefusesTimers(string backend)
    {
        Reactor reactor = Backends.OpenReactor(backend, new CollectingLog());
        DelayedCall left = reactor.CallLater(TimeSpan.FromHours(1), () => { });
        reactor.CallWhenRunning(reactor.Stop);
        reactor.Run();
        _ = Assert.ThrowsExactly<ReactorNotRunning>(() => reactor.CallLater(TimeSpan.Zero, () => { }));
        left.Cancel();
        reactor.Dispose();
        _ = Assert.ThrowsExactly<ReactorNotRunning>(() => reactor.CallLater(TimeSpan.Zero, () => { }));
    }
}
