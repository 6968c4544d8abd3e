#if DEBUG
#endif
using Poetry.Net;
using Poetry.Tests.Testing;
using static Poetry.Tests.Net.DeferredTests;

namespace Poetry.Tests.Net;

/// <summary>
/// Functions that return a deferred without a value, mostly <c>async</c> lambdas: the chain waits for them, and no error is
/// lost. Each of these lambdas became an <c>async void</c> method or a deferred of a task before.
/// </summary>
[TestClass]
public sealed class DeferredAsyncTests
{
    private readonly Deferred<int> _other = new();
    private readonly List<string> _events = [];

    [TestMethod]
    public void AddCallback_AsyncLambdaThatThrows_FailsTheChain()
    {
        var deferred = new Deferred<int>();
        Deferred<int> chain = deferred
            .AddCallback(async v =>
            {
                _events.Add($"got {v}");
                await _other;
                throw new NotSupportedException("late");
            })
            .AddCallback(_ => _events.Add("not called"));
        deferred.Callback(1);
        Assert.HasCount(1, _events, "the next function waits");
        _other.Callback(2);
        Assert.AreEqual("late", FailureOf(chain).Message);
        Assert.HasCount(1, _events);
    }

    [TestMethod]
    public void AddCallback_AsyncLambdaThatReturnsAValue_ChangesTheType()
    {
        Deferred<string> chain = _other.AddCallback(async v =>
        {
            await Deferred.Succeed(0);
            return $"got {v}";
        });
        _other.Callback(3);
        Assert.AreEqual("got 3", ResultOf(chain));
    }

    [TestMethod]
    public void AddCallback_VoidDeferred_LeavesTheDefaultValue()
    {
        Deferred<int> chain = Deferred.Succeed(5).AddCallback(_ => (Deferred)_other);
        _other.Callback(7);
        Assert.AreEqual(0, ResultOf(chain));
        Assert.AreEqual(0, ResultOf(_other), "its value was taken");
    }

    [TestMethod]
    public void AddCallback_NullForAVoidDeferred_GoesOn() =>
        Assert.AreEqual(0, ResultOf(Deferred.Succeed(5).AddCallback(_ => (Deferred?)null)));

    [TestMethod]
    public void AddCallback_NullForADeferred_IsOneClearFailure()
    {
        Deferred<int> chain = Deferred.Succeed(5).AddCallback(Deferred<int> (_) => null!);
        Failure failure = FailureOf(chain);
        Assert.IsTrue(failure.Check<InvalidOperationException>());
        Assert.AreEqual("a function returned null instead of a deferred", failure.Message);
    }

    [TestMethod]
    public void AddErrback_AsyncLambda_IsWaitedFor()
    {
        Deferred<int> chain = Deferred.Fail<int>(new TimeoutException()).AddErrback(async failure =>
        {
            await _other;
            _events.Add(failure.Message);
        });
        Assert.IsEmpty(_events);
        _other.Callback(1);
        Assert.HasCount(1, _events);
        Assert.AreEqual(0, ResultOf(chain));
    }

    [TestMethod]
    public void AddBoth_AsyncLambdas_AreWaitedFor()
    {
        Deferred<int> chain = Deferred.Succeed(4)
            .AddBoth(async outcome =>
            {
                await _other;
                _events.Add($"first {outcome.Value}");
            })
            .AddBoth(async () =>
            {
                await Deferred.Succeed(1);
                _events.Add("second");
                throw new NotSupportedException("both");
            });
        _other.Callback(1);
        CollectionAssert.AreEqual(new[] { "first 4", "second" }, _events);
        Assert.AreEqual("both", FailureOf(chain).Message);
    }

    [TestMethod]
    public void AddCallbacks_AsyncLambdas_AreWaitedFor()
    {
        Deferred<int> chain = Deferred.Fail<int>(new TimeoutException()).AddCallbacks(
            async _ => await _other,
            async failure =>
            {
                await _other;
                failure.Throw();
            });
        _other.Callback(1);
        Assert.IsTrue(FailureOf(chain).Check<TimeoutException>());
    }

    [TestMethod]
    public void Untyped_AsyncLambdas_AreWaitedFor()
    {
        Deferred chain = Wait();
        chain.AddCallback(async () =>
        {
            await Deferred.Succeed(0);
            throw new NotSupportedException("untyped");
        });
        Failure? failure = null;
        chain.AddErrback(async got =>
        {
            await Deferred.Succeed(0);
            failure = got;
        });
        _other.Callback(1);
        Assert.AreEqual("untyped", failure!.Message);

        async Deferred Wait() => await _other;
    }

    [TestMethod]
    public void MaybeDeferred_AsyncLambdas_GiveTheirDeferreds()
    {
        Deferred<int> five = Deferred.MaybeDeferred(async () => await _other + 4);
        Deferred broken = Deferred.MaybeDeferred(async () =>
        {
            await _other;
            throw new NotSupportedException();
        });
        Failure? failure = null;
        broken.AddErrback(got => failure = got);
        _other.Callback(1);
        Assert.AreEqual(5, ResultOf(five));
        Assert.IsTrue(failure!.Check<NotSupportedException>());
    }

    [TestMethod]
    public void Run_OfALock_TakesAnAsyncLambda()
    {
        var gate = new DeferredLock();
        Deferred<int> run = gate.Run(async () => await _other + 1);
        Assert.IsTrue(gate.Locked);
        _other.Callback(1);
        Assert.IsFalse(gate.Locked);
        Assert.AreEqual(2, ResultOf(run));
    }

    [TestMethod]
    public void Cancel_WhileItWaitsForAVoidDeferred_CancelsThat()
    {
        bool cancelled = false;
        var inner = new Deferred<string>(_ => cancelled = true);
        Deferred<int> chain = Deferred.Succeed(1).AddCallback(_ => (Deferred)inner);
        chain.Cancel();
        Assert.IsTrue(cancelled);
        Assert.IsTrue(FailureOf(chain).Check<CancelledError>());
    }

    [TestMethod]
    public void CallLater_AsyncLambdaThatFails_IsReported()
    {
        var clock = new ManualClock();
        _ = clock.CallLater(TimeSpan.FromSeconds(1), async () =>
        {
            await clock.Sleep(TimeSpan.FromSeconds(1));
            throw new NotSupportedException("late");
        });
        clock.Pump(1, 1);
        Failure[] lost = LostFailures.Take();
        Assert.HasCount(1, lost);
        Assert.AreEqual("late", lost[0].Message);
    }

    /// <summary>Twisted looks at pauses before the first function only: the rest of what is queued runs.</summary>
    /// <summary>The pauses are counted in the upper bits of the state: too many are refused, and lose none.</summary>
    [TestMethod]
    public void Pause_MoreOftenThanIsCounted_Throws()
    {
        var d = new Deferred<int>();
        int called = 0;
        _ = d.AddCallback(_ => called++);
        d.Callback(1);
        int pauses = 0;
        _ = Assert.ThrowsExactly<OverflowException>(() =>
        {
            for (; pauses < 100_000; pauses++)
            {
                d.Pause();
            }
        });
        Assert.IsGreaterThanOrEqualTo(1023, pauses);
        _ = d.AddCallback(_ => called++);
        for (; pauses > 0; pauses--)
        {
            Assert.AreEqual(1, called);
            d.Unpause();
        }

        Assert.AreEqual(2, called);
    }

    [TestMethod]
    public void Pause_InsideARunningFunction_LetsTheRestRun()
    {
        var d = new Deferred<int>();
        d.AddCallback(v =>
        {
            d.Pause();
            return v;
        });
        d.AddCallback(v => _events.Add($"second {v}"));
        d.Callback(1);
        CollectionAssert.AreEqual(new[] { "second 1" }, _events);
        d.AddCallback(_ => _events.Add("third"));
        Assert.HasCount(1, _events, "what is added after the run is held");
        d.Unpause();
        Assert.HasCount(2, _events);
    }

    [TestMethod]
    public void Pause_InsideARunningFunction_OfAChainThatChangesItsType_LetsTheRestRun()
    {
        var d = new Deferred<int>();
        Deferred<string> text = d.AddCallback(v =>
        {
            d.Pause();
            return $"{v}";
        });
        text.AddCallback(v => _events.Add($"second {v}"));
        d.Callback(1);
        CollectionAssert.AreEqual(new[] { "second 1" }, _events);
        text.AddCallback(_ => _events.Add("third"));
        Assert.HasCount(1, _events);
        text.Unpause();
        Assert.HasCount(2, _events);
    }

    [TestMethod]
    public void Pause_OfAnInnerByItself_LetsTheOuterGoOn()
    {
        var inner = new Deferred<int>();
        inner.AddCallback(v =>
        {
            inner.Pause();
            return v;
        });
        Deferred<int> outer = Deferred.Succeed(0).AddCallback(_ => inner);
        inner.Callback(6);
        Assert.AreEqual(6, ResultOf(outer));
        inner.Unpause();
    }

#if DEBUG
    [TestMethod]
    public void UseOnAForeignThread_IsFoundInDebugBuilds()
    {
        Action<Deferred<int>>[] uses =
        [
            static deferred => deferred.Callback(1),
            static deferred => deferred.Errback(new TimeoutException()),
            static deferred => deferred.AddCallback(static v => v),
            static deferred => deferred.Cancel(),
            static deferred => deferred.Pause(),
            static deferred => deferred.Unpause(),
        ];
        using var reactor = new Reactor(LostFailures.Log);
        int found = 0;
        reactor.CallWhenRunning(() =>
        {
            foreach (Action<Deferred<int>> use in uses)
            {
                var deferred = new Deferred<int>();
                deferred.AddCallback(v => _events.Add($"{v}"));
                var thread = new Thread(() =>
                {
                    try
                    {
                        use(deferred);
                    }
                    catch (AssertFailedException)
                    {
                        found++;
                    }
                });
                thread.Start();
                thread.Join();
            }

            reactor.Stop();
        });
        reactor.Run();
        Assert.AreEqual(uses.Length, found);
        Assert.IsEmpty(_events);
    }
#endif
}
