using System;
using System.Runtime.CompilerServices;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>Failures that nobody takes: reported once, after the last reference has gone, and not before.</summary>
[TestClass]
public sealed class UnhandledFailuresTests
{
    [TestMethod]
    public void Forgotten_IsReportedOnceWithItsStack()
    {
        Lose();
        Failure[] lost = LostFailures.Take();
        Assert.HasCount(1, lost);
        StringAssert.Contains(lost[0].ToString(), nameof(ThrowHere));
        Assert.IsEmpty(LostFailures.Take());
    }

    [TestMethod]
    public void StillReferenced_IsNotReported()
    {
        Deferred<int> kept = Deferred.Fail<int>(new TimeoutException());
        Assert.IsEmpty(LostFailures.Take());
        Assert.AreEqual(1, UnhandledFailures.Count);
        kept.AddErrback(_ => 0);
        Assert.AreEqual(0, UnhandledFailures.Count);
    }

    [TestMethod]
    public void HandledLater_IsNotReported()
    {
        HandleLate();
        Assert.IsEmpty(LostFailures.Take());
    }

    [TestMethod]
    public void HandledWhileTheChainRuns_NeverComesToTheLedger()
    {
        var deferred = new Deferred<int>();
        deferred.AddCallback(_ => ThrowHere()).AddErrback(_ => 0);
        deferred.Callback(1);
        Assert.AreEqual(0, UnhandledFailures.Count);
    }

    [TestMethod]
    public void Cancelled_WithoutErrback_IsReported()
    {
        static void Cancel() => new Deferred<int>().Cancel();
        Cancel();
        Failure[] lost = LostFailures.Take();
        Assert.HasCount(1, lost);
        Assert.IsTrue(lost[0].Check<CancelledError>());
    }

    [TestMethod]
    public void Awaited_BelongsToTheMethod()
    {
        static async Deferred<int> Forward(Deferred<int> inner) => await inner;
        static void Run() => _ = Forward(Deferred.Fail<int>(new TimeoutException()));
        Run();
        Assert.HasCount(1, LostFailures.Take());
    }

    [TestMethod]
    public void Sweep_AsksTheCollectorAfterASecond_ThenLessOften()
    {
        var start = TimeSpan.FromSeconds(100);
        Assert.IsNull(UnhandledFailures.Sweep(start));
        Lose();
        TimeSpan? next = UnhandledFailures.Sweep(start);
        Assert.AreEqual(start + TimeSpan.FromSeconds(1), next);
        Assert.IsNull(UnhandledFailures.Sweep(start + TimeSpan.FromSeconds(1)), "it was forgotten, so there is nothing left to ask about");
        Assert.HasCount(1, LostFailures.Take());

        Deferred<int> kept = Deferred.Fail<int>(new TimeoutException());
        Assert.AreEqual(TimeSpan.FromSeconds(201), UnhandledFailures.Sweep(TimeSpan.FromSeconds(200)));
        Assert.AreEqual(TimeSpan.FromSeconds(203), UnhandledFailures.Sweep(TimeSpan.FromSeconds(201)));
        Assert.AreEqual(TimeSpan.FromSeconds(203), UnhandledFailures.Sweep(TimeSpan.FromSeconds(202)));
        Assert.AreEqual(TimeSpan.FromSeconds(207), UnhandledFailures.Sweep(TimeSpan.FromSeconds(203)));
        Assert.IsEmpty(LostFailures.Take());
        kept.AddErrback(_ => 0);
        Assert.IsNull(UnhandledFailures.Sweep(TimeSpan.FromSeconds(300)));
    }

    [TestMethod]
    public void Flush_ReportsWhatIsStillReferencedToo_Once()
    {
        Deferred<int> kept = Deferred.Fail<int>(new TimeoutException());
        UnhandledFailures.Flush();
        Assert.HasCount(1, LostFailures.Take());
        Assert.AreEqual(0, UnhandledFailures.Count);
        kept.AddErrback(_ => 0);
        UnhandledFailures.Flush();
        Assert.IsEmpty(LostFailures.Take());
    }

    [TestMethod]
    public void Success_AllocatesNothingForIt() =>
        Assert.AreEqual(48, DeferredTests.Allocated(static () => Deferred.Succeed(1)));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lose()
    {
        var deferred = new Deferred<int>();
        deferred.AddCallback(_ => ThrowHere());
        deferred.Callback(1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void HandleLate()
    {
        Deferred<int> deferred = Deferred.Fail<int>(new TimeoutException());
        deferred.AddErrback(_ => 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int ThrowHere() => throw new NotSupportedException();
}
