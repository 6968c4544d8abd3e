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
        Assert.AreEqual(0, _coalescer.EndTurn(0, TimeSpan.TicksPerMillisecond, willWait: true));
        _coalescer.AddEvents(8);
        Assert.AreEqual(0, _coalescer.EndTurn(0, ShortTurn, willWait: false));
        _coalescer.AddEvents(8);
        Assert.AreNotEqual(0, _coalescer.EndTurn(0, ShortTurn, willWait: true));
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

    [TestMethod]
    [DataRow(20)]
    [DataRow(25)]
    [DataRow(40)]
    public void EventsAtAPaceOfTheirOwn_AreCollected(int microsecondsApart)
    {
        var loop = new SimulatedLoop();
        for (int i = 1; i <= 200_000; i++)
        {
            loop.Arrivals.Enqueue(i * microsecondsApart);
        }

        loop.Run();
        Assert.IsLessThan(200_000 / 3, loop.Turns);
        Assert.IsLessThan(1000 + (200_000 * microsecondsApart), loop.Now, "the loop must keep up");
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(6)]
    [DataRow(8)]
    [DataRow(16)]
    public void ClientsThatWaitForTheirAnswers_AreNotDelayed(int clients)
    {
        const int Events = 200_000;
        var loop = new SimulatedLoop();
        for (int i = 0; i < clients; i++)
        {
            loop.Arrivals.Enqueue(i);
        }

        loop.Answer = now => loop.Handled + loop.Arrivals.Count < Events ? now + 10 : null;
        loop.Run();
        Assert.IsLessThan(loop.Turns / 100, loop.LongSleeps);
    }

    [TestMethod]
    public void EventsThatAreFarApart_AreNotDelayed()
    {
        var loop = new SimulatedLoop();
        for (int i = 1; i <= 20_000; i++)
        {
            loop.Arrivals.Enqueue(i * 500);
        }

        loop.Run();
        Assert.IsLessThan(200, loop.LongSleeps);
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
        return _coalescer.EndTurn(0, ShortTurn, willWait: true) > 0;
    }

    /// <summary>A loop in simulated microseconds. An event costs 10, a wake-up 5; a sleep lasts 50 longer than asked for.</summary>
    private sealed class SimulatedLoop
    {
        private WakeupCoalescer _coalescer;

        /// <summary>When the next events come, in order.</summary>
        public Queue<long> Arrivals { get; } = new();

        /// <summary>When the client that was served now sends its next event; null for none.</summary>
        public Func<long, long?> Answer { get; set; } = static _ => null;

        public long Now { get; private set; }

        public int Turns { get; private set; }

        public int LongSleeps { get; private set; }

        public int Handled { get; private set; }

        public void Run()
        {
            while (Arrivals.Count > 0)
            {
                Now = Math.Max(Now + 5, Arrivals.Peek());
                long began = Now;
                int events = Arrivals.TakeWhile(at => at <= began).Count();
                for (int i = 0; i < events; i++)
                {
                    _ = Arrivals.Dequeue();
                    Handled++;
                    Now += 10;
                    if (Answer(Now) is { } next)
                    {
                        Arrivals.Enqueue(next);
                    }
                }

                Turns++;
                _coalescer.AddEvents(events);
                long turnTicks = (Now - began) * TimeSpan.TicksPerMicrosecond;
                int sleep = _coalescer.EndTurn(began * TimeSpan.TicksPerMicrosecond, turnTicks, willWait: true);
                LongSleeps += sleep > 100 ? 1 : 0;
                Now += sleep > 0 ? sleep + 50 : 0;
            }
        }
    }
}
