using System;
using Poetry.Net;

namespace Poetry.Benchmarks;

/// <summary>
/// A million delayed calls on a clock that is turned by hand: due within a minute in no order, which is the worst for a
/// heap, or all with the same delay, as time-outs are.
/// </summary>
internal sealed class TimerCases : IClock
{
    /// <summary>How many there are.</summary>
    public const int Count = 1_000_000;

    private const int Seed = 600;

    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private readonly TimerQueue _queue;
    private readonly DelayedCall?[] _calls = new DelayedCall?[Count];
    private readonly TimeSpan[] _delays = new TimeSpan[Count];
    private int _fired;

    public TimerCases(bool isInOrder = false)
    {
        _queue = new TimerQueue(this);
        var random = new Random(Seed);
        for (int i = 0; i < Count; i++)
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
        for (int i = 0; i < Count; i++)
        {
            Now += TimeSpan.FromTicks(1);
            _calls[i] = CallLater(_delays[i], this, static cases => cases._fired++);
        }

        return _queue.Count;
    }

    /// <summary>Pushes each of them back by a minute, as a time-out is when bytes come.</summary>
    public int Rearm()
    {
        for (int i = 0; i < Count; i++)
        {
            Now += TimeSpan.FromTicks(1);
            _calls[i]!.Reset(s_longest + _delays[i]);
        }

        return _queue.Count;
    }

    /// <summary>Takes all of them back.</summary>
    public int Cancel()
    {
        for (int i = 0; i < Count; i++)
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

    /// <summary>Forgets the calls that have had their day, so that memory can be counted.</summary>
    public void Forget() => Array.Clear(_calls);
}
