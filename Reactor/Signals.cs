using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks;

namespace Poetry.Net;

/// <summary>
/// Signals of the process, delivered in a reactor's loop. Where the process has a <see cref="SignalQueue"/> the loop watches
/// its descriptor, no thread takes part, and several signals of a kind may become one call. Elsewhere the runtime receives a signal
/// on a thread of its own, and calls the loop from there.
/// </summary>
public sealed class Signals : IDisposable
{
    private readonly Reactor _reactor;
    private readonly QueueWatcher? _watcher;
    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>Listens to no signal yet. Belongs to the reactor's thread.</summary>
    /// <exception cref="IOException">The kernel will not watch the descriptor.</exception>
    public Signals(Reactor reactor)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        _reactor = reactor;
        if (SignalQueue.IsMine)
        {
            _watcher = new QueueWatcher(reactor, SignalQueue.Handle);
            reactor.AddReader(_watcher);

            // Signals that were taken by a wait before the loop or within it.
            SignalQueue.HasTaken = () => reactor.CallFromThread(_watcher.Deliver);
            SignalQueue.HasTaken();
        }
    }

    /// <summary>SIGINT and SIGTERM: end.</summary>
    /// <exception cref="IOException">As from all of these: descriptors or threads have run out.</exception>
    public void OnTerminate(Action<PosixSignal> call)
    {
        Listen(PosixSignal.SIGINT, 2, call);
        Listen(PosixSignal.SIGTERM, 15, call);
    }

    /// <summary>SIGHUP: reload, or end.</summary>
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

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void OnTerminate(Func<PosixSignal, Task> call) => throw Deferred.Refused();

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void OnHangUp(Func<Task> call) => throw Deferred.Refused();

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void OnTerminate(Func<PosixSignal, ValueTask> call) => throw Deferred.Refused();

    /// <summary>Refused when it is compiled: a task would go on in the thread pool.</summary>
    [Obsolete(Deferred.TaskRefused, error: true)]
    public void OnHangUp(Func<ValueTask> call) => throw Deferred.Refused();

    /// <summary>SIGUSR1: log figures. Not on Windows.</summary>
    internal void OnUser1(Action call)
    {
        if (!OperatingSystem.IsWindows())
        {
            Listen((PosixSignal)NativeSignals.SIGUSR1, NativeSignals.SIGUSR1, _ => call());
        }
    }

    /// <summary>SIGUSR2: reopen files. Not on Windows.</summary>
    internal void OnUser2(Action call)
    {
        if (!OperatingSystem.IsWindows())
        {
            Listen((PosixSignal)NativeSignals.SIGUSR2, NativeSignals.SIGUSR2, _ => call());
        }
    }

    /// <summary>Stops to listen. The runtime's handlers are removed; a queue stays open.</summary>
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
            // The runtime creates a pipe and a thread for signals with the first of them.
            throw new IOException("cannot receive signals: descriptors or threads have run out", noPipe);
        }
    }

    /// <summary>Watches the queue of the process.</summary>
    private sealed class QueueWatcher(Reactor reactor, nint handle) : Descriptor(handle)
    {
        private readonly List<(int Number, Action Call)> _calls = [];

        /// <summary>SIGUSR1 and its kin come before SIGINT and SIGTERM, which may stop the loop.</summary>
        public void Add(int number, Action call) => _calls.Insert(number is 2 or 15 ? _calls.Count : 0, (number, call));

        public void Deliver()
        {
            foreach ((int number, Action call) in _calls)
            {
                if (SignalQueue.TryTake(number))
                {
                    // What it throws must not cost the watch, as it would if the reactor caught it.
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

/// <summary>A signal has asked the command to end before its loop ran.</summary>
internal sealed class EndedBySignalError() : Exception("ended by a signal");
