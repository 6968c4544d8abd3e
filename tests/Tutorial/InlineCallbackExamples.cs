using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Tutorial;

/// <summary>inline-callbacks/: chains written as methods. What Twisted calls yield is await here.</summary>
[TestClass]
public sealed class InlineCallbackExamples : TutorialExample
{
    [TestMethod]
    public void InlineCallbacks1_ValuesComeBackAtOnceDeferredsLater()
    {
        async Deferred MyCallbacks()
        {
            Print("first callback");
            int result = await Deferred.Succeed(1);
            Print($"second callback got {result}");
            result = await After(5, d => d.Callback(2));
            Print($"third callback got {result}");
            try
            {
                await After(5, d => d.Errback(new InvalidOperationException("3")));
            }
            catch (InvalidOperationException exception)
            {
                Print($"fourth callback got {exception.Message}");
            }
        }

        Clock.CallLater(TimeSpan.Zero, () => { _ = MyCallbacks(); });
        Clock.Pump(0, 4.9);
        Expect("first callback", "second callback got 1");
        Clock.Pump(0.1, 5);
        Expect("first callback", "second callback got 1", "third callback got 2", "fourth callback got 3");
    }

    [TestMethod]
    public void InlineCallbacks2_TwoOfThemTakeTurns()
    {
        async Deferred<int> MyCallbacks1()
        {
            Print("my_callbacks_1 first callback");
            await After(2, d => d.Callback(0));
            Print("my_callbacks_1 second callback");
            await After(2, d => d.Callback(0));
            Print("my_callbacks_1 third callback");
            return 1;
        }

        async Deferred<int> MyCallbacksErr()
        {
            Print("my_callbacks_err first callback");
            await After(3, d => d.Callback(0));
            Print("my_callbacks_err second callback");
            await After(3, d => d.Callback(0));
            Print("my_callbacks_err third callback");
            throw new InvalidOperationException("uh oh");
        }

        int finished = 0;
        void Listen(Deferred<int> d) => d
            .AddCallbacks(result => Print($"got result: {result}"), failure => Print($"got error: {failure.Message}"))
            .AddBoth(() =>
            {
                if (++finished == 2)
                {
                    Print("all done");
                }
            });

        Listen(MyCallbacks1());
        Listen(MyCallbacksErr());
        Clock.Pump(1, 1, 1, 1, 1, 1);
        Expect(
            "my_callbacks_1 first callback", "my_callbacks_err first callback",
            "my_callbacks_1 second callback", "my_callbacks_err second callback",
            "my_callbacks_1 third callback", "got result: 1",
            "my_callbacks_err third callback", "got error: uh oh", "all done");
    }

    /// <summary>A method that continues runs on the stack of a callback: the code that fired the deferred is on it.</summary>
    [TestMethod]
    public void InlineCallbacksTb_TheLoopIsOnTheStack()
    {
        string? stack = null;
        async Deferred MyCallbacks()
        {
            await After(1, d => d.Callback(1));
            stack = Environment.StackTrace;
        }

        _ = MyCallbacks();
        Clock.Advance(1);
        StringAssert.Contains(stack, $"{nameof(ManualClock)}.{nameof(ManualClock.Advance)}");
        StringAssert.Contains(stack, nameof(MyCallbacks));
    }

    /// <summary>The same on a real reactor, after work in another thread: nothing goes on there.</summary>
    [TestMethod]
    public void InlineCallbacksTb_GoesOnInTheThreadOfTheLoop()
    {
        using var reactor = new Reactor(LostFailures.Log);
        int here = Environment.CurrentManagedThreadId;
        string? stack = null;
        async Deferred MyCallbacks()
        {
            try
            {
                int there = await reactor.DeferToThread(() => Environment.CurrentManagedThreadId);
                Assert.AreNotEqual(here, there);
                Assert.AreEqual(here, Environment.CurrentManagedThreadId);
                stack = Environment.StackTrace;
            }
            finally
            {
                reactor.Stop();
            }
        }

        Deferred? ended = null;
        reactor.CallWhenRunning(() => ended = MyCallbacks());
        reactor.Run();
        Assert.IsNull(ended!.CurrentFailure);
        StringAssert.Contains(stack, $"{nameof(Reactor)}.{nameof(Reactor.Run)}(");
    }

    /// <summary>A pitfall of Part 17: what reads one after the other happens one after the other.</summary>
    [TestMethod]
    public void SequentialWhereParallelWasPossible()
    {
        async Deferred Sequential()
        {
            for (int i = 0; i < 3; i++)
            {
                await After(2, d => d.Callback(0));
            }

            Print($"one after the other: {Clock.Now.TotalSeconds}");
        }

        async Deferred Parallel()
        {
            await Deferred.GatherResults([After(2, Fire), After(2, Fire), After(2, Fire)]);
            Print($"all at once: {Clock.Now.TotalSeconds}");
        }

        static void Fire(Deferred<int> d) => d.Callback(0);
        _ = Sequential();
        _ = Parallel();
        Clock.Pump(2, 2, 2);
        Expect("all at once: 2", "one after the other: 6");
    }

    /// <summary>An exercise of Part 17: a loop without an end is a process. Its deferred never fires with a result; it ends
    /// by a failure, or by being cancelled.</summary>
    [TestMethod]
    public void Heartbeat_AnEndlessLoopEndsWhenItIsCancelled()
    {
        async Deferred Beat()
        {
            while (true)
            {
                await Clock.Sleep(TimeSpan.FromSeconds(1));
                Print("beat");
            }
        }

        Deferred heart = Beat();
        Clock.Pump(1, 1);
        Assert.IsFalse(heart.Called);
        heart.Cancel();
        heart.AddErrback(failure => Print(failure.ExceptionType.Name));
        Clock.Pump(1, 1);
        Expect("beat", "beat", nameof(CancelledError));
        Assert.AreEqual(0, Clock.PendingCount);
    }

    /// <summary>An exercise of Part 17: which orders are possible, and which are seen. In theory any; here that of the
    /// arrivals, and between two arrivals nothing else runs.</summary>
    [TestMethod]
    public void Interleavings_AreTheOrderOfTheArrivals()
    {
        async Deferred Download(string name, params double[] pauses)
        {
            foreach (double pause in pauses)
            {
                await After(pause, d => d.Callback(0));
                Print($"{name} begins a piece");
                Print($"{name} ends it");
            }
        }

        _ = Download("a", 1, 3);
        _ = Download("b", 2, 1);
        Clock.Pump(1, 1, 1, 1);
        Expect(
            "a begins a piece", "a ends it", "b begins a piece", "b ends it",
            "b begins a piece", "b ends it", "a begins a piece", "a ends it");
    }

    private Deferred<int> After(double seconds, Action<Deferred<int>> fire)
    {
        var d = new Deferred<int>();
        Clock.CallLater(TimeSpan.FromSeconds(seconds), () => fire(d));
        return d;
    }
}
