using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Poetry.Net;

/// <summary>
/// Signals of the process, delivered in a reactor's loop. If the process has a <see cref="SignalQueue"/>, the loop watches
/// its descriptor: no other thread is needed, and several signals of a kind may become one call. Otherwise the runtime
/// receives a signal on another thread, which queues the call for the loop.
/// </summary>
public sealed class Signals : IDisposable
{
    private readonly Reactor _reactor;
    private readonly QueueWatcher? _watcher;
    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>Makes an object that handles no signal yet. It belongs to the reactor's thread.</summary>
    /// <exception cref="IOException">The kernel refuses to watch the descriptor.</exception>
    public Signals(Reactor reactor)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        _reactor = reactor;
        if (SignalQueue.IsMine)
        {
            _watcher = new QueueWatcher(reactor, SignalQueue.Handle);
            reactor.AddReader(_watcher);

            // Delivers signals that a wait has taken, before the loop or within it.
            SignalQueue.HasTaken = () => reactor.CallFromThread(_watcher.Deliver);
            SignalQueue.HasTaken();
        }
    }

    /// <summary>Sets the call for SIGINT and SIGTERM, which ask the program to end.</summary>
    /// <exception cref="IOException">Descriptors or threads have run out. The other methods throw it too.</exception>
    public void OnTerminate(Action<PosixSignal> call)
    {
        Listen(PosixSignal.SIGINT, 2, call);
        Listen(PosixSignal.SIGTERM, 15, call);
    }

    /// <summary>Sets the call for SIGHUP, which asks the program to reload, or to end.</summary>
    public void OnHangUp(Action call) => Listen(PosixSignal.SIGHUP, 1, _ => call());

    /// <summary>As <see cref="OnTerminate(Action{PosixSignal})"/>, for a function that returns a deferred, such as an
    /// <c>async</c> lambda. A failure of that deferred is reported as unhandled.</summary>
    [OverloadResolutionPriority(1)]
    public void OnTerminate(Func<PosixSignal, Deferred> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        OnTerminate((Action<PosixSignal>)(signal => Deferred.Run(() => call(signal))));
    }

    /// <summary>As <see cref="OnTerminate(Func{PosixSignal, Deferred})"/>, for SIGHUP.</summary>
    [OverloadResolutionPriority(1)]
    public void OnHangUp(Func<Deferred> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        OnHangUp((Action)(() => Deferred.Run(call)));
    }

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void OnTerminate(Func<PosixSignal, Task> call) => throw Deferred.Refused();

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void OnHangUp(Func<Task> call) => throw Deferred.Refused();

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void OnTerminate(Func<PosixSignal, ValueTask> call) => throw Deferred.Refused();

    /// <summary>Does not compile: a task would continue in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void OnHangUp(Func<ValueTask> call) => throw Deferred.Refused();

    /// <summary>Sets the call for SIGUSR1, which asks for figures in the log. Does nothing on Windows.</summary>
    internal void OnUser1(Action call)
    {
        if (!OperatingSystem.IsWindows())
        {
            Listen((PosixSignal)NativeSignals.SIGUSR1, NativeSignals.SIGUSR1, _ => call());
        }
    }

    /// <summary>Sets the call for SIGUSR2, which asks to reopen files. Does nothing on Windows.</summary>
    internal void OnUser2(Action call)
    {
        if (!OperatingSystem.IsWindows())
        {
            Listen((PosixSignal)NativeSignals.SIGUSR2, NativeSignals.SIGUSR2, _ => call());
        }
    }

    /// <summary>Stops handling signals. The runtime's handlers are removed; the queue stays open.</summary>
    public void Dispose()
    {
        if (_watcher is not null)
        {
            SignalQueue.HasTaken = null;
            _reactor.RemoveAll(_watcher);
        }

        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _registrations.Clear();
    }

    private void Listen(PosixSignal signal, int number, Action<PosixSignal> call)
    {
        if (_watcher is not null)
        {
            _watcher.Add(number, () => call(signal));
            return;
        }

        try
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                _reactor.CallFromThread(() => call(signal));
            }));
        }
        catch (TypeInitializationException noPipe)
        {
            // The runtime creates a pipe and a thread for signals at the first registration.
            throw new IOException("cannot receive signals: descriptors or threads have run out", noPipe);
        }
    }

    /// <summary>Watches the queue of the process.</summary>
    private sealed class QueueWatcher(Reactor reactor, nint handle) : Descriptor(handle)
    {
        private readonly List<(int Number, Action Call)> _calls = [];

        /// <summary>Adds a call. SIGINT and SIGTERM, which may stop the loop, come after all other signals.</summary>
        public void Add(int number, Action call) => _calls.Insert(number is 2 or 15 ? _calls.Count : 0, (number, call));

        public void Deliver()
        {
            foreach ((int number, Action call) in _calls)
            {
                if (SignalQueue.TryTake(number))
                {
                    // If the reactor caught the exception of a call, it would stop watching the queue.
                    reactor.Guard(static taken => taken(), call);
                }
            }
        }

        protected internal override void DoRead()
        {
            _ = SignalQueue.Collect();
            Deliver();
        }

        protected internal override void DoWrite()
        {
        }

        protected internal override void ConnectionLost(Failure reason) => reactor.RemoveAll(this);
    }
}

/// <summary>Thrown if a signal asks the command to end before its loop runs.</summary>
internal sealed class EndedBySignalError() : Exception("ended by a signal");
