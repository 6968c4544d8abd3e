using System;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>When a loop dozes before it waits, as turns of so many events and such lengths tell it to.</summary>
[TestClass]
public sealed class DozeTests
{
    private const long ShortTurn = 10 * TimeSpan.TicksPerMicrosecond;
    private Doze _doze;

    [TestMethod]
    public void NothingHappens_NeverDozes()
    {
        for (int i = 0; i < 1000; i++)
        {
            Assert.IsFalse(Turn(0));
        }
    }

    [TestMethod]
    public void ManyAtOnceAfterEachDoze_DozesEveryTime()
    {
        _ = Turn(1);
        for (int i = 0; i < 1000; i++)
        {
            Assert.IsTrue(Turn(8));
        }
    }

    [TestMethod]
    public void OneAfterTheOther_DozesLessAndLess()
    {
        int early = Count(turns: 1000, events: 1);
        int late = Count(turns: 100_000, events: 1);
        Assert.IsLessThan(12, early);
        Assert.IsGreaterThan(0, late, "it has to find out when they come together again");
        Assert.IsLessThan(200, late);
    }

    [TestMethod]
    public void ARushAfterAQuietTime_IsFoundOut()
    {
        _ = Count(turns: 10_000, events: 1);
        Assert.IsGreaterThan(8000, Count(turns: 10_000, events: 8));
    }

    [TestMethod]
    public void ALongTurn_OrSomethingToDoAtOnce_IsFollowedByNone()
    {
        _doze.Add(8);
        Assert.IsFalse(_doze.IsDue(TimeSpan.TicksPerMillisecond, willWait: true));
        _doze.Add(8);
        Assert.IsFalse(_doze.IsDue(ShortTurn, willWait: false));
        _doze.Add(8);
        Assert.IsTrue(_doze.IsDue(ShortTurn, willWait: true));
    }

    [TestMethod]
    public void RoomForAReader_IsWorthADozeEachTime()
    {
        _ = Turn(1);
        for (int i = 0; i < 1000; i++)
        {
            _doze.AddRoom();
            Assert.IsTrue(Turn(1));
        }
    }

    private int Count(int turns, int events)
    {
        int dozes = 0;
        for (int i = 0; i < turns; i++)
        {
            dozes += Turn(events) ? 1 : 0;
        }

        return dozes;
    }

    private bool Turn(int events)
    {
        _doze.Add(events);
        return _doze.IsDue(ShortTurn, willWait: true);
    }
}
