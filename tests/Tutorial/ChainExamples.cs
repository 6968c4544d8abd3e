using System.Runtime.CompilerServices;
using Poetry.Net;

namespace Poetry.Tests.Tutorial;

/// <summary>twisted-deferred/: how a chain is fired, and what its functions get.</summary>
[TestClass]
public sealed class ChainExamples : TutorialExample
{
    [TestMethod]
    public void Defer1_Success()
    {
        var d = new Deferred<string>();
        d.AddCallbacks(GotPoem, PoemFailed);
        d.Callback("This poem is short.");
        Print("Finished");
        Expect("Your poem is served:", "This poem is short.", "Finished");
    }

    [TestMethod]
    public void Defer2_Failure()
    {
        var d = new Deferred<string>();
        d.AddCallbacks(GotPoem, PoemFailed);
        d.Errback(new Failure(new InvalidOperationException("I have failed.")));
        Print("Finished");
        Expect("No poetry for you.", "Finished");
    }

    [TestMethod]
    public void Defer3_AnExceptionBecomesAFailure()
    {
        var d = new Deferred<string>();
        d.AddCallbacks(GotPoem, PoemFailed);
        d.Errback(new InvalidOperationException("I have failed."));
        Print("Finished");
        Expect("No poetry for you.", "Finished");
    }

    [TestMethod]
    public void Defer4_TwoResults()
    {
        Deferred<string> d = PrintEither();
        d.Callback("First result");
        PrintThrown(() => d.Callback("Second result"));
        Expect("First result", "AlreadyCalledError");
    }

    [TestMethod]
    public void Defer5_ResultThenError()
    {
        Deferred<string> d = PrintEither();
        d.Callback("First result");
        PrintThrown(() => d.Errback(new InvalidOperationException("First error")));
        Expect("First result", "AlreadyCalledError");
    }

    [TestMethod]
    public void Defer6_TwoErrors()
    {
        Deferred<string> d = PrintEither();
        d.Errback(new InvalidOperationException("First error"));
        PrintThrown(() => d.Errback(new InvalidOperationException("Second error")));
        Expect("First error", "AlreadyCalledError");
    }

    [TestMethod]
    public void Defer7_ErrorThenResult()
    {
        Deferred<string> d = PrintEither();
        d.Errback(new InvalidOperationException("First error"));
        PrintThrown(() => d.Callback("First result"));
        Expect("First error", "AlreadyCalledError");
    }

    [TestMethod]
    public void Defer8_FiredByTheLoop_BothWaysStopIt()
    {
        bool stopped = false;
        var d = new Deferred<string>();
        d.AddCallbacks(
            poem =>
            {
                Print(poem);
                stopped = true;
            },
            _ =>
            {
                Print("poem download failed");
                stopped = true;
            });
        Clock.CallLater(TimeSpan.Zero, () => d.Callback("Another short poem."));
        Clock.Advance(0);
        Assert.IsTrue(stopped);
        Expect("Another short poem.");
    }

    [TestMethod]
    public void Defer9_AddBothIsTheFinallyOfAChain()
    {
        bool stopped = false;
        var d = new Deferred<string>();
        d.AddCallbacks(Print, _ => Print("poem download failed")).AddBoth(() => stopped = true);
        Clock.CallLater(TimeSpan.Zero, () => d.Callback("Another short poem."));
        Clock.Advance(0);
        Assert.IsTrue(stopped);
        Expect("Another short poem.");
    }

    [TestMethod]
    public void Defer10_ACallbackReturnsADeferred()
    {
        var d = new Deferred<int>();
        d.AddCallback(Callback1).AddCallback(Callback2).AddCallback(Callback3);
        d.Callback(0);

        var inner = new Deferred<int>();
        d = new Deferred<int>();
        d.AddCallback(Callback1).AddCallback(result =>
        {
            Print($"callback_2 got {result}");
            return inner;
        }).AddCallback(Callback3);
        d.Callback(0);
        Print("callback_3 is missing, until the inner deferred fires:");
        inner.Callback(2);
        Expect(
            "callback_1 got 0", "callback_2 got 1", "callback_3 got 2", "callback_1 got 0", "callback_2 got 1",
            "callback_3 is missing, until the inner deferred fires:", "callback_3 got 2");
    }

    [TestMethod]
    public void Defer10_AnErrbackReturnsADeferred()
    {
        var inner = new Deferred<int>();
        var d = new Deferred<int>();
        d.AddErrback(failure =>
        {
            Print($"errback got {failure.Message}");
            return inner;
        }).AddCallback(Callback3);
        d.Errback(new InvalidOperationException("1"));
        Print("waiting");
        inner.Callback(2);
        Expect("errback got 1", "waiting", "callback_3 got 2");
    }

    [TestMethod]
    public void Defer11_FiredBeforeItHasCallbacks()
    {
        var d = new Deferred<int>();
        Print("Firing empty deferred.");
        d.Callback(0);
        Print("Adding first callback.");
        d.AddCallback(Callback1);
        Print("Adding second callback.");
        d.AddCallback(Callback2);
        Print("Adding third callback.");
        d.AddCallback(Callback3);

        d = new Deferred<int>();
        Print("Pausing, then firing deferred.");
        d.Pause();
        d.Callback(0);
        Print("Adding callbacks.");
        d.AddCallback(Callback1).AddCallback(Callback2).AddCallback(Callback3);
        Print("Unpausing the deferred.");
        d.Unpause();
        Expect(
            "Firing empty deferred.",
            "Adding first callback.", "callback_1 got 0",
            "Adding second callback.", "callback_2 got 1",
            "Adding third callback.", "callback_3 got 2",
            "Pausing, then firing deferred.", "Adding callbacks.", "Unpausing the deferred.",
            "callback_1 got 0", "callback_2 got 1", "callback_3 got 2");
    }

    [TestMethod]
    public void Defer11_FailedBeforeItHasErrbacks()
    {
        Deferred<string> d = Deferred.Fail<string>(new InvalidOperationException("too early"));
        Print("Adding callback.");
        d.AddCallback(GotPoem);
        Print("Adding errback.");
        d.AddErrback(PoemFailed);
        Expect("Adding callback.", "Adding errback.", "No poetry for you.");
    }

    [TestMethod]
    public void DeferUnhandled_IsReportedAfterTheEnd()
    {
        Forget();
        Print("Finished");
        PrintUnhandled();
        Expect("Finished", "Unhandled error in Deferred:", "InvalidOperationException: oops");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget()
        {
            var d = new Deferred<string>();
            d.AddCallback(_ => throw new InvalidOperationException("oops"));
            d.Callback("Here is your result.");
        }
    }

    private Deferred<string> PrintEither() => new Deferred<string>().AddCallbacks(Print, failure => Print(failure.Message));

    private void GotPoem(string poem)
    {
        Print("Your poem is served:");
        Print(poem);
    }

    private void PoemFailed(Failure failure) => Print("No poetry for you.");

    private int Callback1(int result)
    {
        Print($"callback_1 got {result}");
        return 1;
    }

    private int Callback2(int result)
    {
        Print($"callback_2 got {result}");
        return 2;
    }

    private int Callback3(int result)
    {
        Print($"callback_3 got {result}");
        return 3;
    }
}
