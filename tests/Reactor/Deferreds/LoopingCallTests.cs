using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>Calls at a pace, on a clock turned by hand.</summary>
[TestClass]
public sealed class LoopingCallTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualClock _clock = new();
    private readonly List<TimeSpan> _calls = [];
    private readonly LoopingCall _loop;

    public LoopingCallTests()
    {
        _loop = new LoopingCall(_clock, () => _calls.Add(_clock.Now));
    }

    public void Dispose()
    {
        if (_loop.Running)
        {
            _loop.Stop();
        }
    }

    [TestMethod]
    public void Start_Now_CallsAtOnceAndThenAtEveryInterval()
    {
        _ = _loop.Start(Second);
        AssertCalledAt(0);
        _clock.Pump(0.5, 0.5, 1, 1);
        AssertCalledAt(0, 1, 2, 3);
    }

    [TestMethod]
    public void Start_Later_CallsAfterOneInterval()
    {
        _ = _loop.Start(Second, now: false);
        AssertCalledAt();
        _clock.Pump(0.9, 0.1, 1);
        AssertCalledAt(1, 2);
    }

    [TestMethod]
    public void Start_OnALateClock_DoesNotDrift()
    {
        _ = _loop.Start(Second);
        _clock.Pump(1.3, 0.9, 0.8, 1.4, 0.6);
        AssertCalledAt(0, 1.3, 2.2, 3, 4.4, 5);
    }

    [TestMethod]
    public void Start_AfterALongPause_LeavesOutWhatWasMissed()
    {
        _ = _loop.Start(Second);
        _clock.Advance(10.5);
        _clock.Advance(0.5);
        AssertCalledAt(0, 10.5, 11);
    }

    [TestMethod]
    public void WithCount_AfterALongPause_TellsHowManyTicksHavePassed()
    {
        var counts = new List<int>();
        var loop = LoopingCall.WithCount(_clock, counts.Add);
        _ = loop.Start(Second);
        _clock.Pump(1, 1, 3.5, 0.5, 1);
        CollectionAssert.AreEqual(new[] { 1, 1, 1, 3, 1, 1 }, counts);
        loop.Stop();
    }

    [TestMethod]
    public void WithCount_StartedLater_CountsFromTheFirstInterval()
    {
        var counts = new List<int>();
        var loop = LoopingCall.WithCount(_clock, counts.Add);
        _ = loop.Start(Second, now: false);
        _clock.Pump(2.5, 0.5);
        CollectionAssert.AreEqual(new[] { 2, 1 }, counts);
        loop.Stop();
    }

    [TestMethod]
    public void Start_WithoutInterval_IsDueAgainAtOnce()
    {
        LoopingCall? loop = null;
        loop = new LoopingCall(_clock, () =>
        {
            _calls.Add(_clock.Now);
            if (_calls.Count == 5)
            {
                loop!.Stop();
            }
        });
        Deferred<LoopingCall> done = loop.Start(TimeSpan.Zero);
        AssertCalledAt(0);
        _clock.Advance(1);
        AssertCalledAt(0, 1, 1, 1, 1);
        Assert.IsTrue(done.Called);
    }

    [TestMethod]
    public void Start_NegativeInterval_IsRefused()
    {
        _ = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _loop.Start(TimeSpan.FromTicks(-1)));
        Assert.IsFalse(_loop.Running);
    }

    [TestMethod]
    public void Start_Twice_IsRefused()
    {
        _ = _loop.Start(Second);
        _ = Assert.ThrowsExactly<InvalidOperationException>(() => _loop.Start(Second));
    }

    [TestMethod]
    public void Stop_FiresTheDeferredWithTheLoop()
    {
        LoopingCall? result = null;
        _ = _loop.Start(Second).AddCallback(loop => result = loop);
        _clock.Advance(1);
        _loop.Stop();
        Assert.AreSame(_loop, result);
        Assert.AreEqual(0, _clock.PendingCount);
        _clock.Advance(5);
        AssertCalledAt(0, 1);
        _ = Assert.ThrowsExactly<InvalidOperationException>(_loop.Stop);
    }

    [TestMethod]
    public void Stop_InTheCall_EndsTheLoop()
    {
        LoopingCall? loop = null;
        loop = new LoopingCall(_clock, () => loop!.Stop());
        Deferred<LoopingCall> done = loop.Start(Second);
        Assert.IsTrue(done.Called);
        Assert.AreEqual(0, _clock.PendingCount);
    }

    [TestMethod]
    public void StopAndStart_InTheCall_GoesOnAtTheNewPace()
    {
        LoopingCall? loop = null;
        loop = new LoopingCall(_clock, () =>
        {
            _calls.Add(_clock.Now);
            if (_calls.Count == 2)
            {
                loop!.Stop();
                _ = loop.Start(Second * 2, now: false);
            }
        });
        _ = loop.Start(Second);
        _clock.Pump(1, 1, 1, 1, 1);
        AssertCalledAt(0, 1, 3, 5);
        Assert.AreEqual(1, _clock.PendingCount);
        loop.Stop();
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void StartAndStop_InTheCall_FiresTheDeferredOfThatRun(bool now)
    {
        Deferred<LoopingCall>? second = null;
        LoopingCall? loop = null;
        loop = new LoopingCall(_clock, () =>
        {
            _calls.Add(_clock.Now);
            if (second is null && _calls.Count == 1)
            {
                loop!.Stop();
                second = loop.Start(Second, now);
                loop.Stop();
            }
        });
        Deferred<LoopingCall> first = loop.Start(Second);
        Assert.AreSame(loop, DeferredTests.ResultOf(second!));
        Assert.AreSame(loop, DeferredTests.ResultOf(first));
        Assert.AreEqual(0, _clock.PendingCount);
    }

    [TestMethod]
    public void Start_Again_CountsAnew()
    {
        _ = _loop.Start(Second);
        _clock.Advance(1.5);
        _loop.Stop();
        _clock.Advance(0.25);
        _ = _loop.Start(Second);
        _clock.Advance(1);
        AssertCalledAt(0, 1.5, 1.75, 2.75);
    }

    [TestMethod]
    public void ACallThatThrows_EndsTheLoopAndFailsTheDeferred()
    {
        Failure? reason = null;
        var loop = new LoopingCall(_clock, () =>
        {
            _calls.Add(_clock.Now);
            if (_calls.Count == 2)
            {
                throw new NotSupportedException("no more");
            }
        });
        _ = loop.Start(Second).AddErrback(failure =>
        {
            reason = failure;
            return loop;
        });
        _clock.Pump(1, 1);
        Assert.IsTrue(reason!.Check<NotSupportedException>());
        Assert.IsFalse(loop.Running);
        AssertCalledAt(0, 1);
    }

    [TestMethod]
    public void Cancel_OfTheDeferred_StopsTheLoop()
    {
        Deferred<LoopingCall> done = _loop.Start(Second);
        Failure? reason = null;
        _ = done.AddErrback(failure =>
        {
            reason = failure;
            return _loop;
        });
        done.Cancel();
        Assert.IsTrue(reason!.Check<CancelledError>());
        Assert.IsFalse(_loop.Running);
        Assert.AreEqual(0, _clock.PendingCount);
    }

    [TestMethod]
    public void AsyncCall_IsWaitedFor_AndMissedTicksAreSkipped()
    {
        var waits = new Queue<Deferred<int>>();
        var counts = new List<int>();
        LoopingCall loop = LoopingCall.WithCount(_clock, count =>
        {
            counts.Add(count);
            var wait = new Deferred<int>();
            waits.Enqueue(wait);
            return wait;
        });
        _ = loop.Start(Second);
        _clock.Advance(2.5);
        Assert.HasCount(1, counts, "the first call has not ended");
        Assert.AreEqual(0, _clock.PendingCount);
        waits.Dequeue().Callback(0);
        _clock.Advance(0.5);
        CollectionAssert.AreEqual(new[] { 1, 3 }, counts);
    }

    [TestMethod]
    public void AsyncLambdaThatFails_EndsTheLoopAndFailsTheDeferred()
    {
        var loop = new LoopingCall(_clock, async () =>
        {
            _calls.Add(_clock.Now);
            await _clock.Sleep(Second / 2);
            throw new NotSupportedException("late");
        });
        Deferred<LoopingCall> done = loop.Start(Second);
        _clock.Pump(0.5, 1);
        Assert.AreEqual("late", DeferredTests.FailureOf(done).Message);
        Assert.IsFalse(loop.Running);
        AssertCalledAt(0);
    }

    [TestMethod]
    public void AsyncCallThatReturnsNull_FailsTheDeferred()
    {
        var loop = new LoopingCall(_clock, Deferred () => null!);
        Assert.IsTrue(DeferredTests.FailureOf(loop.Start(Second)).Check<InvalidOperationException>());
        Assert.IsFalse(loop.Running);
    }

    [TestMethod]
    public void Stop_WhileTheCallIsAwaited_FiresWhenItHasEnded()
    {
        var wait = new Deferred<int>();
        var loop = new LoopingCall(_clock, () => wait);
        Deferred<LoopingCall> done = loop.Start(Second);
        loop.Stop();
        Assert.IsFalse(loop.Running);
        Assert.IsFalse(done.Called);
        wait.Callback(1);
        Assert.AreSame(loop, DeferredTests.ResultOf(done));
        Assert.AreEqual(0, _clock.PendingCount);
    }

    [TestMethod]
    public void Stop_InTheCall_FiresTheDeferredAfterTheCall()
    {
        LoopingCall? loop = null;
        Deferred<LoopingCall>? done = null;
        bool calledInside = false;
        loop = new LoopingCall(_clock, () =>
        {
            if (done is not null)
            {
                loop!.Stop();
                calledInside = done.Called;
            }
        });
        done = loop.Start(Second);
        _clock.Advance(1);
        Assert.IsFalse(calledInside);
        Assert.IsTrue(done.Called);
    }

    [TestMethod]
    public void StopAndThrow_InTheCall_FailsTheDeferred()
    {
        LoopingCall? loop = null;
        loop = new LoopingCall(_clock, () =>
        {
            loop!.Stop();
            throw new NotSupportedException("stopped and thrown");
        });
        Assert.AreEqual("stopped and thrown", DeferredTests.FailureOf(loop.Start(Second)).Message);
        Assert.AreEqual(0, _clock.PendingCount);
    }

    [TestMethod]
    public void Reset_MakesTheNextCallDueAnIntervalFromNow()
    {
        _ = _loop.Start(Second);
        _clock.Advance(0.75);
        _loop.Reset();
        _clock.Pump(0.75, 0.25, 1);
        AssertCalledAt(0, 1.75, 2.75);
        _loop.Stop();
        _ = Assert.ThrowsExactly<InvalidOperationException>(_loop.Reset);
    }

    [TestMethod]
    public void Cancel_WhileTheCallIsAwaited_CancelsThat()
    {
        bool cancelled = false;
        var wait = new Deferred<int>(_ => cancelled = true);
        var loop = new LoopingCall(_clock, () => wait);
        Deferred<LoopingCall> done = loop.Start(Second);
        done.Cancel();
        Assert.IsTrue(cancelled);
        Assert.IsTrue(DeferredTests.FailureOf(done).Check<CancelledError>());
        Assert.IsFalse(loop.Running);
    }

    [TestMethod]
    public void AtAPace_AllocatesNothing()
    {
        int count = 0;
        var loop = new LoopingCall(_clock, () => count++);
        _ = loop.Start(Second);
        _clock.Advance(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            _clock.Advance(Second);
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.AreEqual(1002, count);
        loop.Stop();
    }

    private void AssertCalledAt(params double[] seconds) =>
        CollectionAssert.AreEqual(Array.ConvertAll(seconds, TimeSpan.FromSeconds), _calls);
}
