using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>What the owner of a delayed call can do with it, on a clock turned by hand.</summary>
[TestClass]
public sealed class DelayedCallTests
{
    private readonly ManualClock _clock = new();
    private readonly List<string> _made = [];

    [TestMethod]
    public void CallLater_NotYetDue_Waits()
    {
        DelayedCall call = Later(2, "a");
        _clock.Advance(TimeSpan.FromSeconds(2) - TimeSpan.FromTicks(1));
        AssertMade();
        Assert.IsTrue(call.Active);
        _clock.Advance(TimeSpan.FromTicks(1));
        AssertMade("a");
        Assert.IsFalse(call.Active);
        Assert.AreEqual(TimeSpan.FromSeconds(2), call.Due);
    }

    [TestMethod]
    public void CallLater_Several_AreMadeInTheOrderInWhichTheyAreDue()
    {
        foreach (int seconds in new[] { 5, 1, 4, 2, 3 })
        {
            _ = Later(seconds, $"{seconds}");
        }

        _clock.Advance(10);
        AssertMade("1", "2", "3", "4", "5");
    }

    [TestMethod]
    public void CallLater_SeveralAtOnce_AreMadeInTheOrderAsked()
    {
        for (int i = 0; i < 10; i++)
        {
            _ = Later(1, $"{i}");
        }

        _clock.Advance(1);
        AssertMade("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
    }

    [TestMethod]
    public void CallLater_NegativeDelay_IsRefused()
    {
        _ = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Later(-0.001, "never"));
        Assert.AreEqual(0, _clock.PendingCount);
    }

    [TestMethod]
    public void CallLater_BeyondAllTime_NeverComes()
    {
        _clock.Advance(100);
        DelayedCall call = _clock.CallLater(TimeSpan.MaxValue, () => _made.Add("never"));
        Assert.AreEqual(TimeSpan.MaxValue, call.Due);
        _clock.Advance(TimeSpan.FromDays(3_650_000));
        AssertMade();
        Assert.IsTrue(call.Active);
        call.Cancel();
    }

    [TestMethod]
    public void Reset_Earlier_IsMadeEarlier()
    {
        DelayedCall call = Later(10, "moved");
        _ = Later(5, "other");
        call.Reset(TimeSpan.FromSeconds(1));
        _clock.Advance(1);
        AssertMade("moved");
        _clock.Advance(20);
        AssertMade("moved", "other");
    }

    [TestMethod]
    public void Reset_Later_IsMadeLaterAndOnce()
    {
        DelayedCall call = Later(1, "moved");
        _clock.Advance(0.5);
        call.Reset(TimeSpan.FromSeconds(1));
        _clock.Advance(0.9);
        AssertMade();
        _clock.Advance(0.1);
        AssertMade("moved");
        _clock.Advance(100);
        AssertMade("moved");
    }

    [TestMethod]
    public void Reset_ToTheMomentOfAnother_ComesAfterIt()
    {
        DelayedCall first = Later(1, "asked first, moved last");
        _ = Later(1, "other");
        first.Reset(TimeSpan.FromSeconds(1));
        _clock.Advance(1);
        AssertMade("other", "asked first, moved last");
    }

    [TestMethod]
    public void Reset_NegativeDelay_IsRefusedAndChangesNothing()
    {
        DelayedCall call = Later(1, "a");
        _ = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => call.Reset(TimeSpan.FromTicks(-1)));
        Assert.AreEqual(TimeSpan.FromSeconds(1), call.Due);
        call.Cancel();
    }

    [TestMethod]
    public void Delay_AddsToWhatWasSaid()
    {
        DelayedCall call = Later(1, "a");
        call.Delay(TimeSpan.FromSeconds(2));
        Assert.AreEqual(TimeSpan.FromSeconds(3), call.Due);
        call.Delay(TimeSpan.FromSeconds(-1.5));
        Assert.AreEqual(TimeSpan.FromSeconds(1.5), call.Due);
        _clock.Advance(1.5);
        AssertMade("a");
    }

    [TestMethod]
    public void Delay_BeyondAllTime_IsTheEndOfTime()
    {
        DelayedCall call = Later(1, "a");
        call.Delay(TimeSpan.MaxValue);
        Assert.AreEqual(TimeSpan.MaxValue, call.Due);
        call.Reset(TimeSpan.Zero);
        _clock.Advance(0);
        AssertMade("a");
    }

    [TestMethod]
    public void Cancel_Pending_IsNeverMade()
    {
        DelayedCall call = Later(1, "a");
        call.Cancel();
        Assert.IsFalse(call.Active);
        Assert.AreEqual(0, _clock.PendingCount);
        _clock.Advance(2);
        AssertMade();
    }

    [TestMethod]
    public void Cancel_Twice_IsAlreadyCancelled()
    {
        DelayedCall call = Later(1, "a");
        call.Cancel();
        _ = Assert.ThrowsExactly<AlreadyCancelled>(call.Cancel);
        _ = Assert.ThrowsExactly<AlreadyCancelled>(() => call.Reset(TimeSpan.Zero));
        _ = Assert.ThrowsExactly<AlreadyCancelled>(() => call.Delay(TimeSpan.Zero));
        Assert.IsFalse(call.CancelIfActive());
    }

    [TestMethod]
    public void Cancel_AfterTheCall_IsAlreadyCalled()
    {
        DelayedCall call = Later(1, "a");
        _clock.Advance(1);
        _ = Assert.ThrowsExactly<AlreadyCalled>(call.Cancel);
        _ = Assert.ThrowsExactly<AlreadyCalled>(() => call.Reset(TimeSpan.Zero));
        _ = Assert.ThrowsExactly<AlreadyCalled>(() => call.Delay(TimeSpan.Zero));
        Assert.IsFalse(call.CancelIfActive());
    }

    [TestMethod]
    public void Cancel_FromItsOwnCall_IsAlreadyCalled()
    {
        DelayedCall? call = null;
        call = _clock.CallLater(TimeSpan.Zero, () => Assert.ThrowsExactly<AlreadyCalled>(call!.Cancel));
        _clock.Advance(1);
        Assert.IsFalse(call.Active);
    }

    [TestMethod]
    public void Cancel_OfOneDueAtTheSameMoment_IsHeard()
    {
        DelayedCall? second = null;
        _ = _clock.CallLater(TimeSpan.FromSeconds(1), () => second!.Cancel());
        second = Later(1, "second");
        _clock.Advance(1);
        AssertMade();
    }

    [TestMethod]
    public void Sleep_Cancelled_TakesTheCallBack()
    {
        Deferred<TimeSpan> sleep = _clock.Sleep(TimeSpan.FromSeconds(1));
        Failure? reason = null;
        _ = sleep.AddErrback(failure =>
        {
            reason = failure;
            return TimeSpan.Zero;
        });
        sleep.Cancel();
        Assert.IsTrue(reason!.Check<CancelledError>());
        Assert.AreEqual(0, _clock.PendingCount);
    }

    [TestMethod]
    public void Sleep_Over_FiresWithTheTime()
    {
        TimeSpan woke = default;
        _ = _clock.Sleep(TimeSpan.FromSeconds(3)).AddCallback(now => woke = now);
        _clock.Advance(3);
        Assert.AreEqual(TimeSpan.FromSeconds(3), woke);
    }

    private DelayedCall Later(double seconds, string name) => _clock.CallLater(TimeSpan.FromSeconds(seconds), () => _made.Add(name));

    private void AssertMade(params string[] names) => CollectionAssert.AreEqual(names, _made);
}
