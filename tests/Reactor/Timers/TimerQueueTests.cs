using System.Runtime.CompilerServices;
using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>What is below the delayed calls: what it weighs, what it costs and how it ends. Its order: <see cref="TimerOrderTests"/>.</summary>
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

    /// <summary>One call that is left of many does not keep the memory of all, and runs when it is due.</summary>
    [TestMethod]
    public void AMillion_OfWhichAFewStay_GiveTheirMemoryBack()
    {
        const int Apart = 100_000;
        const int Hour = 36_000_000;
        var calls = new DelayedCall[Million];
        for (int i = 0; i < Million; i++)
        {
            calls[i] = Add(Hour + (i * 7919L % Million));
        }

        for (int i = 0; i < Million; i++)
        {
            if (i % Apart != Apart - 1)
            {
                calls[i].Cancel();
            }
        }

        Assert.AreEqual(Million / Apart, _queue.Count);
        Assert.IsLessThanOrEqualTo(1024, _queue.Capacity);
        _clock.Advance(TimeSpan.FromTicks(Hour + Million));
        FireDue();
        Assert.AreEqual(Million / Apart, _fired);
        AssertEmpty();
    }

    [TestMethod]
    public void Cancelled_IsNotReferencedByTheQueue()
    {
        WeakReference cancelled = AddAndCancel();
        GC.Collect();
        Assert.IsFalse(cancelled.IsAlive);
        Assert.AreEqual(0, _queue.Count);
    }

    [TestMethod]
    public void MovedLaterAMillionTimes_KeepsOneEntryACall()
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

        Assert.AreEqual(calls.Length, _queue.Count);
        Assert.IsLessThanOrEqualTo(1024, _queue.Capacity);
    }

    [TestMethod]
    public void MovedEarlierAgainAndAgain_KeepsOneEntryACall()
    {
        var calls = new DelayedCall[1000];
        for (int i = 0; i < calls.Length; i++)
        {
            calls[i] = Add(Million);
        }

        for (int i = 0; i < 100_000; i++)
        {
            calls[i % calls.Length].Delay(TimeSpan.FromTicks(-1));
        }

        Assert.AreEqual(calls.Length, _queue.Count);
        Assert.IsLessThanOrEqualTo(1024, _queue.Capacity);
    }

    /// <summary>The entry of a call that was moved later has an early key: it may not run early, nor out of order.</summary>
    [TestMethod]
    public void MovedLater_ComesInTheOrderOfItsNewTime()
    {
        DelayedCall moved = Add(10);
        DelayedCall before = Add(20);
        moved.Reset(TimeSpan.FromTicks(20));
        Assert.IsTrue(_queue.TryPeek(out long due));
        Assert.AreEqual(20, due);
        Assert.AreSame(before, _queue.TakeDue(20, long.MaxValue));
        Assert.AreSame(moved, _queue.TakeDue(20, long.MaxValue));
    }

    [TestMethod]
    public void RunDue_RunsWhatIsDue_AndWhatThatSchedules()
    {
        _ = _queue.Add(TimeSpan.Zero, this, static test => test.Add(0));
        _ = Add(5);
        Assert.AreEqual(2, _queue.RunDue());
        Assert.AreEqual(1, _fired);
        Assert.IsTrue(_queue.TryGetNextDue(out TimeSpan due));
        Assert.AreEqual(TimeSpan.FromTicks(5), due);
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

    /// <summary>Timers at a pace, as of a slow server with many clients: spread out, in step, and far apart.</summary>
    [TestMethod]
    [DataRow(7_000_000, 700)]
    [DataRow(7_000_000, 0)]
    [DataRow(500_000_000, 50_000)]
    public void AtAPace_AllocatesNothing(long paceTicks, long apartTicks)
    {
        const int Clients = 10_000;
        var pace = TimeSpan.FromTicks(paceTicks);
        for (int i = 0; i < Clients; i++)
        {
            DelayedCall? call = null;
            call = _queue.Create(this, test =>
            {
                test._fired++;
                call!.RearmAt(call.Due.Ticks + paceTicks);
            });
            call.RearmAt(i * apartTicks);
        }

        long before = 0;
        for (int round = 0; round < 6; round++)
        {
            before = round == 3 ? GC.GetAllocatedBytesForCurrentThread() : before;
            for (int step = 0; step < 100; step++)
            {
                _clock.Advance(pace / 100);
                FireDue();
            }
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.AreEqual(Clients, _queue.Count);
        Assert.IsInRange(5 * Clients, 7 * Clients, _fired);
    }

    [TestMethod]
    public void ACallThatCancelsTheOthersOfItsBatch_IsTheOnlyOne()
    {
        var calls = new DelayedCall[1000];
        for (int i = 0; i < calls.Length; i++)
        {
            calls[i] = _queue.Add(TimeSpan.FromTicks(i / 10), calls, others =>
            {
                _fired++;
                foreach (DelayedCall other in others)
                {
                    _ = other.CancelIfActive();
                }
            });
        }

        _clock.Advance(TimeSpan.FromTicks(1000));
        FireDue();
        Assert.AreEqual(1, _fired);
        AssertEmpty();
    }

    [TestMethod]
    public void TryPeek_OneCall_IsItsMomentHoweverFar()
    {
        for (int bits = 0; bits < 63; bits++)
        {
            DelayedCall call = Add(1L << bits);
            Assert.IsTrue(_queue.TryPeek(out long due));
            Assert.AreEqual(1L << bits, due);
            Assert.IsNull(_queue.TakeDue(due - 1, long.MaxValue));
            Assert.AreSame(call, _queue.TakeDue(due, long.MaxValue));
        }

        Assert.IsFalse(_queue.TryPeek(out _));
    }

    [TestMethod]
    public void TheEndOfTime_HasAnOrderToo()
    {
        DelayedCall last = Add(long.MaxValue);
        DelayedCall veryLast = Add(long.MaxValue);
        DelayedCall before = Add(long.MaxValue - 1);
        Assert.AreSame(before, _queue.TakeDue(long.MaxValue, long.MaxValue));
        Assert.AreSame(last, _queue.TakeDue(long.MaxValue, long.MaxValue));
        last.Fire();
        last.RearmAt(long.MaxValue);
        Assert.AreSame(veryLast, _queue.TakeDue(long.MaxValue, long.MaxValue));
        Assert.AreSame(last, _queue.TakeDue(long.MaxValue, long.MaxValue));
    }

    [TestMethod]
    public void AFew_TakeLittle()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var queue = new TimerQueue(_clock);
        for (int i = 0; i < 5; i++)
        {
            _ = queue.Add(TimeSpan.FromSeconds(Math.Pow(10, i)), this, static test => test._fired++);
        }

        Assert.IsLessThan(2_000, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference AddAndCancel()
    {
        DelayedCall call = Add(1000);
        call.Cancel();
        return new WeakReference(call);
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
        Assert.IsLessThanOrEqualTo(1024, _queue.Capacity, "entries that are kept for a crowd that comes and goes");
    }
}
