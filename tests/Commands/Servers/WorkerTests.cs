using Microsoft.Extensions.Logging.Abstractions;
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

    /// <summary>
    /// Aim: a list that SIGHUP reads again and again costs no memory, and the counters of what has gone still count. Method: a
    /// client on a port, then a thousand changes of its listener.
    /// </summary>
    [TestMethod]
    public void APortThatHasGone_IsForgottenButCounted()
    {
        var worker = new Worker(limit: 0, NullLogger.Instance);
        var first = SocketAddress.Ip([127, 0, 0, 1], 0);
        ListeningPort port = worker.Listen(new ScriptedFactory(), first, new ListenOptions(), inherited: -1);
        using (Wire.Connect(port.Address.Port))
        {
            TurnUntil(worker.Reactor, () => port.Connections == 1);
            _ = worker.Replace(port, new ScriptedFactory());
            Assert.HasCount(2, worker.Ports);
        }

        TurnUntil(worker.Reactor, () => port.Connections == 0);
        for (int i = 0; i < 1000; i++)
        {
            _ = worker.Replace(worker.Ports[^1], new ScriptedFactory());
        }

        Assert.HasCount(1, worker.Ports);
        Assert.AreEqual(1, worker.Figures.Accepted);
        worker.Reactor.Dispose();
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

    private static void TurnUntil(Reactor reactor, Func<bool> condition)
    {
        long deadline = Environment.TickCount64 + Patience.Milliseconds;
        while (!condition())
        {
            Assert.IsLessThan(deadline, Environment.TickCount64);
            reactor.Turn(timeoutMs: 5);
        }
    }
}
