using System.Runtime.CompilerServices;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>Failures that nothing handles: reported once, after the last reference has gone, and not before.</summary>
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
        Assert.AreEqual(1, UnhandledFailures.Current.Count);
        kept.AddErrback(_ => 0);
        Assert.AreEqual(0, UnhandledFailures.Current.Count);
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
        Assert.AreEqual(0, UnhandledFailures.Current.Count);
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
    public void Sweep_RunsTheCollectorAfterASecond_ThenLessOften()
    {
        var reported = new List<string>();
        var failures = new UnhandledFailures((what, failure) => reported.Add($"{what}: {failure!.Message}"));
        UnhandledFailures? outer = failures.Enter();
        try
        {
            var start = TimeSpan.FromSeconds(100);
            Assert.IsNull(failures.Sweep(start));
            Lose();
            Assert.AreEqual(start + TimeSpan.FromSeconds(1), failures.Sweep(start));
            Assert.IsNull(failures.Sweep(start + TimeSpan.FromSeconds(1)), "it was lost, so nothing rests");
            Assert.HasCount(1, reported);

            Deferred<int> kept = Deferred.Fail<int>(new TimeoutException());
            Assert.AreEqual(TimeSpan.FromSeconds(201), failures.Sweep(TimeSpan.FromSeconds(200)));
            Assert.AreEqual(TimeSpan.FromSeconds(203), failures.Sweep(TimeSpan.FromSeconds(201)));
            Assert.AreEqual(TimeSpan.FromSeconds(203), failures.Sweep(TimeSpan.FromSeconds(202)));
            Assert.AreEqual(TimeSpan.FromSeconds(207), failures.Sweep(TimeSpan.FromSeconds(203)));
            Assert.HasCount(1, reported);
            kept.AddErrback(_ => 0);
            Assert.IsNull(failures.Sweep(TimeSpan.FromSeconds(300)));
        }
        finally
        {
            failures.Leave(outer);
        }

        Assert.HasCount(1, reported);
    }

    [TestMethod]
    public void Leave_ReportsWhatIsStillReferencedToo_Once()
    {
        var reported = new List<Failure?>();
        var failures = new UnhandledFailures((_, failure) => reported.Add(failure));
        UnhandledFailures? outer = failures.Enter();
        Deferred<int> kept = Deferred.Fail<int>(new TimeoutException());
        failures.Leave(outer);
        Assert.HasCount(1, reported);
        kept.AddErrback(_ => 0);
        failures.Flush();
        Assert.HasCount(1, reported);
        Assert.AreEqual(0, failures.Count);
    }

    [TestMethod]
    public void TwoReactors_ReportEachToItsOwnLog()
    {
        var first = new CollectingLog();
        var second = new CollectingLog();
        var thread = new Thread(() => RunAndLose(first, "first"));
        thread.Start();
        RunAndLose(second, "second");
        thread.Join();
        Assert.AreEqual("first", first.Exceptions.Single().Message);
        Assert.AreEqual("second", second.Exceptions.Single().Message);
    }

    [TestMethod]
    public void LostBeforeTheReactorRan_IsReportedToItsLog()
    {
        var log = new CollectingLog();
        Lose();
        RunAndLose(log, "then");
        Assert.HasCount(2, log.Exceptions);
        Assert.IsEmpty(LostFailures.Take());
    }

    /// <summary>Aim: an error in every callback of a busy server does not take its memory. Method: a million failures, lost and
    /// still referenced, are counted exactly; only some are kept with their exceptions.</summary>
    [TestMethod]
    public void AMillion_AreCountedInBoundedMemory()
    {
        const int Million = 1_000_000;
        int reports = 0;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var failures = new UnhandledFailures((_, _) => reports++);
        UnhandledFailures? outer = failures.Enter();
        for (int i = 0; i < Million; i++)
        {
            _ = Deferred.Fail<int>(Failure.Cancelled);
        }

        Assert.AreEqual(Million, failures.Count);
        _ = failures.Sweep(TimeSpan.FromSeconds(1));
        _ = failures.Sweep(TimeSpan.FromSeconds(3));
        Assert.IsLessThan(4_000_000, GC.GetTotalMemory(forceFullCollection: true) - before);
        failures.Leave(outer);
        Assert.AreEqual(Million, failures.LostCount);
        Assert.AreEqual(0, failures.Count);
        Assert.IsInRange(UnhandledFailures.MaxKept, UnhandledFailures.MaxKept + 10, reports);
    }

    [TestMethod]
    public void Success_AllocatesNothingForIt() =>
        Assert.AreEqual(48, DeferredTests.Allocated(static () => Deferred.Succeed(1)));

    private static void RunAndLose(CollectingLog log, string message)
    {
        using var reactor = new Reactor(log);
        reactor.CallWhenRunning(() =>
        {
            _ = Deferred.Fail<int>(new NotSupportedException(message));
            reactor.Stop();
        });
        reactor.Run();
        Assert.AreEqual(log.Exceptions.Length, reactor.LostFailureCount);
    }

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
