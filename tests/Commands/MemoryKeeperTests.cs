using System;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Commands;
using Poetry.Net;

namespace Poetry.Tests;

/// <summary>A server gives its memory back once, when a rush is over, and does nothing where there was none.</summary>
[TestClass]
[DoNotParallelize]
public sealed class MemoryKeeperTests
{
    [TestMethod]
    public void AfterCollections_TidiesOnce()
    {
        using var reactor = new Reactor(NullLogger.Instance);
        MemoryKeeper.Attach(reactor);
        int before = 0;
        reactor.CallWhenRunning(() =>
        {
            GC.Collect(0);
            before = GC.CollectionCount(GC.MaxGeneration);
            StopWhenTidy(reactor);
        });
        reactor.Run();
        Assert.IsGreaterThan(before, GC.CollectionCount(GC.MaxGeneration));
    }

    /// <summary>From turn to turn, until the one delayed call is this very look.</summary>
    private static void StopWhenTidy(Reactor reactor, bool wasWaiting = false)
    {
        bool waits = reactor.DelayedCalls > 0;
        if (wasWaiting && !waits)
        {
            reactor.Stop();
            return;
        }

        _ = reactor.CallLater(TimeSpan.Zero, wasWaiting || waits, isWaiting => StopWhenTidy(reactor, isWaiting));
    }
}
