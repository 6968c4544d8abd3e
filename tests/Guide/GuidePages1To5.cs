using System.Globalization;
using System.Text;
using Poetry.Net;
using Poetry.Tests.Testing;
using Poetry.Tests.Tutorial;

namespace Poetry.Tests.Guide;

/// <summary>The listings of docs/guide, pages 1 to 5, and solutions of their exercises.</summary>
[TestClass]
public sealed class GuidePages1To5 : TutorialExample
{
    [TestMethod]
    public void Page1_ThreeTasks_EndAfterTheLongest()
    {
        ManualClock clock = Clock;
        void Start(string name, int seconds)
        {
            Print($"{name} starts");
            clock.CallLater(TimeSpan.FromSeconds(seconds), () => Print($"{name} ends at {clock.Now.TotalSeconds} s"));
        }

        Start("A", 3);
        Start("B", 1);
        Start("C", 2);
        clock.Pump(1, 1, 1);
        Expect("A starts", "B starts", "C starts", "B ends at 1 s", "C ends at 2 s", "A ends at 3 s");
    }

    [TestMethod]
    public void Page1_Exercise1_BStartsWhenAEnds()
    {
        void Start(string name, int seconds, Action? then = null) => Clock.CallLater(TimeSpan.FromSeconds(seconds), () =>
        {
            Print($"{name} ends at {Clock.Now.TotalSeconds} s");
            then?.Invoke();
        });

        Start("A", 3, () => Start("B", 1));
        Start("C", 2);
        Clock.Pump(1, 1, 1, 1);
        Expect("C ends at 2 s", "A ends at 3 s", "B ends at 4 s");
    }

    [TestMethod]
    public void Page1_Exercise2_OneCallATaskWaits()
    {
        foreach (int seconds in (int[])[3, 1, 2])
        {
            var delay = TimeSpan.FromSeconds(seconds);
            Clock.CallLater(delay, () => Clock.CallLater(delay, () => Print($"{seconds}")));
        }

        for (int turn = 0; turn < 6; turn++)
        {
            Assert.IsLessThanOrEqualTo(3, Clock.PendingCount);
            Clock.Advance(1);
        }

        Expect("1", "2", "3");
    }

    [TestMethod]
    public void Page2_TheLoop_CallsUntilStop()
    {
        using var reactor = new Reactor();
        int count = 3;
        void Tick()
        {
            Print($"{count}");
            if (--count == 0)
            {
                reactor.Stop();
                return;
            }

            reactor.CallLater(TimeSpan.FromMilliseconds(10), Tick);
        }

        reactor.CallWhenRunning(Tick);
        Print("before Run");
        reactor.Run();
        Print("after Run");
        Expect("before Run", "3", "2", "1", "after Run");
    }

    [TestMethod]
    public void Page2_Exercise1_ALoopingCall()
    {
        int count = 3;
        LoopingCall? loop = null;
        loop = new LoopingCall(Clock, () =>
        {
            Print($"{count}");
            if (--count == 0)
            {
                loop!.Stop();
            }
        });
        loop.Start(TimeSpan.FromSeconds(1)).AddCallback(() => Print("stopped"));
        Clock.Pump(1, 1, 1);
        Expect("3", "2", "1", "stopped");
    }

    [TestMethod]
    public void Page2_Exercise2_TwoCountdowns()
    {
        using var reactor = new Reactor();
        int running = 2;
        void Start(string name, int count, int ms)
        {
            if (count > 0)
            {
                Print($"{name}{count}");
                reactor.CallLater(TimeSpan.FromMilliseconds(ms), () => Start(name, count - 1, ms));
            }
            else if (--running == 0)
            {
                reactor.Stop();
            }
        }

        reactor.CallWhenRunning(() => Start("a", 2, 10));
        reactor.CallWhenRunning(() => Start("b", 1, 50));
        reactor.Run();
        Expect("a2", "b1", "a1");
    }

    [TestMethod]
    public void Page3_AClient_CollectsAPoem()
    {
        using var reactor = new Reactor();
        int port = ServePoem(reactor, "A word\nis a stone\n");
        reactor.Connect(Endpoint.Tcp("127.0.0.1", port), new PoemFactory(poem =>
        {
            Print(poem);
            reactor.Stop();
        }), timeout: TimeSpan.FromSeconds(10));
        reactor.Run();
        Expect("A word\nis a stone\n");
    }

    [TestMethod]
    public void Page3_Exercise1_TwoAtOnce()
    {
        using var reactor = new Reactor();
        int port = ServePoem(reactor, "stone");
        int running = 2;
        var factory = new PoemFactory(poem =>
        {
            Print(poem);
            if (--running == 0)
            {
                reactor.Stop();
            }
        });
        reactor.Connect(Endpoint.Tcp("127.0.0.1", port), factory, TimeSpan.FromSeconds(10));
        reactor.Connect(Endpoint.Tcp("127.0.0.1", port), factory, TimeSpan.FromSeconds(10));
        reactor.Run();
        Expect("stone", "stone");
    }

    [TestMethod]
    public void Page3_Exercise2_NoServer()
    {
        using var reactor = new Reactor();
        ListeningPort port = reactor.ListenTcp(SocketAddress.Ip([127, 0, 0, 1], 0), new PoemServerFactory([]));
        int free = port.Address.Port;
        port.StopListening();
        reactor.Connect(Endpoint.Tcp("127.0.0.1", free), new PoemFactory(poem =>
        {
            Print(poem);
            reactor.Stop();
        }), TimeSpan.FromSeconds(10));
        reactor.Run();
        Expect("failed: connection refused");
    }

    [TestMethod]
    public void Page4_AChain_RunsWhenItFires()
    {
        var poem = new Deferred<string>();
        poem.AddCallback(text => text.ToUpperInvariant())
            .AddCallback(text => text.Length)
            .AddCallback(length => Print($"{length} characters"));
        Print("nothing yet");
        poem.Callback("a word");
        Expect("nothing yet", "6 characters");
    }

    [TestMethod]
    public void Page4_AddedLater_RunsAtOnce()
    {
        var ready = Deferred.Succeed(2);
        ready.AddCallback(x => Print($"got {x}"));
        Expect("got 2");
    }

    [TestMethod]
    public void Page4_AReturnedDeferred_IsWaitedFor()
    {
        var first = new Deferred<int>();
        var second = new Deferred<int>();
        first.AddCallback(x => second).AddCallback(y => Print($"the second gave {y}"));
        first.Callback(1);
        Print("first has fired");
        second.Callback(2);
        Expect("first has fired", "the second gave 2");
    }

    [TestMethod]
    public void Page4_Exercise1_TheFactoryFiresADeferred()
    {
        using var reactor = new Reactor();
        var client = new PoemClientFactory();
        reactor.Connect(Endpoint.Tcp("127.0.0.1", ServePoem(reactor, "stone")), client, TimeSpan.FromSeconds(10));
        client.Poem.AddCallback(Print).AddBoth(reactor.Stop);
        reactor.Run();
        Expect("stone");
    }

    [TestMethod]
    public void Page4_Exercise2_FiringTwice()
    {
        var once = new Deferred<int>();
        once.Callback(1);
        Assert.ThrowsExactly<AlreadyCalledError>(() => once.Callback(2));
        var cancelled = new Deferred<int>();
        cancelled.AddErrback<CancelledError>(_ => 0);
        cancelled.Cancel();
        cancelled.Callback(1);
        Assert.ThrowsExactly<AlreadyCalledError>(() => cancelled.Callback(2));
    }

    [TestMethod]
    public void Page5_AFailure_IsHandledByTheNextErrback()
    {
        int Parse(string text) => int.Parse(text, CultureInfo.InvariantCulture);

        var answer = new Deferred<string>();
        answer
            .AddCallback(Parse)
            .AddCallback(x => x * 2)
            .AddErrback<FormatException>(e => -1)
            .AddCallback(x => Print($"result {x}"));
        answer.Callback("twelve");
        Expect("result -1");
    }

    [TestMethod]
    public void Page5_BothKinds()
    {
        var file = new Deferred<string>();
        file.AddCallbacks(text => Print($"read {text}"), failure => Print($"failed: {failure.Message}"))
            .AddBoth(() => Print("closed"));
        file.Errback(new IOException("disk error"));
        Expect("failed: disk error", "closed");
    }

    [TestMethod]
    public void Page5_Exercise1_Synchronous()
    {
        int result;
        try
        {
            result = int.Parse("twelve", CultureInfo.InvariantCulture) * 2;
        }
        catch (FormatException)
        {
            result = -1;
        }

        Assert.AreEqual(-1, result);
    }

    [TestMethod]
    public void Page5_Exercise2_AnErrbackThatThrows()
    {
        Deferred.Fail<int>(new IOException("first"))
            .AddErrback(new Func<Failure, int>(_ => throw new InvalidOperationException("second")))
            .AddErrback(failure => Print(failure.Message));
        Expect("second");
    }

    internal static int ServePoem(Reactor reactor, string poem) => reactor
        .ListenTcp(SocketAddress.Ip([127, 0, 0, 1], 0), new PoemServerFactory(Encoding.UTF8.GetBytes(poem))).Address.Port;

    private sealed class PoemProtocol(PoemFactory factory) : Protocol
    {
        private readonly MemoryStream _poem = new();

        protected internal override void DataReceived(ReadOnlySpan<byte> data) => _poem.Write(data);

        protected internal override void ConnectionLost(Failure reason)
        {
            if (reason.Check<ConnectionDone>())
            {
                factory.Finish(Encoding.UTF8.GetString(_poem.ToArray()));
            }
            else
            {
                factory.Finish($"failed: {reason.Message}");
            }
        }
    }

    private sealed class PoemFactory(Action<string> finish) : ClientFactory
    {
        public void Finish(string poem) => finish(poem);

        protected internal override Protocol BuildProtocol(in SocketAddress peer) => new PoemProtocol(this);

        protected internal override void ClientConnectionFailed(Connector connector, Failure reason) => finish($"failed: {reason.Message}");
    }
}
