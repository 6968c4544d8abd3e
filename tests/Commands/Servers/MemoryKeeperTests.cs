using System;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Commands;
using Poetry.Net;

namespace Poetry.Tests.Commands;

/// <summary>A server gives its memory back once, when a rush is over, and does nothing where there was none.</summary>
[TestClass]
[DoNotParallelize]
public sealed class MemoryKeeperTests
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(10);

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
        });

        // One delayed call, re-armed: whoever allocates in every turn while he waits is the rush that he waits for the end of.
        DelayedCall? look = null;
        look = reactor.CallLater(Often, () =>
        {
            if (GC.CollectionCount(GC.MaxGeneration) > before)
            {
                reactor.Stop();
            }
            else
            {
                look!.Rearm(Often);
            }
        });
        reactor.Run();
        Assert.IsGreaterThan(before, GC.CollectionCount(GC.MaxGeneration));
        Assert.AreEqual(0, reactor.DelayedCalls, "having tidied up, it waits for the next rush without a delayed call");
    }
}
