using System;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Commands;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Commands;

/// <summary>What the watchdog learns of a worker.</summary>
[TestClass]
public sealed class WorkerTests
{
    [TestMethod]
    public void CheckAlive_UntilItsLoopTurnsAgain_IsFalse()
    {
        var worker = new Worker(limit: 0, NullLogger.Instance);
        Assert.IsTrue(worker.CheckAlive(), "it was not asked before");
        Assert.IsFalse(worker.CheckAlive());
        Assert.IsFalse(worker.CheckAlive());
        worker.Reactor.Turn(timeoutMs: 0);
        Assert.IsTrue(worker.CheckAlive());
        Assert.IsFalse(worker.CheckAlive());
        worker.Reactor.Dispose();
    }

    [TestMethod]
    public void CheckAlive_AfterItsEnd_IsTrueForEver()
    {
        var worker = new Worker(limit: 0, NullLogger.Instance);
        worker.Reactor.CallWhenRunning(() => worker.Drain(TimeSpan.Zero));
        worker.Run();
        Assert.IsTrue(worker.CheckAlive());
        Assert.IsTrue(worker.CheckAlive());
        worker.Reactor.Dispose();
    }

    /// <summary>A list that is read again may open a port when the server ends meanwhile: the port would take clients until the end.</summary>
    [TestMethod]
    public void Listen_WhileDraining_IsRefused()
    {
        var worker = new Worker(limit: 0, NullLogger.Instance);
        string? refusal = null;
        worker.Drained = () =>
        {
            try
            {
                _ = worker.Listen(new ScriptedFactory(), SocketAddress.Ip([127, 0, 0, 1], 0), new ListenOptions(), inherited: -1);
            }
            catch (CannotListenError error)
            {
                refusal = error.Message;
            }

            worker.Reactor.Stop();
        };
        worker.Reactor.CallWhenRunning(() => worker.Drain(TimeSpan.FromHours(1)));
        worker.Run();
        worker.Reactor.Dispose();
        Assert.AreEqual("cannot listen on 127.0.0.1:0: the server stops", refusal);
    }

    [TestMethod]
    public void Drain_WithSomethingToDoWhenDone_LeavesTheLoopToIt()
    {
        var worker = new Worker(limit: 0, NullLogger.Instance);
        int done = 0;
        worker.Drained = () =>
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
