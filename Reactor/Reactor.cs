using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Poetry.Net;

/// <summary>
/// The event loop, Twisted's reactor: one thread waits until a descriptor is ready, a delayed call is due or another thread
/// has queued a call, and then runs the callbacks one after the other. It owns its poller, its delayed calls and every
/// descriptor that is still registered when it ends.
/// </summary>
/// <remarks>
/// <para>All members belong to the thread that calls <see cref="Run"/>, and before that to the thread that made the reactor.
/// Only <see cref="CallFromThread(Action)"/> and <see cref="IsReactorThread"/> may be used on any thread.</para>
/// <para>One turn: wait; dispatch ready descriptors, reading before writing; run the calls from other threads; run the delayed
/// calls that are due and were scheduled before the turn; close the connections that have ended. A connection is never
/// closed earlier, so any member may be called from any callback.</para>
/// </remarks>
public sealed partial class Reactor : IClock, IReactorThreads, IDisposable
{
    /// <summary>The maximum number of events that one wait returns: they share the cost of the call.</summary>
    private const int EventsPerWait = 256;

    /// <summary>The maximum wait: a wrong clock or a lost wake-up costs at most an hour.</summary>
    private const int MaxWaitMs = 3_600_000;

    /// <summary>If a turn is longer, a callback has blocked. A turn of a busy loop takes a few milliseconds.</summary>
    private static readonly TimeSpan LongTurn = TimeSpan.FromMilliseconds(100);

    /// <summary>Allocated in advance, so that a connection can be ended with it when memory has run out.</summary>
    private static readonly Failure OutOfMemory = Failure.Shared(static () => new InsufficientMemoryException());

    private readonly Poller _poller;
    private readonly DescriptorTable _descriptors = new();
    private readonly ReadyEvent[] _ready = new ReadyEvent[EventsPerWait];
    private readonly ThreadCalls _threadCalls;
    private readonly UnhandledFailures _failures;
    private WakeupCoalescer _coalescer;
    private long _turnLengthTicks;
    private long _nowTicks = Clock();
    private RunState _state;
    private bool _pollsAgain;

    /// <summary>Makes a reactor on the best backend of this machine, or on the one that <c>POETRY_REACTOR</c> names.</summary>
    /// <param name="log">Receives what callbacks throw, and failures that nothing handled; null for standard error.</param>
    /// <exception cref="PollerUnavailableError">The backend asked for is unknown, or not available here.</exception>
    public Reactor(ILogger? log = null)
        : this(PollerChoice.Create(), log)
    {
    }

    /// <summary>Makes a reactor on the named backend.</summary>
    /// <param name="backend"><c>epoll</c>, <c>kqueue</c> or <c>select</c>.</param>
    /// <param name="log">The log, used as by the other constructor.</param>
    /// <exception cref="PollerUnavailableError">The backend is unknown, or not available here.</exception>
    public Reactor(string backend, ILogger? log = null)
        : this(PollerChoice.Create(backend), log)
    {
    }

    internal Reactor(Poller poller, ILogger? log)
    {
        _poller = poller;
        Log = log ?? StandardErrorLog.Instance;
        _failures = new UnhandledFailures((what, failure) => ReactorLog.UnhandledError(Log, what, failure?.Exception));
        Timers = new TimerQueue(this);
        _threadCalls = new ThreadCalls(this);
        Connections = new Connections(this);
    }

    private enum RunState : byte
    {
        New,
        Running,
        Stopping,
        Stopped,
    }

    /// <summary>Called when the loop has ended, before all remaining descriptors are closed.</summary>
    public event Action? ShuttingDown;

    /// <inheritdoc/>
    public TimeSpan Now
    {
        get
        {
            // Before the loop runs, no turn updates the time, and the setup may take long.
            if (_state == RunState.New)
            {
                _nowTicks = Clock();
            }

            return TimeSpan.FromTicks(_nowTicks);
        }
    }

    /// <summary>The name of the backend: <c>epoll</c>, <c>kqueue</c> or <c>select</c>.</summary>
    public string Backend => _poller.Name;

    /// <summary>True while the loop runs and <see cref="Stop"/> was not called.</summary>
    public bool Running => _state == RunState.Running;

    /// <summary>True on the reactor's thread, and on every thread while the loop does not run.</summary>
    public bool IsReactorThread => _threadCalls.IsReactorThread;

    /// <summary>The number of events that were dropped, since their descriptors were no longer registered.</summary>
    internal long StaleEvents { get; private set; }

    /// <summary>The number of failures that no code handled. They were logged, or only counted if too many came at once.</summary>
    public long LostFailureCount => _failures.LostCount;

    /// <summary>The number of delayed calls that are scheduled.</summary>
    public int DelayedCalls => Timers.Count;

    /// <summary>The connections of all ports and connectors.</summary>
    internal Connections Connections { get; }

    internal TimerQueue Timers { get; }

    internal ILogger Log { get; }

    /// <summary>Runs the loop until <see cref="Stop"/>, then closes all descriptors.</summary>
    /// <exception cref="InvalidOperationException">It runs, or has run: a reactor runs once.</exception>
    /// <exception cref="System.IO.IOException">Descriptors have run out. The loop has not run.</exception>
    public void Run()
    {
        if (_state != RunState.New)
        {
            throw new InvalidOperationException("a reactor runs once");
        }

        _threadCalls.Start();
        _state = RunState.Running;
        Deferred.EnterLoop();
        UnhandledFailures? outerFailures = _failures.Enter();
        SynchronizationContext? outerContext = LoopContext.Enter();
        while (_state == RunState.Running)
        {
            int timeoutMs = EndTurn();
            int sleepMicroseconds = _coalescer.EndTurn(_turnTicks, _turnLengthTicks, willWait: timeoutMs != 0);
            if (sleepMicroseconds > 0)
            {
                NativeProcess.SleepMicroseconds(sleepMicroseconds);
            }

            Turn(timeoutMs);
        }

        foreach (Action trigger in Delegate.EnumerateInvocationList(ShuttingDown))
        {
            Guard(static call => call(), trigger);
        }

        CloseAll();
        _state = RunState.Stopped;
        Deferred.LeaveLoop();
        _threadCalls.Stop();
        _failures.Leave(outerFailures);
        SynchronizationContext.SetSynchronizationContext(outerContext);
    }

    /// <summary>Ends <see cref="Run"/> after this turn.</summary>
    /// <exception cref="ReactorNotRunning">The loop does not run, or was stopped already.</exception>
    public void Stop()
    {
        if (_state != RunState.Running)
        {
            throw new ReactorNotRunning();
        }

        _state = RunState.Stopping;
    }

    /// <summary>Closes all descriptors, if the reactor never ran, and frees the poller.</summary>
    public void Dispose()
    {
        CloseAll();
        _threadCalls.Dispose();
        _poller.Dispose();
        Connections.FreeReadBuffer();
        _state = RunState.Stopped;
    }

    /// <summary>One turn of the loop.</summary>
    /// <param name="timeoutMs">The maximum wait; −1 for no limit.</param>
    internal void Turn(int timeoutMs)
    {
        int count = _poller.Wait(_ready, _files.Count == 0 ? timeoutMs : 0);
        _nowTicks = _turnTicks = Clock();
        BeginCallbacks(_turnTicks);
        _coalescer.AddEvents(count);
        long newest = Timers.LastSequence;
        for (int i = 0; i < count; i++)
        {
            Dispatch(_ready[i]);
        }

        DispatchFiles();
        _threadCalls.RunAll();
        RunDelayedCalls(newest);
        Connections.CompleteCloses();
    }

    /// <summary>True if the loop slept before this turn, to collect more events.</summary>
    internal bool SleptBeforeTurn => _coalescer.Slept;

    /// <summary>Counts events of this turn that the poller did not report.</summary>
    /// <param name="count">The number of events; −1 subtracts one that was reported without need.</param>
    internal void AddEvents(int count) => _coalescer.AddEvents(count);

    /// <summary>Called when a callback has thrown. Logs the exception with its stack, and removes and closes the descriptor;
    /// the loop goes on.</summary>
    /// <param name="culprit">The descriptor whose callback has thrown; null for none.</param>
    /// <param name="exception">The exception.</param>
    internal void CallbackThrew(Descriptor? culprit, Exception exception)
    {
        LogThrown(exception);
        if (culprit is null)
        {
            return;
        }

        Unwatch(culprit);
        try
        {
            culprit.ConnectionLost(exception is OutOfMemoryException ? OutOfMemory : new Failure(exception));
        }
        catch (Exception another)
        {
            LogThrown(another);
        }
    }

    /// <summary>Logs an exception. If the log throws, as without memory, writes one fixed line to standard error.</summary>
    private void LogThrown(Exception exception)
    {
        try
        {
            ReactorLog.CallbackThrew(Log, exception);
        }
        catch (Exception)
        {
            _ = NativeFile.Write(2, "poetry: a callback has thrown, and the exception could not be logged\n"u8, out _);
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
            descriptor.PendingError = ready.Error;
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

            // Reading may have closed it and its slot may have been reused: then the token differs.
            if (((ready.Readiness & Readiness.Write) != 0 || hungUp)
                && descriptor.Token == ready.Token
                && (descriptor.Interest & Interest.Write) != 0)
            {
                descriptor.DoWrite();
                _coalescer.AddWritable();
            }
        }
        catch (Exception exception)
        {
            CallbackThrew(descriptor, exception);
        }

        CallbackEnded(descriptor);
    }

    /// <summary>Runs the calls that are due, except those scheduled in this turn: a delay of zero means the next turn.</summary>
    /// <param name="newest">The last sequence number that was assigned before the turn.</param>
    private void RunDelayedCalls(long newest)
    {
        if (!Timers.TryPeek(out long dueTicks))
        {
            return;
        }

        long beganTicks = _nowTicks;
        _nowTicks = Clock();
        if (dueTicks > _nowTicks)
        {
            return;
        }

        // A callback has blocked the loop. Poll once more before running timers, so that a timeout does not fire although
        // its data has arrived.
        _pollsAgain = _nowTicks - beganTicks > LongTurn.Ticks && !_pollsAgain;
        if (_pollsAgain)
        {
            return;
        }

        while (Timers.TakeDue(_nowTicks, newest) is { } call)
        {
            Guard(static due => due.Fire(), call);
            CallbackEnded(call);
        }
    }

    /// <summary>Ends a turn: measures it, and computes the maximum wait.</summary>
    /// <returns>The time until the next delayed call, rounded up, so that the call is due when the wait ends.</returns>
    private int EndTurn()
    {
        long wakeTicks = _failures.Sweep(Now)?.Ticks ?? long.MaxValue;
        if (Timers.TryPeek(out long dueTicks))
        {
            wakeTicks = Math.Min(wakeTicks, dueTicks);
        }

        long endedTicks = Clock();
        _turnLengthTicks = endedTicks - _turnTicks;
        CheckTurn(_turnTicks, endedTicks);
        if (_threadCalls.Any)
        {
            return 0;
        }

        if (wakeTicks == long.MaxValue)
        {
            return -1;
        }

        long ticks = wakeTicks - endedTicks;
        return ticks <= 0 ? 0 : (int)Math.Min((ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond, MaxWaitMs);
    }

    /// <summary>Makes a call, and logs an exception that it throws.</summary>
    internal void Guard<TState>(Action<TState> call, TState state)
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
        StopListening();
        Connections.CloseAll();
        foreach (Descriptor descriptor in _descriptors.Snapshot())
        {
            Unwatch(descriptor);
            Guard(static open => open.ConnectionLost(ConnectionAborted.Failure), descriptor);
        }

        Connections.CompleteCloses();
        Connections.StopTimers();
    }
}
