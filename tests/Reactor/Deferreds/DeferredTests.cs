using System.Runtime.CompilerServices;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>The chain. What Twisted does in three thousand programs is in tests/Traces; here is what C# adds, and the edges.</summary>
[TestClass]
public sealed class DeferredTests
{
    [TestMethod]
    public void Callback_ThreeFunctions_EachGetsWhatTheOneBeforeReturned()
    {
        var deferred = new Deferred<int>();
        string? seen = null;
        deferred.AddCallback(x => x + 1).AddCallback(x => x * 2).AddCallback(x => { seen = $"got {x}"; });
        deferred.Callback(20);
        Assert.AreEqual("got 42", seen);
    }

    [TestMethod]
    public void AddCallback_SameType_IsTheSameObject()
    {
        var deferred = new Deferred<string>();
        Assert.AreSame(deferred, deferred.AddCallback(text => text + "!"));
        Assert.AreSame(deferred, deferred.AddErrback(failure => failure.Message));
        Assert.AreSame(deferred, deferred.AddBoth(outcome => outcome));
        Assert.AreSame(deferred, deferred.AddCallback(text => Deferred.Succeed(text)));
    }

    [TestMethod]
    public void AddCallback_OtherType_GoesOnUnderAnotherHandle()
    {
        var deferred = new Deferred<int>();
        Deferred<string> text = deferred.AddCallback(x => $"<{x}>");
        Deferred<int> length = text.AddCallback(x => x.Length);
        deferred.Callback(1000);
        Assert.AreEqual(6, ResultOf(length));
    }

    [TestMethod]
    public void AddCallback_OnAHandleThatWasLeft_Throws()
    {
        var deferred = new Deferred<int>();
        _ = deferred.AddCallback(x => $"<{x}>");
        Assert.ThrowsExactly<InvalidOperationException>(() => deferred.AddCallback(x => x + 1));
        Assert.ThrowsExactly<InvalidOperationException>(() => deferred.AddCallback(x => $"<{x}>"));
        Assert.ThrowsExactly<InvalidOperationException>(() => new DeferredList<int>([deferred]));
    }

    [TestMethod]
    public void Callback_OnAHandleFurtherDown_Throws()
    {
        var deferred = new Deferred<int>();
        Deferred<string> text = deferred.AddCallback(x => $"<{x}>");
        Assert.ThrowsExactly<InvalidOperationException>(() => text.Callback("no"));
        deferred.Callback(1);
        Assert.AreEqual("<1>", ResultOf(text));
    }

    [TestMethod]
    public void Failure_PassesTypesItIsNoneOf_ToTheNextErrback()
    {
        var deferred = new Deferred<int>();
        Deferred<string> text = deferred.AddCallback(x => $"<{x}>").AddCallback(x => x.Length).AddCallback(x => $"{x}")
            .AddErrback(failure => failure.Message);
        deferred.Errback(new InvalidOperationException("down"));
        Assert.AreEqual("down", ResultOf(text));
    }

    [TestMethod]
    public void Cancel_ByTheLastHandle_ReachesTheCanceller()
    {
        int cancelled = 0;
        var deferred = new Deferred<int>(_ => cancelled++);
        Deferred<string> text = deferred.AddCallback(x => $"<{x}>").AddErrback(failure => failure.Message);
        text.Cancel();
        Assert.AreEqual(1, cancelled);
        Assert.AreEqual("cancelled", ResultOf(text));
    }

    [TestMethod]
    public void Cancel_ByTheFirstHandle_ReachesWhatTheLastWaitsFor()
    {
        var inner = new Deferred<string>();
        var deferred = new Deferred<int>();
        Deferred<string> text = deferred.AddCallback(_ => inner);
        deferred.Callback(1);
        deferred.Cancel();
        Assert.IsTrue(inner.Called);
        Assert.IsTrue(FailureOf(text).Check<CancelledError>());
    }

    [TestMethod]
    public void Pause_ByAnyHandle_HoldsTheWholeChain()
    {
        var deferred = new Deferred<int>();
        int called = 0;
        Deferred<string> text = deferred.AddCallback(x => { called++; return $"<{x}>"; });
        text.Pause();
        deferred.Callback(1);
        Assert.AreEqual(0, called);
        deferred.Pause();
        text.Unpause();
        Assert.AreEqual(0, called);
        text.Unpause();
        Assert.AreEqual(1, called);
        deferred.Pause();
        _ = text.AddCallback(x => { called++; return x.Length; });
        Assert.AreEqual(1, called);
        text.Unpause();
        Assert.AreEqual(2, called);
    }

    [TestMethod]
    public void Unpause_WithoutPause_Throws() =>
        Assert.ThrowsExactly<InvalidOperationException>(new Deferred<int>().Unpause);

    [TestMethod]
    public void Function_ReturnsItsOwnDeferred_FailsInsteadOfWaitingForItself()
    {
        var deferred = new Deferred<int>();
        deferred.AddCallback(_ => deferred);
        deferred.Callback(1);
        Assert.IsTrue(FailureOf(deferred).Check<InvalidOperationException>());

        Deferred<string>? last = null;
        last = new Deferred<int>().AddCallback(_ => last!);
        last.Cancel();
        Assert.IsTrue(FailureOf(last).Check<CancelledError>());
    }

    [TestMethod]
    public void Callback_Twice_Throws()
    {
        var deferred = new Deferred<int>();
        deferred.Callback(1);
        Assert.ThrowsExactly<AlreadyCalledError>(() => deferred.Callback(2));
        Assert.ThrowsExactly<AlreadyCalledError>(() => deferred.Errback(new InvalidOperationException()));
    }

    [TestMethod]
    public void Cancel_WithoutCanceller_SwallowsOneLateResultAndNoMore()
    {
        var deferred = new Deferred<int>();
        deferred.AddErrback(_ => { });
        deferred.Cancel();
        deferred.Callback(1);
        Assert.ThrowsExactly<AlreadyCalledError>(() => deferred.Callback(2));
    }

    [TestMethod]
    public void WithCanceller_HandsItTheState()
    {
        var list = new List<string>();
        Deferred<int> deferred = Deferred.WithCanceller<List<string>, int>(list, static (list, deferred) =>
        {
            list.Add("stopped");
            deferred.Callback(7);
        });
        deferred.Cancel();
        Assert.AreEqual(7, ResultOf(deferred));
        CollectionAssert.AreEqual(new[] { "stopped" }, list);
    }

    [TestMethod]
    public void AddErrback_OfOneException_LetsOthersPass()
    {
        var deferred = new Deferred<int>();
        deferred.AddErrback<TimeoutException>(_ => 1).AddErrback<ArgumentException>(_ => 2);
        deferred.Errback(new ArgumentNullException());
        Assert.AreEqual(2, ResultOf(deferred));
    }

    [TestMethod]
    public void AddErrback_ThatTraps_ThrowsOthersOnWithTheirStack()
    {
        var deferred = new Deferred<int>();
        deferred.AddCallback(Throw).AddErrback(failure =>
        {
            failure.Trap<TimeoutException>();
            return 1;
        });
        deferred.Callback(0);
        Failure failure = FailureOf(deferred);
        Assert.IsTrue(failure.Check<NotSupportedException>());
        StringAssert.Contains(failure.ToString(), nameof(Throw));
    }

    [TestMethod]
    public void Outcomes_ValueFailureAndDeferred_CanStandInOneFunction()
    {
        Outcome<int> Choose(string what)
        {
            switch (what)
            {
                case "value":
                    return 5;
                case "failure":
                    return new Failure(new TimeoutException());
                default:
                    return Deferred.Succeed(6);
            }
        }

        Assert.AreEqual(5, ResultOf(Deferred.Succeed("value").AddCallback(Choose)));
        Assert.IsTrue(FailureOf(Deferred.Succeed("failure").AddCallback(Choose)).Check<TimeoutException>());
        Assert.AreEqual(6, ResultOf(Deferred.Succeed("deferred").AddCallback(Choose)));
    }

    [TestMethod]
    public void AddCallback_WithState_IsGivenIt() =>
        Assert.AreEqual("a1", ResultOf(Deferred.Succeed(1).AddCallback("a", static (state, x) => new Outcome<string>(state + x))));

    [TestMethod]
    public void AddBoth_Action_RunsEitherWayAndLeavesNothing()
    {
        int runs = 0;
        Assert.IsNull(ResultOf(Deferred.Succeed("a").AddBoth(() => { runs++; })));
        Assert.IsNull(ResultOf(Deferred.Fail<string>(new TimeoutException()).AddBoth(() => { runs++; })));
        Assert.AreEqual(2, runs);
    }

    [TestMethod]
    public void AddCallbacks_ErrbackIsNotForTheCallbackBesideIt()
    {
        Deferred<int> deferred = Deferred.Succeed(1).AddCallbacks(_ => throw new TimeoutException(), _ => 2);
        Assert.IsTrue(FailureOf(deferred).Check<TimeoutException>());
    }

    [TestMethod]
    public void MaybeDeferred_FourCases()
    {
        var deferred = new Deferred<int>();
        Assert.AreSame(deferred, Deferred.MaybeDeferred(() => deferred));
        Assert.AreSame(deferred, Deferred.MaybeDeferred(() => new Outcome<int>(deferred)));
        Assert.AreEqual(3, ResultOf(Deferred.MaybeDeferred(() => 3)));
        Assert.AreEqual(4, ResultOf(Deferred.MaybeDeferred(() => new Outcome<int>(4))));
        Assert.IsTrue(FailureOf(Deferred.MaybeDeferred(() => new Outcome<int>(new Failure(new TimeoutException()))))
            .Check<TimeoutException>());
        Assert.IsTrue(FailureOf(Deferred.MaybeDeferred(() => Throw(0))).Check<NotSupportedException>());
    }

    [TestMethod]
    public void ChainDeferred_HandsValueAndFailureOver()
    {
        var first = new Deferred<int>();
        var second = new Deferred<int>();
        first.ChainDeferred(second);
        first.Errback(new TimeoutException());
        Assert.IsTrue(FailureOf(second).Check<TimeoutException>());
        Assert.AreEqual(0, ResultOf(first));
    }

    /// <summary>The value that a deferred has come to, taken out of it.</summary>
    internal static T ResultOf<T>(Deferred<T> deferred)
    {
        Assert.IsTrue(deferred.IsAtRest, "the deferred has no result");
        return deferred.TakeResult();
    }

    /// <summary>The failure that a deferred has come to, taken out of it.</summary>
    internal static Failure FailureOf(Deferred deferred)
    {
        Assert.IsTrue(deferred.IsAtRest, "the deferred has no result");
        Assert.IsNotNull(deferred.CurrentFailure, "the deferred has not failed");
        return deferred.TakeFailure();
    }

    /// <summary>What one run allocates on this thread, once it has warmed up.</summary>
    internal static long Allocated(Action action, bool warm = true)
    {
        for (int i = 0; warm && i < 50; i++)
        {
            action();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Throw(int x) => throw new NotSupportedException($"thrown on purpose with {x}");
}
