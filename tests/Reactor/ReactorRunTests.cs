using System.Diagnostics;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>How a reactor begins and ends, and what it owes to other threads. On every backend.</summary>
[TestClass]
public sealed class ReactorRunTests
{
    private readonly CollectingLog _log = new();
    private readonly List<string> _calls = [];
    private Reactor? _reactor;

    public static IEnumerable<object[]> AllBackends => Backends.All;

    [TestCleanup]
    public void DisposeReactor() => _reactor?.Dispose();

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void CallWhenRunning_BeforeRun_CallsInTheLoop(string backend)
    {
        Reactor reactor = Make(backend);
        reactor.CallWhenRunning(() => _calls.Add(reactor.Running ? "running" : "too early"));
        reactor.CallWhenRunning(reactor.Stop);
        AssertCalls();
        Run(reactor);
        AssertCalls("running");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void CallWhenRunning_InTheLoop_CallsAtOnce(string backend)
    {
        Reactor reactor = Make(backend);
        reactor.CallWhenRunning(() =>
        {
            reactor.CallWhenRunning(() => _calls.Add("inner"));
            _calls.Add("outer");
            reactor.Stop();
        });
        Run(reactor);
        AssertCalls("inner", "outer");
    }

    /// <summary>Descriptors may have run out for a moment.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Run_ThatCouldNotBegin_HasNotRun(string backend)
    {
        var poller = new FaultyPoller(Backends.Open(backend)) { RefusedAdds = 1 };
        Reactor reactor = _reactor = new Reactor(poller, _log);
        _ = Assert.ThrowsExactly<IOException>(reactor.Run);
        Assert.IsFalse(reactor.Running);
        reactor.CallWhenRunning(() =>
        {
            _calls.Add("running");
            reactor.Stop();
        });
        Run(reactor);
        AssertCalls("running");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Stop_InACallback_EndsRunAfterThisTurn(string backend)
    {
        Reactor reactor = Make(backend);
        _ = reactor.CallLater(TimeSpan.Zero, () =>
        {
            reactor.Stop();
            Assert.IsFalse(reactor.Running);
            _ = reactor.CallLater(TimeSpan.Zero, () => _calls.Add("the next turn"));
        });
        _ = reactor.CallLater(TimeSpan.Zero, () => _calls.Add("the same turn"));
        reactor.ShuttingDown += () => _calls.Add("shutting down");
        Run(reactor);
        AssertCalls("the same turn", "shutting down");
        Assert.IsFalse(reactor.Running);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Stop_WhenItIsNotRunning_IsReactorNotRunning(string backend)
    {
        Reactor reactor = Make(backend);
        _ = Assert.ThrowsExactly<ReactorNotRunning>(reactor.Stop);
        reactor.CallWhenRunning(() =>
        {
            reactor.Stop();
            _ = Assert.ThrowsExactly<ReactorNotRunning>(reactor.Stop);
        });
        reactor.ShuttingDown += () => Assert.ThrowsExactly<ReactorNotRunning>(reactor.Stop);
        Run(reactor);
        _ = Assert.ThrowsExactly<ReactorNotRunning>(reactor.Stop);
        Assert.IsEmpty(_log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Run_Twice_IsRefused(string backend)
    {
        Reactor reactor = Make(backend);
        reactor.CallWhenRunning(() =>
        {
            _ = Assert.ThrowsExactly<InvalidOperationException>(reactor.Run);
            reactor.Stop();
        });
        Run(reactor);
        _ = Assert.ThrowsExactly<InvalidOperationException>(reactor.Run);
        Assert.IsEmpty(_log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void ShuttingDown_OneThatThrows_CostsTheOthersNothing(string backend)
    {
        Reactor reactor = Make(backend);
        reactor.ShuttingDown += () => throw new NotSupportedException("the first");
        reactor.ShuttingDown += () => _calls.Add("the second");
        reactor.CallWhenRunning(reactor.Stop);
        Run(reactor);
        AssertCalls("the second");
        Assert.HasCount(1, _log.Exceptions);
        Assert.IsInstanceOfType<NotSupportedException>(_log.Exceptions[0]);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void CallLater_BeforeRun_IsMeasuredFromTheMomentItIsAsked(string backend)
    {
        Reactor reactor = Make(backend);
        TimeSpan made = reactor.Now;
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < TimeSpan.FromMilliseconds(1))
        {
            // Only the clock has to go on.
        }

        DelayedCall call = reactor.CallLater(TimeSpan.FromSeconds(1), () => { });
        Assert.IsGreaterThan(made + TimeSpan.FromSeconds(1), call.Due);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void CallLater_AfterNoTime_ComesInTheNextTurn(string backend)
    {
        using var loop = new TurnedReactor(backend);
        int turn = 0;
        using var pipe = new PipeReader(loop.Reactor);
        pipe.OnRead = () =>
        {
            int asked = turn;
            _ = loop.Reactor.CallLater(TimeSpan.Zero, () => _calls.Add($"asked in turn {asked}, called in {turn}"));
        };
        pipe.Write(1);
        while (_calls.Count == 0)
        {
            loop.Reactor.Turn(turn == 0 ? Patience.Milliseconds : 0);
            turn++;
            Assert.IsLessThan(5, turn);
        }

        AssertCalls("asked in turn 0, called in 1");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void CallFromThread_FromManyThreads_KeepsTheOrderOfEach(string backend)
    {
        const int Threads = 10;
        const int Calls = 10_000;
        Reactor reactor = Make(backend);
        int[] next = new int[Threads];
        int made = 0;
        int loopThread = Environment.CurrentManagedThreadId;
        var threads = new List<Thread>();
        for (int i = 0; i < Threads; i++)
        {
            int number = i;
            threads.Add(new Thread(() =>
            {
                for (int call = 0; call < Calls; call++)
                {
                    int expected = call;
                    reactor.CallFromThread(() =>
                    {
                        Assert.AreEqual(expected, next[number]++, $"the order of thread {number}");
                        Assert.AreEqual(loopThread, Environment.CurrentManagedThreadId);
                        if (++made == Threads * Calls)
                        {
                            reactor.Stop();
                        }
                    });
                }
            }));
        }

        reactor.CallWhenRunning(() => threads.ForEach(thread => thread.Start()));
        Run(reactor);
        threads.ForEach(thread => thread.Join());
        Assert.AreEqual(Threads * Calls, made);
        Assert.IsEmpty(_log.Exceptions);
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void CallFromThread_WakesAnIdleLoop(string backend)
    {
        Reactor reactor = Make(backend);
        // The next call is made only when the one before has come: each finds the loop asleep or about to sleep.
        var thread = new Thread(() =>
        {
            using var came = new AutoResetEvent(false);
            for (int i = 0; i < 1000; i++)
            {
                reactor.CallFromThread(() => came.Set());
                Assert.IsTrue(came.WaitOne(Patience.Milliseconds), $"call {i} did not wake the loop");
            }

            reactor.CallFromThread(reactor.Stop);
        });
        reactor.CallWhenRunning(thread.Start);
        Run(reactor);
        thread.Join();
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void CallFromThread_BeforeRunAndAfterIt_IsMadeThenAndNever(string backend)
    {
        Reactor reactor = Make(backend);
        reactor.CallFromThread(() => _calls.Add("before"));
        reactor.CallFromThread(() => reactor.CallFromThread(reactor.Stop));
        Run(reactor);
        reactor.CallFromThread(() => _calls.Add("after"));
        AssertCalls("before");
    }

    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void IsReactorThread_IsTrueOnlyThereWhileItRuns(string backend)
    {
        Reactor reactor = Make(backend);
        bool elsewhere = true;
        Assert.IsTrue(reactor.IsReactorThread);
        reactor.CallWhenRunning(() =>
        {
            Assert.IsTrue(reactor.IsReactorThread);
            var thread = new Thread(() => elsewhere = reactor.IsReactorThread);
            thread.Start();
            thread.Join();
            reactor.Stop();
        });
        Run(reactor);
        Assert.IsFalse(elsewhere);
        Assert.IsEmpty(_log.Exceptions);
    }

    /// <summary>Two ports, connections in every state, a connect under way, and then the end. The guard finds what stays open.</summary>
    [TestMethod]
    [DynamicData(nameof(AllBackends))]
    public void Run_Ended_HasClosedEverything(string backend)
    {
        using var loop = new TurnedReactor(backend);
        using var unanswered = new UnansweredPort();
        string path = TestListener.FreshPath();
        var talking = new ScriptedFactory();
        var sending = new ScriptedFactory(() => new ScriptedProtocol
        {
            OnMade = protocol => protocol.Transport.Write(new byte[8 << 20]),
        });
        var closing = new ScriptedFactory(() => new ScriptedProtocol { OnMade = protocol => protocol.Transport.LoseConnection() });
        var connecting = new ScriptedFactory();
        ListeningPort unix = loop.Reactor.ListenUnix(path, talking);
        using (loop.Connected(talking))
        using (loop.Connected(sending))
        using (loop.Connected(closing))
        using (Wire.Connect(path))
        {
            _ = loop.Reactor.Connect(unanswered.Endpoint, connecting, TimeSpan.FromHours(1));
            loop.Until(() => talking.Built.Count == 2, "the client of the Unix socket");
            Assert.IsTrue(unix.Listening);
            loop.Reactor.CallWhenRunning(loop.Reactor.Stop);
            loop.Reactor.Run();
        }

        Assert.IsFalse(unix.Listening);
        Assert.IsFalse(File.Exists(path));
        Assert.AreEqual(0, loop.Reactor.Connections.Count);
        talking.Built[0].AssertLost<ConnectionAborted>();
        sending.Only.AssertLost<ConnectionAborted>();
        Assert.HasCount(1, connecting.ConnectFailures);
        Assert.IsEmpty(loop.Log.Exceptions);
    }

    private Reactor Make(string backend) => _reactor = Backends.OpenReactor(backend, _log);

    private static void Run(Reactor reactor)
    {
        bool ranOut = false;
        _ = reactor.CallLater(TimeSpan.FromMilliseconds(Patience.Milliseconds), () =>
        {
            ranOut = true;
            reactor.Stop();
        });
        reactor.Run();
        Assert.IsFalse(ranOut, "the reactor was not stopped");
    }

    private void AssertCalls(params string[] calls) => CollectionAssert.AreEqual(calls, _calls);
}
