using System;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Poetry.Net;

/// <summary>
/// The loop: one thread that waits until a descriptor is ready, a delayed call is due or another thread calls, and then
/// says so to whoever asked, one at a time. Twisted's reactor. It owns its poller, its delayed calls and every descriptor
/// it still has when it ends.
/// </summary>
/// <remarks>
/// <para>Everything here belongs to the thread that calls <see cref="Run"/>, and before that to the one that made it;
/// only <see cref="CallFromThread"/> and <see cref="IsReactorThread"/> may be used from anywhere.</para>
/// <para>One turn: wait; dispatch the ready, reading before writing; the calls of other threads; the delayed calls that
/// are due and were there when the turn began; at last the connections that were lost on the way. So everything may be
/// called from everywhere: nothing is pulled from under a caller's feet.</para>
/// </remarks>
public sealed partial class Reactor : IClock, IReactorThreads, IDisposable
{
    /// <summary>Events taken from the kernel at once. Enough to share the cost of a wait among many.</summary>
    private const int EventsPerWait = 256;

    /// <summary>A sleep is never longer: a wrong clock or a lost wake-up then costs an hour, not for ever.</summary>
    private const int LongestSleepMs = 3_600_000;

    /// <summary>A turn that took longer was held up, by a callback that blocked; turns of a busy loop take a few milliseconds.</summary>
    private static readonly TimeSpan LongTurn = TimeSpan.FromMilliseconds(100);

    private readonly Poller _poller;
    private readonly ILogger _log;
    private readonly DescriptorTable _descriptors = new();
    private readonly ReadyEvent[] _ready = new ReadyEvent[EventsPerWait];
    private readonly ThreadCalls _threadCalls;
    private readonly TimerQueue _timers;
    private Doze _doze;
    private long _tookTicks;
    private long _nowTicks = Clock();
    private RunState _state;
    private bool _looksAgain;

    /// <summary>Makes a reactor on the best backend of this machine, or the one <c>POETRY_REACTOR</c> names.</summary>
    /// <param name="log">Where it reports what callbacks throw; null for nowhere.</param>
    /// <exception cref="PollerUnavailableError">The backend asked for is unknown or can't run here.</exception>
    public Reactor(ILogger? log = null)
        : this(PollerChoice.Create(), log)
    {
    }

    internal Reactor(Poller poller, ILogger? log)
    {
        _poller = poller;
        _log = log ?? NullLogger.Instance;
        _timers = new TimerQueue(this);
        _threadCalls = new ThreadCalls(this);
        MakeLines();
    }

    private enum RunState : byte
    {
        New,
        Running,
        Stopping,
        Stopped,
    }

    /// <summary>Is called when the loop has ended, before what is left is closed.</summary>
    public event Action? ShuttingDown;

    /// <inheritdoc/>
    public TimeSpan Now
    {
        get
        {
            // Before the loop runs nothing turns the clock, and whoever sets things up may take his time.
            if (_state == RunState.New)
            {
                _nowTicks = Clock();
            }

            return TimeSpan.FromTicks(_nowTicks);
        }
    }

    /// <summary>The name of the backend: <c>epoll</c>, <c>kqueue</c> or <c>select</c>.</summary>
    public string Backend => _poller.Name;

    /// <summary>Is the loop running, and not yet asked to stop?</summary>
    public bool Running => _state == RunState.Running;

    /// <summary>Is the caller on the reactor's thread? True everywhere while it does not run.</summary>
    public bool IsReactorThread => _threadCalls.IsReactorThread;

    /// <summary>Events that came for descriptors that had gone: harmless, and counted.</summary>
    public long StaleEvents { get; private set; }

    /// <summary>Delayed calls that are still to come.</summary>
    public int DelayedCalls => _timers.Count;

    /// <summary>Is called in every turn, before the loop looks how long it may sleep.</summary>
    internal Action? BeforeSleep { get; set; }

    internal TimerQueue Timers => _timers;

    internal ILogger Log => _log;

    /// <inheritdoc/>
    public DelayedCall CallLater<TState>(TimeSpan delay, TState state, Action<TState> call) => _timers.Add(delay, state, call);

    /// <summary>Calls as soon as the loop runs: at once, if it does.</summary>
    public void CallWhenRunning(Action call)
    {
        ArgumentNullException.ThrowIfNull(call);
        if (_state == RunState.New)
        {
            _ = _timers.Add(TimeSpan.Zero, call, static action => action());
        }
        else
        {
            call();
        }
    }

    /// <summary>Has the loop call from its own thread, in the order asked. May be used from any thread.</summary>
    /// <param name="call">Runs in one of the next turns; never, if the reactor stops before.</param>
    public void CallFromThread(Action call)
    {
        ArgumentNullException.ThrowIfNull(call);
        _threadCalls.Add(call);
    }

    /// <summary>Runs the loop until <see cref="Stop"/>. Then all that is left is closed.</summary>
    /// <exception cref="InvalidOperationException">It runs, or has run already: a reactor runs once.</exception>
    public void Run()
    {
        if (_state != RunState.New)
        {
            throw new InvalidOperationException("a reactor runs once");
        }

        _state = RunState.Running;
        _threadCalls.Start();
        while (_state == RunState.Running)
        {
            int timeoutMs = SleepMs();
            if (_doze.IsDue(_tookTicks, willWait: timeoutMs != 0))
            {
                NativeProcess.SleepMicroseconds(Doze.Microseconds);
            }

            Turn(timeoutMs);
        }

        foreach (Action trigger in Delegate.EnumerateInvocationList(ShuttingDown))
        {
            Guard(static call => call(), trigger);
        }

        CloseAll();
        _state = RunState.Stopped;
        _threadCalls.Stop();
        UnhandledFailures.Flush();
    }

    /// <summary>Ends <see cref="Run"/> after this turn.</summary>
    /// <exception cref="ReactorNotRunning">It does not run, or was stopped already.</exception>
    public void Stop()
    {
        if (_state != RunState.Running)
        {
            throw new ReactorNotRunning();
        }

        _state = RunState.Stopping;
    }

    /// <summary>Frees the poller. A reactor that never ran closes what it has first.</summary>
    public void Dispose()
    {
        CloseAll();
        _threadCalls.Dispose();
        _poller.Dispose();
        FreeReadBuffer();
    }

    /// <summary>One turn of the loop.</summary>
    /// <param name="timeoutMs">How long to wait at most; −1 for ever.</param>
    internal void Turn(int timeoutMs)
    {
        int count = _poller.Wait(_ready, timeoutMs);
        _nowTicks = _turnTicks = Clock();
        _doze.Add(count);
        long newest = _timers.LastSequence;
        for (int i = 0; i < count; i++)
        {
            Dispatch(_ready[i]);
        }

        _threadCalls.RunAll();
        RunDelayedCalls(newest);
        FinishLost();
    }

    /// <summary>Has the loop dozed before this turn?</summary>
    internal bool HasDozed => _doze.HasDozed;

    /// <summary>More happened in this turn than the poller has reported.</summary>
    /// <param name="events">How many; −1 takes back one that was for nothing.</param>
    internal void Happened(int events) => _doze.Add(events);

    /// <summary>A callback has thrown: it is logged with its stack, costs its own descriptor, and the loop goes on.</summary>
    /// <param name="culprit">Whose callback it was; null for one without a descriptor.</param>
    /// <param name="exception">What it threw.</param>
    internal void CallbackThrew(Descriptor? culprit, Exception exception)
    {
        ReactorLog.CallbackThrew(_log, exception);
        if (culprit is null)
        {
            return;
        }

        try
        {
            culprit.ConnectionLost(new Failure(exception));
        }
        catch (Exception another)
        {
            // It can't even be given up: then at least nobody calls it again.
            ReactorLog.CallbackThrew(_log, another);
            Unwatch(culprit);
        }
    }

    private static long Clock() => Stopwatch.GetElapsedTime(0).Ticks;

    private void Dispatch(in ReadyEvent ready)
    {
        Descriptor? descriptor = _descriptors.Find(ready.Token);
        if (descriptor is null)
        {
            StaleEvents++;
            return;
        }

        try
        {
            bool hungUp = (ready.Readiness & Readiness.HangUp) != 0;
            if (descriptor.Interest == Interest.None)
            {
                if (hungUp)
                {
                    descriptor.HungUp();
                }

                return;
            }

            if (((ready.Readiness & Readiness.Read) != 0 || hungUp) && (descriptor.Interest & Interest.Read) != 0)
            {
                descriptor.DoRead();
            }

            // Reading may have closed it, and its place may have been given away: the token tells.
            if (((ready.Readiness & Readiness.Write) != 0 || hungUp)
                && descriptor.Token == ready.Token
                && (descriptor.Interest & Interest.Write) != 0)
            {
                descriptor.DoWrite();
                _doze.AddRoom();
            }
        }
        catch (Exception exception)
        {
            CallbackThrew(descriptor, exception);
        }
    }

    /// <summary>Runs what is due, but nothing that was scheduled in this turn: a call after no time comes in the next.</summary>
    /// <param name="newest">The newest scheduling when the turn began.</param>
    private void RunDelayedCalls(long newest)
    {
        if (!_timers.TryPeek(out long dueTicks))
        {
            return;
        }

        long beganTicks = _nowTicks;
        _nowTicks = Clock();
        if (dueTicks > _nowTicks)
        {
            return;
        }

        // Somebody has held up the loop: what has come meanwhile is looked at first, once, or time-outs would run out on
        // what is there already.
        bool heldUp = _nowTicks - beganTicks > LongTurn.Ticks && !_looksAgain;
        _looksAgain = heldUp;
        if (heldUp)
        {
            return;
        }

        while (_timers.TakeDue(_nowTicks, newest) is { } call)
        {
            Guard(static due => due.Fire(), call);
        }
    }

    /// <summary>How long the loop may sleep: until the next delayed call, rounded up, so that it is due when it wakes.</summary>
    private int SleepMs()
    {
        BeforeSleep?.Invoke();
        long wakeTicks = UnhandledFailures.Sweep(Now)?.Ticks ?? long.MaxValue;
        if (_timers.TryPeek(out long dueTicks))
        {
            wakeTicks = Math.Min(wakeTicks, dueTicks);
        }

        long endedTicks = Clock();
        _tookTicks = endedTicks - _turnTicks;
        TurnTook(_turnTicks, endedTicks);
        if (_threadCalls.Any)
        {
            return 0;
        }

        if (wakeTicks == long.MaxValue)
        {
            return -1;
        }

        long ticks = wakeTicks - endedTicks;
        return ticks <= 0 ? 0 : (int)Math.Min((ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond, LongestSleepMs);
    }

    private void Guard<TState>(Action<TState> call, TState state)
    {
        try
        {
            call(state);
        }
        catch (Exception exception)
        {
            CallbackThrew(null, exception);
        }
    }

    private void CloseAll()
    {
        CloseConnections();
        foreach (Descriptor descriptor in _descriptors.Snapshot())
        {
            Guard(static open => open.ConnectionLost(ConnectionAborted.Failure), descriptor);
        }

        FinishLost();
    }
}
