using System.Collections.Concurrent;
using Poetry.Net;
using static Poetry.Tests.Net.DeferredTests;

namespace Poetry.Tests.Net;

/// <summary>Between deferreds and the rest of .NET. The reactor is a queue that the test's own thread empties.</summary>
[TestClass]
public sealed class DeferredBridgesTests
{
    private readonly CallQueue _threads = new();

    [TestMethod]
    public void DeferToThread_RunsElsewhere_AndFiresHere()
    {
        int here = Environment.CurrentManagedThreadId;
        int there = here;
        int firedOn = 0;
        Deferred<int> deferred = _threads.DeferToThread(() =>
        {
            there = Environment.CurrentManagedThreadId;
            return 5;
        });
        deferred.AddBoth(outcome =>
        {
            firedOn = Environment.CurrentManagedThreadId;
            return outcome;
        });
        _threads.RunOne();
        Assert.AreEqual(5, ResultOf(deferred));
        Assert.AreNotEqual(here, there);
        Assert.AreEqual(here, firedOn);
    }

    [TestMethod]
    public void DeferToThread_ThatThrows_Fails_AndACancelledOneIsDropped()
    {
        Deferred<int> broken = _threads.DeferToThread((Func<int>)(() => throw new TimeoutException()));
        _threads.RunOne();
        Assert.IsTrue(FailureOf(broken).Check<TimeoutException>());
        Deferred<int> cancelled = _threads.DeferToThread(() => 1);
        cancelled.Cancel();
        Assert.IsTrue(FailureOf(cancelled).Check<CancelledError>());
        _threads.RunOne();
    }

    [TestMethod]
    public void AsDeferred_OfATask_FiresOnTheReactorThread()
    {
        var source = new TaskCompletionSource<int>();
        Deferred<int> deferred = source.Task.AsDeferred(_threads);
        source.SetResult(3);
        Assert.IsFalse(deferred.Called);
        _threads.RunOne();
        Assert.AreEqual(3, ResultOf(deferred));
        Assert.AreEqual(3, ResultOf(source.Task.AsDeferred(_threads)), "a finished one needs no turn of the loop");
    }

    [TestMethod]
    public void AsDeferred_OfAFailedTask_Fails()
    {
        Task<int> failed = Task.FromException<int>(new TimeoutException());
        Assert.IsTrue(FailureOf(failed.AsDeferred(_threads)).Check<TimeoutException>());
        Assert.IsTrue(FailureOf(((Task)failed).AsDeferred(_threads)).Check<TimeoutException>());
        Task<int> cancelled = Task.FromCanceled<int>(new CancellationToken(canceled: true));
        Assert.IsTrue(FailureOf(cancelled.AsDeferred(_threads)).Check<CancelledError>());
    }

    [TestMethod]
    public void AsDeferred_Cancelled_CancelsTheSourceOfTheTask()
    {
        using var cancellation = new CancellationTokenSource();
        var source = new TaskCompletionSource<int>();
        cancellation.Token.Register(() => source.SetCanceled(CancellationToken.None));
        Deferred<int> deferred = source.Task.AsDeferred(_threads, cancellation);
        deferred.Cancel();
        Assert.IsTrue(cancellation.IsCancellationRequested);
        Assert.IsTrue(FailureOf(deferred).Check<CancelledError>());
        _threads.RunOne();
    }

    [TestMethod]
    public async Task AsTask_EndsAsTheDeferredDoes()
    {
        Task<int> succeeded = Deferred.Succeed(4).AsTask(_threads);
        _threads.RunOne();
        Assert.AreEqual(4, await succeeded);
        Task<int> failed = Deferred.Fail<int>(new TimeoutException()).AsTask(_threads);
        Assert.AreEqual(1, _threads.RunOne());
        await Assert.ThrowsExactlyAsync<TimeoutException>(() => failed);
    }

    [TestMethod]
    public async Task AsTask_OfADeferredWhoseChainGoesOn_Fails()
    {
        // The functions are added on the reactor's thread, when the caller has its task already: it would wait for ever.
        var deferred = new Deferred<int>();
        _ = deferred.AddCallback(static number => $"{number}");
        Task<int> task = deferred.AsTask(_threads);
        _threads.RunOne();
        await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => task);
    }

    [TestMethod]
    public void AsTask_CancelledByItsToken_CancelsTheDeferred()
    {
        using var cancellation = new CancellationTokenSource();
        bool stopped = false;
        Task<int> task = new Deferred<int>(_ => stopped = true).AsTask(_threads, cancellation.Token);
        _threads.RunOne();
        cancellation.Cancel();
        Assert.IsFalse(stopped, "not before the reactor's own thread does it");
        _threads.RunOne();
        Assert.IsTrue(stopped);
        Assert.IsTrue(task.IsCanceled);
    }

    [TestMethod]
    public void CancelWith_AfterTheResult_DoesNothing()
    {
        using var cancellation = new CancellationTokenSource();
        Deferred<int> deferred = new Deferred<int>().CancelWith(_threads, cancellation.Token);
        deferred.Callback(1);
        cancellation.Cancel();
        Assert.AreEqual(0, _threads.Count);
        Assert.AreEqual(1, ResultOf(deferred));
    }

    [TestMethod]
    public void CancelWith_OfADeferredWhoseChainGoesOn_LeavesNothingAtTheToken()
    {
        using var cancellation = new CancellationTokenSource();
        var deferred = new Deferred<int>();
        Deferred<string> next = deferred.AddCallback(static number => $"{number}");
        Assert.ThrowsExactly<InvalidOperationException>(() => deferred.CancelWith(_threads, cancellation.Token));
        cancellation.Cancel();
        Assert.AreEqual(0, _threads.Count, "what was refused does not cancel the chain later");
        deferred.Callback(1);
        Assert.AreEqual("1", ResultOf(next));
    }

    private sealed class CallQueue : IReactorThreads
    {
        private readonly BlockingCollection<Action> _calls = [];

        public int Count => _calls.Count;

        public void CallFromThread(Action call) => _calls.Add(call);

        /// <summary>Waits for a call, and makes it.</summary>
        public int RunOne()
        {
            _calls.Take()();
            return 1;
        }
    }
}
