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

    /// <summary>20,000 events a second are three in a short sleep and the turn after it, and more in a long one.</summary>
    [TestMethod]
    public void TooFewEventsForAShortSleep_AreCollectedByALongOne()
    {
        _ = Turn(1);
        int shortSleep = _coalescer.SleepMicroseconds;
        for (int i = 0; i < 1000; i++)
        {
            Assert.IsTrue(Turn(_coalescer.SleepMicroseconds == shortSleep ? 3 : i % 2 == 0 ? 4 : 6));
        }

        Assert.IsGreaterThan(shortSleep, _coalescer.SleepMicroseconds);
        _ = Turn(100);
        Assert.AreEqual(shortSleep, _coalescer.SleepMicroseconds, "so many come in a short one, too");
    }

    /// <summary>Two or three clients that ask again and again: no sleep collects four of them.</summary>
    [TestMethod]
    public void AFewClientsInLockstep_AreSeldomDelayed()
    {
        Assert.IsLessThan(50, Count(turns: 1000, events: 3));
        Assert.IsLessThan(500, Count(turns: 100_000, events: 3));
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
