using Poetry.Net;
using Poetry.Tests.Testing;

namespace Poetry.Tests.Net;

/// <summary>
/// Whatever is done to delayed calls, between the firings and from within them, they come in the order of a list sorted
/// by when they are due and when that was said. A random program runs on the queue and on such a list side by side; its
/// delays are of all magnitudes up to a given one, so that calls are moved, removed and tied in all ways.
/// </summary>
[TestClass]
public sealed class TimerOrderTests
{
    private const int Steps = 60_000;

    /// <summary>Enough for a heap of several levels, few enough that firings are frequent.</summary>
    private const int MaxPending = 3000;

    private readonly ManualClock _clock = new();
    private readonly TimerQueue _queue;
    private readonly SortedDictionary<(long Due, long Said), int> _model = [];
    private readonly List<(DelayedCall Call, (long Due, long Said) Key)> _calls = [];
    private Random _random = null!;
    private int _bits;

    public TimerOrderTests()
    {
        _queue = new TimerQueue(_clock);
    }

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow(3, DisplayName = "nearly all at once")]
    [DataRow(9, DisplayName = "microseconds")]
    [DataRow(16, DisplayName = "milliseconds")]
    [DataRow(24, DisplayName = "seconds")]
    [DataRow(36, DisplayName = "hours")]
    [DataRow(62, DisplayName = "to the end of time")]
    public void AnythingAtAll_IsAsInASortedList(int bits)
    {
        _random = Seed.Start(TestContext);
        _bits = bits;
        for (int step = 0; step < Steps; step++)
        {
            if (_random.Next(Steps / 10) == 0)
            {
                MostLeave();
            }
            else if (_random.Next(20) == 0 || _queue.Count > MaxPending)
            {
                Turn();
            }
            else
            {
                Act();
            }

            AssertPeek();
        }

        AssertAllThatIsLeft();
    }

    /// <summary>A turn of the loop, with or without its rule that what is scheduled meanwhile waits for the next.</summary>
    private void Turn()
    {
        _clock.Advance(TimeSpan.FromTicks(_random.NextInt64(1L << _random.Next(Math.Min(_bits, 45)))));
        long now = _clock.Now.Ticks;
        long bound = _random.Next(2) == 0 ? _queue.LastSequence : long.MaxValue;
        int left = 2 * MaxPending;
        while (left-- > 0 && _queue.TakeDue(now, bound) is { } call)
        {
            call.Fire();
        }

        if (left >= 0 && _model.Count > 0)
        {
            (long due, long said) = _model.First().Key;
            Assert.IsTrue(due > now || said > bound, "what is due is taken");
        }
    }

    /// <summary>A crowd goes, and the few that stay are drawn together.</summary>
    private void MostLeave()
    {
        foreach ((DelayedCall call, (long Due, long Said) key) in _calls)
        {
            if (_random.Next(50) > 0 && call.CancelIfActive())
            {
                Assert.IsTrue(_model.Remove(key));
            }
        }

        Assert.AreEqual(_model.Count, _queue.Count);
    }

    private void Fired(int number)
    {
        Assert.AreEqual(_model.First().Value, number);
        Assert.IsTrue(_model.Remove(_calls[number].Key));
        Assert.IsLessThanOrEqualTo(_clock.Now, _calls[number].Call.Due);
        for (int i = _random.Next(3); i > 0; i--)
        {
            Act();
        }
    }

    private void Act()
    {
        // The last few hundred are the ones that are likely to be pending.
        int chosen = _calls.Count == 0 ? -1 : _calls.Count - 1 - _random.Next(Math.Min(_calls.Count, MaxPending));
        switch (chosen < 0 ? 0 : _random.Next(6))
        {
            case 0 or 1:
                Add();
                break;
            case 2 when _calls[chosen].Call.Active:
                _calls[chosen].Call.Cancel();
                Assert.IsTrue(_model.Remove(_calls[chosen].Key));
                break;
            case 3 when _calls[chosen].Call.Active:
                _calls[chosen].Call.Reset(Delay());
                Moved(chosen);
                break;
            case 4 when _calls[chosen].Call.Active:
                _calls[chosen].Call.Delay(_random.Next(2) == 0 ? Delay() : -Delay());
                Moved(chosen);
                break;
            case 5 when !_calls[chosen].Call.Active:
                _calls[chosen].Call.RearmAt(_random.Next(4) == 0 ? _clock.Now.Ticks - Delay().Ticks : (_clock.Now + Delay()).Ticks);
                Moved(chosen);
                break;
            default:
                break;
        }

        Assert.AreEqual(_model.Count, _queue.Count);
    }

    private TimeSpan Delay() => TimeSpan.FromTicks(_random.NextInt64(1L << _random.Next(_bits + 1)));

    private void Add()
    {
        int number = _calls.Count;
        DelayedCall added = _queue.Add(Delay(), (this, number), static call => call.Item1.Fired(call.number));
        _calls.Add((added, default));
        Moved(number);
    }

    private void Moved(int number)
    {
        _ = _model.Remove(_calls[number].Key);
        _calls[number] = (_calls[number].Call, (_calls[number].Call.Due.Ticks, _queue.LastSequence));
        _model.Add(_calls[number].Key, number);
    }

    /// <summary>The time until which a loop sleeps is exact.</summary>
    private void AssertPeek()
    {
        if (_queue.TryPeek(out long due))
        {
            Assert.AreEqual(_model.First().Key.Due, due);
        }
        else
        {
            Assert.IsEmpty(_model);
        }
    }

    private void AssertAllThatIsLeft()
    {
        foreach (((long due, long _), int number) in _model.ToList())
        {
            Assert.AreSame(_calls[number].Call, _queue.TakeDue(due, long.MaxValue));
        }

        Assert.IsNull(_queue.TakeDue(long.MaxValue, long.MaxValue));
        Assert.AreEqual(0, _queue.Count);
    }
}
