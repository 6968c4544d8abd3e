using System;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>Whether the loop sleeps before it waits, depending on the events and lengths of its turns.</summary>
[TestClass]
public sealed class WakeupCoalescerTests
{
    private const long ShortTurn = 10 * TimeSpan.TicksPerMicrosecond;
    private WakeupCoalescer _coalescer;

    [TestMethod]
    public void NoEvents_NeverSleeps()
    {
        for (int i = 0; i < 1000; i++)
        {
            Assert.IsFalse(Turn(0));
        }
    }

    [TestMethod]
    public void ManyEventsAfterEachSleep_SleepsEveryTime()
    {
        _ = Turn(1);
        for (int i = 0; i < 1000; i++)
        {
            Assert.IsTrue(Turn(8));
        }
    }

    [TestMethod]
    public void OneEventAfterEachSleep_SleepsLessAndLess()
    {
        int early = Count(turns: 1000, events: 1);
        int late = Count(turns: 100_000, events: 1);
        Assert.IsLessThan(12, early);
        Assert.IsGreaterThan(0, late, "it has to notice when events come together again");
        Assert.IsLessThan(200, late);
    }

    [TestMethod]
    public void ABurstAfterAQuietTime_IsNoticed()
    {
        _ = Count(turns: 10_000, events: 1);
        Assert.IsGreaterThan(8000, Count(turns: 10_000, events: 8));
    }

    [TestMethod]
    public void ALongTurn_OrPendingWork_IsNotFollowedByASleep()
    {
        _coalescer.AddEvents(8);
        Assert.IsFalse(_coalescer.ShouldSleep(TimeSpan.TicksPerMillisecond, willWait: true));
        _coalescer.AddEvents(8);
        Assert.IsFalse(_coalescer.ShouldSleep(ShortTurn, willWait: false));
        _coalescer.AddEvents(8);
        Assert.IsTrue(_coalescer.ShouldSleep(ShortTurn, willWait: true));
    }

    [TestMethod]
    public void AWritableSocket_IsFollowedByASleepEachTime()
    {
        _ = Turn(1);
        for (int i = 0; i < 1000; i++)
        {
            _coalescer.AddWritable();
            Assert.IsTrue(Turn(1));
        }
    }

    private int Count(int turns, int events)
    {
        int sleeps = 0;
        for (int i = 0; i < turns; i++)
        {
            sleeps += Turn(events) ? 1 : 0;
        }

        return sleeps;
    }

    private bool Turn(int events)
    {
        _coalescer.AddEvents(events);
        return _coalescer.ShouldSleep(ShortTurn, willWait: true);
    }
}
