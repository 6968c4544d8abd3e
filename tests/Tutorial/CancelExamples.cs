using System.Runtime.CompilerServices;
using Poetry.Net;

namespace Poetry.Tests.Tutorial;

/// <summary>deferred-cancel/: how who no longer wants a result tells so who makes it.</summary>
[TestClass]
public sealed class CancelExamples : TutorialExample
{
    [TestMethod]
    public void DeferCancel1_NobodyHandlesIt()
    {
        Cancel();
        Print("done");
        PrintUnhandled();
        Expect("done", "Unhandled error in Deferred:", "CancelledError: cancelled");

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Cancel()
        {
            var d = new Deferred<string>();
            d.AddCallback(result => Print($"callback got: {result}"));
            d.Cancel();
        }
    }

    [TestMethod]
    public void DeferCancel2_TheErrbackGetsIt()
    {
        Deferred<string> d = Listen(new Deferred<string>());
        d.Cancel();
        Print("done");
        Expect("errback got: CancelledError: cancelled", "done");
    }

    [TestMethod]
    public void DeferCancel3_TooLateToCancel()
    {
        Deferred<string> d = Listen(new Deferred<string>());
        d.Callback("result");
        d.Cancel();
        Print("done");
        Expect("callback got: result", "done");
    }

    [TestMethod]
    public void DeferCancel4_TooLateToFire()
    {
        Deferred<string> d = Listen(new Deferred<string>());
        d.Cancel();
        d.Callback("result");
        Print("done");
        Expect("errback got: CancelledError: cancelled", "done");
    }

    [TestMethod]
    public void DeferCancel5_TheCancellerIsAsked()
    {
        Deferred<string> d = Listen(new Deferred<string>(_ => Print("I need to cancel this deferred")));
        d.Cancel();
        Print("done");
        Expect("I need to cancel this deferred", "errback got: CancelledError: cancelled", "done");
    }

    [TestMethod]
    public void DeferCancel6_TheCancellerHasAResult()
    {
        Deferred<string> d = Listen(new Deferred<string>(d =>
        {
            Print("I need to cancel this deferred");
            Print("Firing the deferred with a result");
            d.Callback("result");
        }));
        d.Cancel();
        Print("done");
        Expect("I need to cancel this deferred", "Firing the deferred with a result", "callback got: result", "done");
    }

    [TestMethod]
    public void DeferCancel7_TheCancellerHasAnError()
    {
        Deferred<string> d = Listen(new Deferred<string>(d =>
        {
            Print("I need to cancel this deferred");
            Print("Firing the deferred with an error");
            d.Errback(new InvalidOperationException("error!"));
        }));
        d.Cancel();
        Print("done");
        Expect(
            "I need to cancel this deferred", "Firing the deferred with an error",
            "errback got: InvalidOperationException: error!", "done");
    }

    [TestMethod]
    public void DeferCancel8_TooLateToAskTheCanceller()
    {
        Deferred<string> d = Listen(new Deferred<string>(_ => Print("I need to cancel this deferred")));
        d.Callback("result");
        d.Cancel();
        Print("done");
        Expect("callback got: result", "done");
    }

    [TestMethod]
    public void DeferCancel9_APoemInFiveSeconds()
    {
        GetPoem().AddCallbacks(GotPoem, PoemError);
        Clock.Pump(2, 3, 5);
        Expect("Sending poem", "I got a poem: Once upon a midnight dreary");
    }

    [TestMethod]
    public void DeferCancel10_CancelledAfterTwo_ItIsSentAllTheSame()
    {
        Deferred<string> d = GetPoem();
        d.AddCallbacks(GotPoem, PoemError);
        Clock.CallLater(TimeSpan.FromSeconds(2), d.Cancel);
        Clock.Pump(2, 3, 5);
        Expect("get_poem failed: CancelledError: cancelled", "Sending poem");
    }

    [TestMethod]
    public void DeferCancel11_CancelledAfterTwo_ItIsNotSent()
    {
        DelayedCall? sending = null;
        var d = new Deferred<string>(_ => sending!.Cancel());
        sending = Clock.CallLater(TimeSpan.FromSeconds(5), () => SendPoem(d));
        d.AddCallbacks(GotPoem, PoemError);
        Clock.CallLater(TimeSpan.FromSeconds(2), d.Cancel);
        Clock.Pump(2, 3, 5);
        Expect("get_poem failed: CancelledError: cancelled");
    }

    [TestMethod]
    public void DeferCancel12_TheInnerOneIsCancelled()
    {
        var outer = new Deferred<string>(_ => Print("outer cancel callback."));
        var inner = new Deferred<string>(_ => Print("inner cancel callback."));
        outer.AddCallback(_ =>
        {
            Print("first outer callback, returning inner deferred");
            return inner;
        });
        outer.AddCallbacks(
            result => Print($"second outer callback got: {result}"), failure => Print($"outer errback got: {Show(failure)}"));
        outer.Callback("result");
        Print("canceling outer deferred.");
        outer.Cancel();
        Print("done");
        Expect(
            "first outer callback, returning inner deferred", "canceling outer deferred.", "inner cancel callback.",
            "outer errback got: CancelledError: cancelled", "done");
    }

    /// <summary>The exercise of Part 19: the same with a clock, cancelled while the outer one waits for the inner one.</summary>
    [TestMethod]
    public void DeferCancel12_OnAClock()
    {
        Deferred<string> outer = new Deferred<string>();
        Clock.CallLater(TimeSpan.FromSeconds(1), () => outer.Callback("title"));
        outer.AddCallback(title =>
        {
            Print($"asking for {title}");
            return GetPoem();
        }).AddCallbacks(GotPoem, PoemError);
        Clock.CallLater(TimeSpan.FromSeconds(3), outer.Cancel);
        Clock.Pump(1, 1, 1, 3);
        Expect("asking for title", "get_poem failed: CancelledError: cancelled", "Sending poem");
    }

    private Deferred<string> Listen(Deferred<string> d) => d.AddCallbacks(
        result => Print($"callback got: {result}"), failure => Print($"errback got: {Show(failure)}"));

    private Deferred<string> GetPoem()
    {
        var d = new Deferred<string>();
        Clock.CallLater(TimeSpan.FromSeconds(5), () => SendPoem(d));
        return d;
    }

    private void SendPoem(Deferred<string> d)
    {
        Print("Sending poem");
        d.Callback("Once upon a midnight dreary");
    }

    private void GotPoem(string poem) => Print($"I got a poem: {poem}");

    private void PoemError(Failure failure) => Print($"get_poem failed: {Show(failure)}");
}
