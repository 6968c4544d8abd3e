using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// Repeats a call at an interval: Twisted's <c>LoopingCall</c>. Calls are due at start + n × interval, so they do not drift.
/// Ticks that were missed are skipped. If the function returns a deferred, the next call waits for it.
/// </summary>
public sealed class LoopingCall
{
    private readonly IClock _clock;

    /// <summary>The function; it returns null if there is no deferred to wait for.</summary>
    private readonly Func<int, Deferred?> _function;
    private DelayedCall? _next;

    /// <summary>The deferred of the present run. A run that was stopped inside its call fires it when the call has ended.</summary>
    private Deferred<LoopingCall>? _done;
    private Deferred? _awaited;
    private TimeSpan _interval;
    private TimeSpan _start;
    private long _lastTick;

    /// <summary>Makes a looping call that is not started.</summary>
    /// <param name="clock">The reactor, or a <see cref="Testing.ManualClock"/>.</param>
    /// <param name="call">Called at every tick. An exception ends the loop and fails the deferred of <see cref="Start"/>.</param>
    public LoopingCall(IClock clock, Action call)
        : this(clock, Synchronous(_ => call())) => ArgumentNullException.ThrowIfNull(call);

    /// <summary>Makes a looping call of an asynchronous function: see <see cref="LoopingCall(IClock, Action)"/>.</summary>
    /// <param name="clock">The reactor, or a <see cref="Testing.ManualClock"/>.</param>
    /// <param name="call">Called at every tick. The next tick is scheduled when its deferred has fired. A failure of that
    /// deferred ends the loop and fails the deferred of <see cref="Start"/>.</param>
    [OverloadResolutionPriority(1)]
    public LoopingCall(IClock clock, Func<Deferred> call)
        : this(clock, Asynchronous(_ => call())) => ArgumentNullException.ThrowIfNull(call);

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public LoopingCall(IClock clock, Func<Task> call) => throw Deferred.Refused();

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public LoopingCall(IClock clock, Func<ValueTask> call) => throw Deferred.Refused();

    private LoopingCall(IClock clock, Func<int, Deferred?> function)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _clock = clock;
        _function = function;
    }

    /// <summary>True from <see cref="Start"/> until <see cref="Stop"/> or a failure.</summary>
    public bool Running { get; private set; }

    /// <summary>Makes a looping call whose function gets the number of ticks since the last call: more than 1 if some were
    /// missed.</summary>
    /// <param name="clock">The reactor, or a <see cref="Testing.ManualClock"/>.</param>
    /// <param name="call">Gets the number of ticks, at least 1.</param>
    public static LoopingCall WithCount(IClock clock, Action<int> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return new LoopingCall(clock, Synchronous(call));
    }

    /// <summary>As <see cref="WithCount(IClock, Action{int})"/>, for a function that returns a deferred, which is waited
    /// for.</summary>
    [OverloadResolutionPriority(1)]
    public static LoopingCall WithCount(IClock clock, Func<int, Deferred> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return new LoopingCall(clock, Asynchronous(call));
    }

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public static LoopingCall WithCount(IClock clock, Func<int, Task> call) => throw Deferred.Refused();

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public static LoopingCall WithCount(IClock clock, Func<int, ValueTask> call) => throw Deferred.Refused();

    /// <summary>Starts the loop.</summary>
    /// <param name="interval">The time between two calls; zero means every turn of the loop.</param>
    /// <param name="now">True to make the first call at once, false to make it after one interval.</param>
    /// <returns>A deferred that fires with this object after <see cref="Stop"/>, or fails with the failure of a call. Cancelling
    /// it stops the loop, and cancels the deferred that the loop waits for.</returns>
    /// <exception cref="InvalidOperationException">The loop is running.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The interval is negative.</exception>
    public Deferred<LoopingCall> Start(TimeSpan interval, bool now = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(interval, TimeSpan.Zero);
        if (Running)
        {
            throw new InvalidOperationException("the looping call is running");
        }

        var done = new Deferred<LoopingCall>(Cancelled);
        _done = done;
        _awaited = null;
        Running = true;
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

    /// <summary>
    /// Stops the loop and fires the deferred of <see cref="Start"/>: at once or, during a call, when that call has ended.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop is not running.</exception>
    public void Stop()
    {
        ThrowUnlessRunning();
        Running = false;
        if (_next?.CancelIfActive() == true)
        {
            _done!.Callback(this);
        }
    }

    /// <summary>Makes the next call due one interval from now, and later calls due at multiples of it. During a call it does
    /// nothing.</summary>
    /// <exception cref="InvalidOperationException">The loop is not running.</exception>
    public void Reset()
    {
        ThrowUnlessRunning();
        if (_next?.CancelIfActive() == true)
        {
            _start = _clock.Now;
            _lastTick = 0;
            Schedule();
        }
    }

    private static Func<int, Deferred?> Synchronous(Action<int> call) => count =>
    {
        call(count);
        return null;
    };

    private static Func<int, Deferred?> Asynchronous(Func<int, Deferred> call) =>
        count => call(count) ?? throw Deferred.NullReturned();

    private void ThrowUnlessRunning()
    {
        if (!Running)
        {
            throw new InvalidOperationException("the looping call is not running");
        }
    }

    private void Tick()
    {
        long tick = TicksSoFar();
        int count = (int)Math.Clamp(tick - _lastTick, 1, int.MaxValue);
        _lastTick = tick;
        Deferred<LoopingCall> done = _done!;
        Failure? failure = null;
        try
        {
            if (_function(count) is { } returned)
            {
                Await(done, returned);
                return;
            }
        }
        catch (Exception exception)
        {
            failure = new Failure(exception);
        }

        CallEnded(done, failure);
    }

    /// <summary>A separate method, so closures are allocated only when there is a deferred to wait for.</summary>
    private void Await(Deferred<LoopingCall> done, Deferred returned)
    {
        if (ReferenceEquals(_done, done))
        {
            _awaited = returned;
        }

        _ = returned.AddCallback(() => CallEnded(done, null)).AddErrback(failure => CallEnded(done, failure));
    }

    /// <summary>Called when a call has ended, with the deferred that it returned.</summary>
    /// <param name="done">The deferred of the run of this call. The call may have stopped that run and started another.</param>
    /// <param name="failure">The failure of the call, or null.</param>
    private void CallEnded(Deferred<LoopingCall> done, Failure? failure)
    {
        bool isPresentRun = ReferenceEquals(_done, done);
        if (isPresentRun)
        {
            _awaited = null;
            if (Running && failure is null)
            {
                Schedule();
                return;
            }

            Running = false;
        }

        if (done.Called)
        {
            // The run was cancelled meanwhile: its deferred has failed already.
        }
        else if (failure is null)
        {
            done.Callback(this);
        }
        else
        {
            done.Errback(failure);
        }
    }

    /// <summary>Called when the deferred of a run is cancelled. The deferred fails here, or when this returns.</summary>
    private void Cancelled(Deferred<LoopingCall> done)
    {
        if (!ReferenceEquals(_done, done))
        {
            return;
        }

        Running = false;
        _ = _next?.CancelIfActive();
        Deferred? awaited = _awaited;
        _awaited = null;
        if (awaited is not null)
        {
            _done = null;
            done.Errback(Failure.Cancelled);
            awaited.Cancel();
        }
    }

    /// <summary>The number of the last tick that is due: 0 at the start, 1 after one interval.</summary>
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
}
