using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// What a callback throws is logged with its stack and costs its own connection; another connection, which is there all
/// the while, goes on, and so does the loop. On every backend, for every callback there is.
/// </summary>
[TestClass]
public sealed class CallbackThrowsTests
{
    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ADelayedCall_CostsNoConnection(string backend) => AssertLogged(backend, loop =>
        loop.Reactor.CallLater(TimeSpan.Zero, Throw));

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ACallFromAThread_CostsNoConnection(string backend) => AssertLogged(backend, loop =>
        loop.Reactor.CallFromThread(Throw));

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void BuildProtocol_IsAReset(string backend) => AssertResets(backend, new ScriptedFactory(() =>
    {
        Throw();
        return null;
    }));

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ConnectionMade_IsAReset(string backend) => AssertResets(backend, new ScriptedFactory(() => new ScriptedProtocol
    {
        OnMade = _ => Throw(),
    }));

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void DataReceived_IsAReset(string backend) => AssertResets(backend, new ScriptedFactory(() => new ScriptedProtocol
    {
        OnData = (_, _) => Throw(),
    }));

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ReadConnectionLost_IsAReset(string backend) => AssertResets(backend, new ScriptedFactory(() => new ScriptedProtocol
    {
        OnReadLost = _ => Throw(),
    }));

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void AProducer_IsAReset(string backend)
    {
        var producer = new ThrowingProducer();
        AssertResets(backend, new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol =>
            {
                protocol.Transport.RegisterProducer(producer);
                while (!producer.IsPaused)
                {
                    protocol.Transport.Write(new byte[1 << 20]);
                }
            },
            OnReadLost = _ => { },
        }));
        Assert.AreEqual(1, producer.ResumeCount);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ConnectionLost_CostsNothingMore(string backend)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol => protocol.Transport.LoseConnection(),
            OnLost = (_, _) => Throw(),
        });
        AssertLogged(backend, loop =>
        {
            using (loop.Connected(factory))
            {
            }

            loop.Until(() => factory.Only.IsLost, "the end of the connection");
        });
        Assert.AreEqual(1, factory.ReleasedCount);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Release_CostsNothingMore(string backend)
    {
        var factory = new ScriptedFactory { OnRelease = Throw };
        AssertLogged(backend, loop =>
        {
            ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
            using (Wire.Connect(port.Address.Port))
            {
                loop.Until(() => port.Connections == 1, "the connection");
            }

            loop.Until(() => port.Connections == 0, "its end");
        });
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ClientConnectionLost_CostsNothingMore(string backend)
    {
        var factory = new ScriptedFactory { OnLost = (_, _) => Throw() };
        AssertLogged(backend, loop =>
        {
            using FaultServer server = FaultServer.Sending([1]);
            _ = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", server.Port), factory, TimeSpan.FromMinutes(1));
            loop.Until(() => factory.Ends.Count == 1, "the end of the connection");
        });
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ClientConnectionFailed_CostsNothingMore(string backend)
    {
        var factory = new ScriptedFactory { OnFailed = (_, _) => Throw() };
        AssertLogged(backend, loop =>
        {
            _ = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", FaultServer.FreePort()), factory, TimeSpan.FromMinutes(1));
            loop.Until(() => factory.ConnectFailures.Count == 1, "the failure");
        });
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void BuildProtocolOfAClient_FailsTheConnect(string backend)
    {
        var factory = new ScriptedFactory(() =>
        {
            Throw();
            return null;
        });
        AssertLogged(backend, loop =>
        {
            using FaultServer server = FaultServer.Sending([1]);
            _ = loop.Reactor.Connect(Endpoint.Tcp("127.0.0.1", server.Port), factory, TimeSpan.FromMinutes(1));
            loop.Until(() => factory.ConnectFailures.Count == 1, "the failure");
            Assert.IsTrue(factory.ConnectFailures[0].Check<NotSupportedException>());
        });
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ABareDescriptor_IsGivenUp(string backend) => AssertLogged(backend, loop =>
    {
        using var pipe = new PipeReader(loop.Reactor) { OnRead = Throw };
        pipe.Write(1);
        loop.Until(() => pipe.LostCount == 1, "the end of the descriptor");
        Assert.AreEqual(1, pipe.ReadCount);
    });

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ABareDescriptorThatCannotBeGivenUpEither_IsWatchedNoMore(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var other = new PipeReader(loop.Reactor);
        using var pipe = new PipeReader(loop.Reactor) { OnRead = Throw, OnLost = Throw };
        pipe.Write(100);
        loop.Until(() => pipe.LostCount == 1, "the end of the descriptor");
        other.Write(1);
        loop.Until(() => other.ReadCount == 1, "the other descriptor's turn");
        Assert.AreEqual(1, pipe.ReadCount);
        Assert.HasCount(2, loop.Log.Exceptions);
    }

    /// <summary>Memory runs out in a callback, and again in the log: that costs this connection, and the loop goes on.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void OutOfMemory_InACallbackAndInTheLog_IsAReset(string backend)
    {
        var factory = new ScriptedFactory(() => new ScriptedProtocol { OnData = (_, _) => throw new InsufficientMemoryException() });
        var log = new ThrowingLog();
        using var reactor = new Reactor(Backends.Open(backend), log);
        ListeningPort port = reactor.ListenTcp(TurnedReactor.AnyPort, factory);
        for (int i = 1; i <= 2; i++)
        {
            using Socket client = Wire.Connect(port.Address.Port);
            _ = client.Send([1]);
            long deadline = Environment.TickCount64 + Patience.Milliseconds;
            while (factory.Built.Count < i || !factory.Built[^1].IsLost)
            {
                Assert.IsLessThan(deadline, Environment.TickCount64, "the end of the connection");
                reactor.Turn(1);
            }

            factory.Built[^1].AssertLost<InsufficientMemoryException>();
            Wire.WaitForReset(client);
        }

        Assert.AreEqual(2, log.Count);
    }

    /// <summary>One exception, logged with its stack, and a connection that does not mind.</summary>
    private static void AssertLogged(string backend, Action<TurnedReactor> act)
    {
        using var loop = new TurnedReactor(backend);
        var bystander = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnData = (protocol, data) => protocol.Transport.Write(data),
        });
        using Socket client = loop.Connected(bystander);
        act(loop);
        loop.Until(() => loop.Log.Exceptions.Length > 0, "the log");
        _ = client.Send([42]);
        loop.Until(() => client.Available == 1, "the answer of the bystander");
        Assert.IsFalse(bystander.Only.IsLost);
        Assert.HasCount(1, loop.Log.Exceptions);
        Assert.IsInstanceOfType<NotSupportedException>(loop.Log.Exceptions[0]);
        StringAssert.Contains(loop.Log.Exceptions[0].StackTrace, nameof(Throw));
    }

    /// <summary>The client, which sends a byte and its end and then reads, is told by a reset.</summary>
    private static void AssertResets(string backend, ScriptedFactory factory)
    {
        AssertLogged(backend, loop =>
        {
            ListeningPort port = loop.Reactor.ListenTcp(TurnedReactor.AnyPort, factory);
            bool wasReset = loop.While(() =>
            {
                using Socket client = Wire.Connect(port.Address.Port);
                try
                {
                    _ = client.Send([1]);
                    client.Shutdown(SocketShutdown.Send);
                }
                catch (SocketException)
                {
                    return true;
                }

                return Wire.ReadToEnd(client, _ => { });
            });
            Assert.IsTrue(wasReset, "the client was not told");
            Assert.AreEqual(0, port.Connections);
        });
        foreach (ScriptedProtocol protocol in factory.Built)
        {
            protocol.AssertLost<NotSupportedException>();
        }
    }

    private static void Throw() => throw new NotSupportedException("thrown by the test");

    private sealed class ThrowingProducer : IProducer
    {
        public int ResumeCount { get; private set; }

        public bool IsPaused { get; private set; }

        public void PauseProducing() => IsPaused = true;

        public void ResumeProducing()
        {
            ResumeCount++;
            Throw();
        }
    }

    /// <summary>A log without memory.</summary>
    private sealed class ThrowingLog : ILogger
    {
        public int Count { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Count++;
            throw new InsufficientMemoryException();
        }
    }
}
