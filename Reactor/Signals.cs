using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;

namespace Poetry.Net;

/// <summary>
/// Signals of the process, brought into a reactor's loop. The runtime receives a signal on a thread of its own; here it
/// becomes a <see cref="Reactor.CallFromThread(Action)"/>, and a storm of the same signal becomes one call.
/// </summary>
/// <remarks>
/// Crosses threads: whether a call is under way, and whether the loop is over, is shared, and each is changed in one step.
/// </remarks>
public sealed class Signals(Reactor reactor) : IDisposable
{
    /// <summary>By its raw number, since the runtime has no name for it: 10 on Linux, 30 on macOS and BSD.</summary>
    private static readonly PosixSignal Sigusr1 = (PosixSignal)(OperatingSystem.IsLinux() ? 10 : 30);

    private readonly List<PosixSignalRegistration> _registrations = [];
    private volatile bool _isRetired;

    /// <summary>
    /// Asked on the runtime's thread when a signal comes: true leaves it to do what it does by default, which mostly is to
    /// end the process. For a loop that may be held up by a call that blocks.
    /// </summary>
    public Func<bool>? LetsThrough { get; init; }

    /// <summary>SIGINT and SIGTERM: end.</summary>
    /// <exception cref="IOException">As from all of these: descriptors or threads have run out.</exception>
    public void OnTerminate(Action<PosixSignal> call)
    {
        Listen(PosixSignal.SIGINT, call);
        Listen(PosixSignal.SIGTERM, call);
    }

    /// <summary>SIGHUP: read again what is read at the start.</summary>
    public void OnHangUp(Action call) => Listen(PosixSignal.SIGHUP, _ => call());

    /// <summary>SIGUSR1: say how it goes. Not on Windows.</summary>
    public void OnUser1(Action call)
    {
        if (!OperatingSystem.IsWindows())
        {
            Listen(Sigusr1, _ => call());
        }
    }

    /// <summary>
    /// The loop turns no more, and the process is about to end. Left to the runtime, a signal that comes just now would cost it
    /// its exit code: they are passed over. What is left to do must not take long: nothing but SIGKILL ends it sooner.
    /// </summary>
    public void Retire() => _isRetired = true;

    /// <summary>Leaves the signals to the runtime again.</summary>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _registrations.Clear();
    }

    private void Listen(PosixSignal signal, Action<PosixSignal> call)
    {
        int pending = 0;
        void OnLoop()
        {
            Volatile.Write(ref pending, 0);
            call(signal);
        }

        Action onLoop = OnLoop;
        try
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                if (_isRetired)
                {
                    context.Cancel = true;
                    return;
                }

                context.Cancel = LetsThrough is null || !LetsThrough();
                if (context.Cancel && Interlocked.Exchange(ref pending, 1) == 0)
                {
                    reactor.CallFromThread(onLoop);
                }
            }));
        }
        catch (TypeInitializationException noPipe)
        {
            // The runtime gets a pipe and a thread for signals with the first of them, and says so when there are none left.
            throw new IOException("cannot receive signals: the system has no descriptors or threads for it", noPipe);
        }
    }
}
