using Poetry.Net;
using static Poetry.Tests.Net.DeferredTests;

namespace Poetry.Tests.Net;

/// <summary>Lock, semaphore and queue: the programs over them are in tests/Traces, here are the edges.</summary>
[TestClass]
public sealed class DeferredLockTests
{
    [TestMethod]
    public void Lock_IsGivenInTheOrderOfAsking_AndCancelLeavesTheLine()
    {
        var gate = new DeferredLock();
        Assert.AreSame(gate, ResultOf(gate.Acquire()));
        Deferred<DeferredLock> second = gate.Acquire();
        Deferred<DeferredLock> third = gate.Acquire();
        Deferred<DeferredLock> fourth = gate.Acquire();
        third.Cancel();
        Assert.IsTrue(FailureOf(third).Check<CancelledError>());
        Assert.AreEqual(2, gate.WaitingCount);
        gate.Release();
        Assert.IsTrue(second.Called);
        Assert.IsFalse(fourth.Called);
        gate.Release();
        Assert.IsTrue(fourth.Called);
        gate.Release();
        Assert.IsFalse(gate.Locked);
        Assert.ThrowsExactly<ReleaseError>(gate.Release);
    }

    [TestMethod]
    public void Lock_Run_ReleasesHoweverItEnds()
    {
        var gate = new DeferredLock();
        Assert.IsTrue(FailureOf(gate.Run<int>(() => throw new TimeoutException())).Check<TimeoutException>());
        var operation = new Deferred<int>();
        Deferred<int> run = gate.Run<int>(() => operation);
        Assert.IsTrue(gate.Locked);
        run.Cancel();
        Assert.IsTrue(FailureOf(run).Check<CancelledError>());
        Assert.IsFalse(gate.Locked);
    }

    [TestMethod]
    public void Semaphore_LetsItsNumberThrough()
    {
        var gate = new DeferredSemaphore(2);
        Assert.IsTrue(gate.Acquire().Called);
        Assert.IsTrue(gate.Acquire().Called);
        Deferred<int> third = gate.Run(() => new Outcome<int>(3));
        Assert.IsFalse(third.Called);
        gate.Release();
        Assert.AreEqual(3, ResultOf(third));
        gate.Release();
        Assert.ThrowsExactly<ReleaseError>(gate.Release);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new DeferredSemaphore(0));
    }

    [TestMethod]
    public void Queue_IsLimitedBothWays()
    {
        var queue = new DeferredQueue<int>(size: 1, backlog: 1);
        Deferred<int> first = queue.Get();
        Assert.ThrowsExactly<QueueUnderflow>(queue.Get);
        queue.Put(1);
        queue.Put(2);
        Assert.ThrowsExactly<QueueOverflow>(() => queue.Put(3));
        Assert.AreEqual(1, ResultOf(first));
        Assert.AreEqual(2, ResultOf(queue.Get()));
    }
}
