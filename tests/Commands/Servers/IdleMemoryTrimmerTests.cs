using System;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Commands;
using Poetry.Net;

namespace Poetry.Tests.Commands;

/// <summary>Memory is returned once, when a rush is over, and never without one.</summary>
[TestClass]
[DoNotParallelize]
public sealed class IdleMemoryTrimmerTests
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(10);

    [TestMethod]
    public void AfterCollections_TrimsOnce()
    {
        using var reactor = new Reactor(NullLogger.Instance);
        IdleMemoryTrimmer.Attach(reactor);
        int before = 0;
        reactor.CallWhenRunning(() =>
        {
            GC.Collect(0);
            before = GC.CollectionCount(GC.MaxGeneration);
        });

        // One delayed call, re-armed: a test that allocates in every turn would itself be the rush.
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
        Assert.AreEqual(0, reactor.DelayedCalls, "after a trim no delayed call is pending");
    }
}
