using Poetry.Net;

namespace Poetry.Benchmarks;

/// <summary>
/// A million delayed calls, or fewer, on a clock that is turned by hand: due within a minute in no order, which is the
/// worst for whatever keeps them sorted, or all with the same delay, as time-outs are.
/// </summary>
internal sealed class TimerCases : IClock
{
    /// <summary>How many there are, if nothing else is said.</summary>
    public const int Count = 1_000_000;

    private const int Seed = 600;

    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private readonly TimerQueue _queue;
    private readonly DelayedCall?[] _calls;
    private readonly TimeSpan[] _delays;
    private int _fired;

    public TimerCases(bool isInOrder = false, int count = Count)
    {
        _calls = new DelayedCall?[count];
        _delays = new TimeSpan[count];
        _queue = new TimerQueue(this);
        var random = new Random(Seed);
        for (int i = 0; i < _calls.Length; i++)
        {
            _delays[i] = isInOrder ? s_longest : TimeSpan.FromTicks(random.NextInt64(s_longest.Ticks));
        }
    }

    /// <inheritdoc/>
    public TimeSpan Now { get; private set; }

    /// <summary>Entries that the queue has room for.</summary>
    public int Capacity => _queue.Capacity;

    /// <inheritdoc/>
    public DelayedCall CallLater<TState>(TimeSpan delay, TState state, Action<TState> call) => _queue.Add(delay, state, call);

    /// <summary>Schedules all of them.</summary>
    public int Add()
    {
        for (int i = 0; i < _calls.Length; i++)
        {
            Now += TimeSpan.FromTicks(1);
            _calls[i] = CallLater(_delays[i], this, static cases => cases._fired++);
        }

        return _queue.Count;
    }

    /// <summary>Pushes each of them back by a minute, as a time-out is when bytes come.</summary>
    public int Rearm()
    {
        for (int i = 0; i < _calls.Length; i++)
        {
            Now += TimeSpan.FromTicks(1);
            _calls[i]!.Reset(s_longest + _delays[i]);
        }

        return _queue.Count;
    }

    /// <summary>Takes all of them back.</summary>
    public int Cancel()
    {
        for (int i = 0; i < _calls.Length; i++)
        {
            _calls[i]!.Cancel();
        }

        return _queue.Count;
    }

    /// <summary>Turns the clock past all of them.</summary>
    public int Fire()
    {
        Now += s_longest + s_longest + s_longest;
        while (_queue.TakeDue(Now.Ticks, long.MaxValue) is { } call)
        {
            call.Fire();
        }

        return _fired;
    }

    /// <summary>Schedules all of them, and turns the clock past them.</summary>
    public int AddAndFire() => Add() + Fire();

    /// <summary>Schedules all of them, pushes them back, and turns the clock past them.</summary>
    public int AddRearmAndFire() => Add() + Rearm() + Fire();

    /// <summary>Schedules all of them, and takes them back.</summary>
    public int AddAndCancel() => Add() + Cancel() + 1;

    /// <summary>As many firings as there are calls, each of which schedules itself again, on a clock that a loop turns.</summary>
    public int Pace()
    {
        int until = _fired + _calls.Length;
        while (_fired < until && _queue.TryPeek(out long dueTicks))
        {
            // As pollers sleep: until the next call, in whole milliseconds.
            long sleepTicks = Math.Max(dueTicks - Now.Ticks, 0) + TimeSpan.TicksPerMillisecond - 1;
            Now += TimeSpan.FromMilliseconds(sleepTicks / TimeSpan.TicksPerMillisecond);
            while (_queue.TakeDue(Now.Ticks, long.MaxValue) is { } call)
            {
                call.Fire();
            }
        }

        return _fired;
    }

    /// <summary>Makes the calls of <see cref="Pace"/>: after that, most slots of time have a few.</summary>
    public TimerCases Paced()
    {
        for (int i = 0; i < _calls.Length; i++)
        {
            var place = new Place(this, i);
            _calls[i] = CallLater(s_longest * i / _calls.Length, place, static place => place.Fire());
        }

        return this;
    }

    /// <summary>Forgets the calls that have had their day, so that memory can be counted.</summary>
    public void Forget() => Array.Clear(_calls);

    private sealed class Place(TimerCases cases, int index)
    {
        public void Fire()
        {
            cases._fired++;
            cases._calls[index]!.Rearm(cases._delays[index]);
        }
    }
}
