using System;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Commands;

namespace Poetry.Tests.Commands;

/// <summary>The sign of life that a worker gives to whoever feeds the watchdog.</summary>
[TestClass]
public sealed class WorkerTests
{
    [TestMethod]
    public void HasTurned_UntilItsLoopTurnsAgain_IsFalse()
    {
        var worker = new Worker(limit: 0, NullLogger.Instance);
        Assert.IsTrue(worker.HasTurned(), "nobody had asked before");
        Assert.IsFalse(worker.HasTurned());
        Assert.IsFalse(worker.HasTurned());
        worker.Reactor.Turn(timeoutMs: 0);
        Assert.IsTrue(worker.HasTurned());
        Assert.IsFalse(worker.HasTurned());
        worker.Reactor.Dispose();
    }

    [TestMethod]
    public void HasTurned_AfterItsEnd_IsTrueForEver()
    {
        var worker = new Worker(limit: 0, NullLogger.Instance);
        worker.Reactor.CallWhenRunning(() => worker.Drain(TimeSpan.Zero));
        worker.Run();
        Assert.IsTrue(worker.HasTurned());
        Assert.IsTrue(worker.HasTurned());
        worker.Reactor.Dispose();
    }

    [TestMethod]
    public void Drain_WithSomethingToDoWhenDone_LeavesTheLoopToIt()
    {
        var worker = new Worker(limit: 0, NullLogger.Instance);
        int done = 0;
        worker.WhenDone = () =>
        {
            done++;
            Assert.IsTrue(worker.Reactor.Running);
            worker.Drain(TimeSpan.Zero);
            _ = worker.Reactor.CallLater(TimeSpan.Zero, worker, static worker => worker.Reactor.Stop());
        };
        worker.Reactor.CallWhenRunning(() => worker.Drain(TimeSpan.FromHours(1)));
        worker.Run();
        Assert.AreEqual(1, done, "it is told once");
        worker.Reactor.Dispose();
    }
}
