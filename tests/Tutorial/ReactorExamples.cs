using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Tutorial;

/// <summary>basic-twisted/: what a loop does, on the real reactor. A second of the scripts is a millisecond here.</summary>
[TestClass]
public sealed class ReactorExamples : TutorialExample
{
    private readonly CollectingLog _log = new();

    [TestMethod]
    public void Hello_IsCalledOnceTheLoopRuns()
    {
        using var reactor = new Reactor(_log);
        reactor.CallWhenRunning(() =>
        {
            Print("Hello from the reactor loop!");
            Print("Lately I feel like I'm stuck in a rut.");

            // The script goes on for ever.
            reactor.Stop();
        });
        Print("Starting the reactor.");
        reactor.Run();
        Expect("Starting the reactor.", "Hello from the reactor loop!", "Lately I feel like I'm stuck in a rut.");
    }

    [TestMethod]
    public void Stack_TheLoopIsAtTheBottom()
    {
        string stack = string.Empty;
        using var reactor = new Reactor(_log);
        reactor.CallWhenRunning(() =>
        {
            stack = Environment.StackTrace;
            reactor.Stop();
        });
        reactor.Run();
        int callback = stack.IndexOf(nameof(Stack_TheLoopIsAtTheBottom), StringComparison.Ordinal);
        int turn = stack.IndexOf($"{nameof(Reactor)}.{nameof(Reactor.Turn)}", StringComparison.Ordinal);
        int run = stack.IndexOf($"{nameof(Reactor)}.{nameof(Reactor.Run)}(", StringComparison.Ordinal);
        Assert.IsLessThan(turn, callback, stack);
        Assert.IsLessThan(run, turn, stack);
    }

    [TestMethod]
    public void Countdown_OneAfterTheOther()
    {
        using var reactor = new Reactor(_log);
        int counter = 5;
        void Count()
        {
            if (counter == 0)
            {
                Print("Stop!");
                reactor.Stop();
                return;
            }

            Print($"{counter} ...");
            counter--;
            reactor.CallLater(TimeSpan.FromMilliseconds(1), Count);
        }

        reactor.CallWhenRunning(Count);
        Print("Start!");
        TimeSpan start = reactor.Now;
        reactor.Run();
        Expect("Start!", "5 ...", "4 ...", "3 ...", "2 ...", "1 ...", "Stop!");
        Assert.IsGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(5), reactor.Now - start, "no call came too early");
    }

    [TestMethod]
    public void Exception_OneCallFalls_TheNextRunsAllTheSame()
    {
        using var reactor = new Reactor(_log);
        reactor.CallWhenRunning(() => throw new InvalidOperationException("I fall down."));
        reactor.CallWhenRunning(() => Print("But I get up again."));
        reactor.CallWhenRunning(reactor.Stop);
        Print("Starting the reactor.");
        reactor.Run();
        Expect("Starting the reactor.", "But I get up again.");

        Exception logged = _log.Exceptions.Single();
        Assert.AreEqual("I fall down.", logged.Message);
        StringAssert.Contains(logged.StackTrace, nameof(Exception_OneCallFalls_TheNextRunsAllTheSame));
    }
}
