using Poetry.Net;
using Poetry.Tests.Testing;
using static Poetry.Tests.Net.DeferredTests;

namespace Poetry.Tests.Net;

[TestClass]
public sealed class DeferredTimeoutTests
{
    private readonly ManualClock _clock = new();

    [TestMethod]
    public void InTime_TheResultIsUntouched_AndNothingIsPending()
    {
        Deferred<int> deferred = new Deferred<int>().AddTimeout(TimeSpan.FromSeconds(2), _clock);
        _clock.Advance(1.9);
        deferred.Callback(1);
        Assert.AreEqual(0, _clock.PendingCount);
        _clock.Advance(1);
        Assert.AreEqual(1, ResultOf(deferred));
    }

    [TestMethod]
    public void TooLate_IsATimeoutErrorThatTellsTheTime()
    {
        Deferred<int> deferred = new Deferred<int>().AddTimeout(TimeSpan.FromSeconds(2), _clock);
        _clock.Advance(2);
        TimeoutError error = FailureOf(deferred).Trap<TimeoutError>();
        Assert.AreEqual(TimeSpan.FromSeconds(2), error.Timeout);
        deferred.Callback(1);
    }

    [TestMethod]
    public void TooLate_OverSeveralTypes_CancelsTheOperation()
    {
        bool stopped = false;
        Deferred<string> deferred = new Deferred<int>(_ => stopped = true).AddCallback(x => $"<{x}>")
            .AddTimeout(TimeSpan.FromSeconds(2), _clock);
        _clock.Advance(2);
        Assert.IsTrue(stopped);
        Assert.IsTrue(FailureOf(deferred).Check<TimeoutException>());
    }

    [TestMethod]
    public void OnTimeout_GivesAnotherResult()
    {
        Deferred<int> deferred = new Deferred<int>().AddTimeout(
            TimeSpan.FromSeconds(2), _clock, (outcome, allowed) => outcome.Succeeded ? 0 : (int)allowed.TotalSeconds);
        _clock.Advance(2);
        Assert.AreEqual(2, ResultOf(deferred));
    }
}
