using System;

namespace Poetry.Net;

/// <summary>
/// Calls at a pace, on a clock: Twisted's <c>LoopingCall</c>. Calls are due at start + n × interval, so that they do not
/// drift; what could not be called in time is left out, not made up for in a burst.
/// </summary>
public sealed class LoopingCall
{
    private readonly IClock _clock;
    private readonly Action<int> _call;
    private DelayedCall? _next;
    private Deferred<LoopingCall>? _done;
    private TimeSpan _interval;
    private TimeSpan _start;
    private long _lastTick;

    /// <summary>Makes a call that has not begun.</summary>
    /// <param name="clock">The reactor, or a clock turned by hand.</param>
    /// <param name="call">Runs at every tick. What it throws ends the loop and fails the deferred of <see cref="Start"/>.</param>
    public LoopingCall(IClock clock, Action call)
        : this(clock, WithoutCount(call))
    {
    }

    private LoopingCall(IClock clock, Action<int> call)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _clock = clock;
        _call = call;
    }

    /// <summary>Does it run?</summary>
    public bool Running => _done is not null;

    /// <summary>A call that is told how many ticks have passed since the last one: more than one if some were left out.</summary>
    /// <param name="clock">The reactor, or a clock turned by hand.</param>
    /// <param name="call">Gets the number of ticks, at least 1.</param>
    public static LoopingCall WithCount(IClock clock, Action<int> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return new LoopingCall(clock, call);
    }

    /// <summary>Begins.</summary>
    /// <param name="interval">The pace; zero means every turn of the loop.</param>
    /// <param name="now">Is the first call made at once, or after one interval?</param>
    /// <returns>Fires with this object when <see cref="Stop"/> is called, or fails with what a call threw. Cancelling it
    /// stops the loop.</returns>
    /// <exception cref="InvalidOperationException">It runs already.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The interval is negative.</exception>
    public Deferred<LoopingCall> Start(TimeSpan interval, bool now = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(interval, TimeSpan.Zero);
        if (Running)
        {
            throw new InvalidOperationException("the looping call runs already");
        }

        var done = new Deferred<LoopingCall>(_ => End());
        _done = done;
        _interval = interval;
        _start = _clock.Now;
        _lastTick = now ? -1 : 0;
        if (now)
        {
            Tick();
        }
        else
        {
            Schedule();
        }

        return done;
    }

    /// <summary>Ends the loop and fires the deferred of <see cref="Start"/>.</summary>
    /// <exception cref="InvalidOperationException">It does not run.</exception>
    public void Stop()
    {
        if (!Running)
        {
            throw new InvalidOperationException("the looping call does not run");
        }

        End()!.Callback(this);
    }

    private static Action<int> WithoutCount(Action call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return _ => call();
    }

    private void Tick()
    {
        long tick = TicksSoFar();
        int count = (int)Math.Clamp(tick - _lastTick, 1, int.MaxValue);
        _lastTick = tick;
        Deferred<LoopingCall>? done = _done;
        try
        {
            _call(count);
        }
        catch (Exception exception)
        {
            if (_done == done)
            {
                End()?.Errback(new Failure(exception));
            }
            else
            {
                throw;
            }
        }

        // The call may have stopped the loop, and even started it anew: then its next tick is scheduled already.
        if (Running && _done == done)
        {
            Schedule();
        }
    }

    /// <summary>The number of the newest tick that is due: 0 at the start, 1 an interval later.</summary>
    private long TicksSoFar() => _interval == TimeSpan.Zero ? _lastTick + 1 : (_clock.Now - _start).Ticks / _interval.Ticks;

    private void Schedule()
    {
        TimeSpan delay = TimeSpan.Zero;
        if (_interval > TimeSpan.Zero)
        {
            TimeSpan passed = _clock.Now - _start;
            delay = _interval - TimeSpan.FromTicks(passed.Ticks % _interval.Ticks);
        }

        if (_next is null)
        {
            _next = _clock.CallLater(delay, this, static loop => loop.Tick());
        }
        else
        {
            _next.Rearm(delay);
        }
    }

    private Deferred<LoopingCall>? End()
    {
        Deferred<LoopingCall>? done = _done;
        _done = null;
        _ = _next?.CancelIfActive();
        return done;
    }
}
