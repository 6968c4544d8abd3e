using Poetry.Net;
using static Poetry.Tests.Net.DeferredTests;

namespace Poetry.Tests.Net;

/// <summary>Calls that share one operation, with the mistakes that are easily made in it.</summary>
[TestClass]
public sealed class DeferredPoolerTests
{
    private readonly DeferredPooler<string, string> _pooler = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Deferred<string>> _started = [];
    private int _cancelled;

    [TestMethod]
    public void SameKey_SharesOneOperation_EachCallerWithADeferredOfItsOwn()
    {
        Deferred<string> first = Ask("poem");
        Deferred<string> second = Ask("POEM");
        Assert.HasCount(1, _started);
        Assert.AreNotSame(first, second);
        first.AddCallback(_ => "written");
        _started[0].Callback("text");
        Assert.AreEqual("written", ResultOf(first));
        Assert.AreEqual("text", ResultOf(second), "the first caller's functions are none of the second's business");
    }

    [TestMethod]
    public void OtherKey_IsAnotherOperation()
    {
        Deferred<string> one = Ask("one");
        Deferred<string> two = Ask("two");
        Assert.HasCount(2, _started);
        _started[1].Callback("2");
        Assert.IsFalse(one.Called);
        Assert.AreEqual("2", ResultOf(two));
    }

    [TestMethod]
    public void Failure_GoesToAll_AndIsNotKept()
    {
        Deferred<string> first = Ask("poem");
        Deferred<string> second = Ask("poem");
        _started[0].Errback(new TimeoutException());
        Assert.IsTrue(FailureOf(first).Check<TimeoutException>());
        Assert.IsTrue(FailureOf(second).Check<TimeoutException>());
        _ = Ask("poem");
        Assert.HasCount(2, _started);
    }

    [TestMethod]
    public void Fired_TheNextCallStartsAnew()
    {
        _ = Ask("poem");
        _started[0].Callback("old");
        Deferred<string> next = Ask("poem");
        _started[1].Callback("new");
        Assert.AreEqual("new", ResultOf(next));
    }

    [TestMethod]
    public void CallFromInsideACallback_StartsAFreshOperation()
    {
        Deferred<string>? again = null;
        Ask("poem").AddCallback(_ => { again = Ask("poem"); });
        _started[0].Callback("old");
        Assert.HasCount(2, _started);
        Assert.IsFalse(again!.Called);
        _started[1].Callback("new");
        Assert.AreEqual("new", ResultOf(again));
    }

    [TestMethod]
    public void CallerThatThrows_CostsTheOthersNothing()
    {
        Deferred<string> first = Ask("poem").AddCallback(_ => throw new NotSupportedException());
        Deferred<string> second = Ask("poem");
        _started[0].Callback("text");
        Assert.AreEqual("text", ResultOf(second));
        Assert.IsTrue(FailureOf(first).Check<NotSupportedException>());
    }

    [TestMethod]
    public void Cancel_OfOneOfSeveral_LeavesTheOperationAlone()
    {
        Deferred<string> first = Ask("poem");
        Deferred<string> second = Ask("poem");
        first.Cancel();
        Assert.IsTrue(FailureOf(first).Check<CancelledError>());
        Assert.AreEqual(0, _cancelled);
        Assert.AreEqual(1, _pooler.WaitingCount("poem"));
        _started[0].Callback("text");
        Assert.AreEqual("text", ResultOf(second));
    }

    [TestMethod]
    public void Cancel_OfTheLast_CancelsTheOperation_AndANewCallerGetsAFreshOne()
    {
        Deferred<string>? late = null;
        Deferred<string> first = _pooler.Call("poem", _ => new Deferred<string>(_ => late = Ask("poem")));
        first.Cancel();
        Assert.IsTrue(FailureOf(first).Check<CancelledError>());
        Assert.HasCount(1, _started, "asked from inside of the canceller");
        _started[0].Callback("fresh");
        Assert.AreEqual("fresh", ResultOf(late!));
        Assert.AreEqual(0, _pooler.OutstandingCount);
    }

    [TestMethod]
    public void OperationThatEndsAtOnceOrThrows_IsNotOutstanding()
    {
        Assert.AreEqual("now", ResultOf(_pooler.Call("poem", _ => Deferred.Succeed("now"))));
        Assert.IsTrue(FailureOf(_pooler.Call("poem", _ => throw new TimeoutException())).Check<TimeoutException>());
        Assert.AreEqual(0, _pooler.OutstandingCount);
    }

    private Deferred<string> Ask(string key) => _pooler.Call(key, _ =>
    {
        var operation = new Deferred<string>(_ => _cancelled++);
        _started.Add(operation);
        return operation;
    });
}
