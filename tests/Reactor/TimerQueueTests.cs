using System;
using System.Collections.Generic;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests;

/// <summary>The heap below the delayed calls: what it weighs, what it costs, and that it is right about everything.</summary>
[TestClass]
public sealed class TimerQueueTests
{
    private const int Million = 1_000_000;

    private readonly ManualClock _clock = new();
    private readonly TimerQueue _queue;
    private int _fired;

    public TimerQueueTests()
    {
        _queue = new TimerQueue(_clock);
    }

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void TakeDue_ScheduledAfterTheBound_WaitsForTheNextTurn()
    {
        _ = Add(0);
        long bound = _queue.LastSequence;
        _ = Add(0);
        _queue.TakeDue(0, bound)!.Fire();
        Assert.IsNull(_queue.TakeDue(0, bound));
        Assert.AreEqual(1, _queue.Count);
        Assert.IsNotNull(_queue.TakeDue(0, _queue.LastSequence));
    }

    [TestMethod]
    public void Rearm_FromItsOwnCall_ComesAgain()
    {
        DelayedCall? call = null;
        call = _queue.Create(this, test =>
        {
            test._fired++;
            call!.Rearm(TimeSpan.FromTicks(10));
        });
        call.Rearm(TimeSpan.FromTicks(10));
        for (int i = 0; i < 5; i++)
        {
            _clock.Advance(TimeSpan.FromTicks(10));
            FireDue();
        }

        Assert.AreEqual(5, _fired);
        Assert.AreEqual(1, _queue.Count);
    }

    [TestMethod]
    public void Rearm_AfterCancel_ComesOnce()
    {
        DelayedCall call = Add(5);
        call.Cancel();
        call.Rearm(TimeSpan.FromTicks(3));
        _clock.Advance(TimeSpan.FromTicks(20));
        FireDue();
        Assert.AreEqual(1, _fired);
        Assert.AreEqual(0, _queue.Count);
    }

    [TestMethod]
    public void AMillion_Fired_GiveTheirMemoryBack()
    {
        for (int i = 0; i < Million; i++)
        {
            _ = Add(i * 7919L % Million);
        }

        Assert.AreEqual(Million, _queue.Count);
        _clock.Advance(TimeSpan.FromTicks(Million));
        FireDue();
        Assert.AreEqual(Million, _fired);
        AssertEmpty();
    }

    [TestMethod]
    public void AMillion_Cancelled_GiveTheirMemoryBack()
    {
        var calls = new DelayedCall[Million];
        for (int i = 0; i < Million; i++)
        {
            calls[i] = Add(i * 7919L % Million);
        }

        for (int i = 0; i < Million; i++)
        {
            calls[i].Cancel();
            Assert.AreEqual(Million - i - 1, _queue.Count);
        }

        AssertEmpty();
    }

    [TestMethod]
    public void PushedBackAMillionTimes_KeepsOneEntryACall()
    {
        var calls = new DelayedCall[1000];
        for (int i = 0; i < calls.Length; i++)
        {
            calls[i] = Add(100);
        }

        for (int i = 0; i < Million; i++)
        {
            calls[i % calls.Length].Reset(TimeSpan.FromTicks(100 + i));
        }

        Assert.AreEqual(calls.Length, _queue.EntryCount);
    }

    [TestMethod]
    public void BroughtForwardAgainAndAgain_StaleEntriesAreCleared()
    {
        var calls = new DelayedCall[1000];
        for (int i = 0; i < calls.Length; i++)
        {
            calls[i] = Add(Million);
        }

        for (int i = 0; i < 100_000; i++)
        {
            calls[i % calls.Length].Delay(TimeSpan.FromTicks(-1));
            Assert.AreEqual(calls.Length, _queue.Count);
            Assert.IsLessThanOrEqualTo((calls.Length * 2) + 2, _queue.EntryCount);
        }
    }

    [TestMethod]
    public void Rearm_ACallThatWasMadeBefore_AllocatesNothing()
    {
        DelayedCall call = _queue.Create(this, static test => test._fired++);
        for (int round = 0; round < 2; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10_000; i++)
            {
                call.Rearm(TimeSpan.Zero);
                call.Reset(TimeSpan.Zero);
                _queue.TakeDue(_clock.Now.Ticks, _queue.LastSequence)!.Fire();
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.IsTrue(round == 0 || allocated == 0, $"{allocated} bytes for 10,000 calls");
        }

        Assert.AreEqual(20_000, _fired);
    }

    /// <summary>
    /// Whatever is done to the calls, they come in the order of a list sorted by when they are due and when that was said.
    /// </summary>
    [TestMethod]
    public void AnythingAtAll_IsAsInASortedList()
    {
        Random random = Seed.Start(TestContext);
        var model = new SortedDictionary<(long Due, long Said), int>();
        var places = new List<(DelayedCall Call, (long Due, long Said) Key)>();
        var fired = new List<int>();
        long said = 0;
        for (int step = 0; step < 200_000; step++)
        {
            int chosen = places.Count == 0 ? -1 : random.Next(places.Count);
            bool isPending = chosen >= 0 && places[chosen].Call.Active;
            var delay = TimeSpan.FromTicks(random.Next(500));
            switch (random.Next(isPending ? 6 : 1))
            {
                case 0 or 1:
                    int number = places.Count;
                    DelayedCall added = _queue.Add(delay, fired, made => made.Add(number));
                    places.Add((added, (added.Due.Ticks, ++said)));
                    model.Add(places[number].Key, number);
                    break;
                case 2:
                    places[chosen].Call.Cancel();
                    Assert.IsTrue(model.Remove(places[chosen].Key));
                    break;
                case 3:
                    places[chosen].Call.Reset(delay);
                    Move(chosen);
                    break;
                case 4:
                    places[chosen].Call.Delay(delay - TimeSpan.FromTicks(250));
                    Move(chosen);
                    break;
                default:
                    _clock.Advance(TimeSpan.FromTicks(random.Next(20)));
                    FireDue();
                    AssertFired();
                    break;
            }

            Assert.AreEqual(model.Count, _queue.Count);
        }

        _clock.Advance(TimeSpan.FromTicks(Million));
        FireDue();
        AssertFired();
        Assert.AreEqual(0, _queue.Count);

        void Move(int place)
        {
            Assert.IsTrue(model.Remove(places[place].Key));
            places[place] = (places[place].Call, (places[place].Call.Due.Ticks, ++said));
            model.Add(places[place].Key, place);
        }

        void AssertFired()
        {
            var expected = new List<int>();
            var keys = new List<(long, long)>();
            foreach (((long Due, long Said) key, int place) in model)
            {
                if (key.Due > _clock.Now.Ticks)
                {
                    break;
                }

                expected.Add(place);
                keys.Add(key);
            }

            CollectionAssert.AreEqual(expected, fired);
            fired.Clear();
            keys.ForEach(key => model.Remove(key));
        }
    }

    private DelayedCall Add(long ticks) => _queue.Add(TimeSpan.FromTicks(ticks), this, static test => test._fired++);

    private void FireDue()
    {
        while (_queue.TakeDue(_clock.Now.Ticks, _queue.LastSequence) is { } call)
        {
            call.Fire();
        }
    }

    private void AssertEmpty()
    {
        Assert.AreEqual(0, _queue.Count);
        Assert.IsLessThanOrEqualTo(64, _queue.EntryCount);
        Assert.IsLessThanOrEqualTo(1024, _queue.Capacity, "the array has shrunk");
    }
}
