using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// The signals of the process as a descriptor, so that no thread and no handler is needed for them: a signalfd on Linux, a
/// kqueue with EVFILT_SIGNAL on BSD. The loop watches it (<see cref="Signals"/>), and whatever blocks before or outside the
/// loop waits for it as well.
/// </summary>
/// <remarks>
/// <para>On Linux the signals have to be blocked in every thread, or the kernel gives one to a thread that has not blocked it.
/// Threads inherit the mask of their creator, and the runtime's finalizer thread is older than Main: Native/start.c blocks
/// them before the runtime begins. Under JIT there is no such place, so there the queue is not opened, and
/// <see cref="Signals"/> uses the runtime's handlers.</para>
/// <para>Belongs to the thread that calls <see cref="Open"/>: the main thread. Other threads only have the signals blocked.</para>
/// </remarks>
internal static class SignalQueue
{
    private const nint Closed = -1;

    private static nint _handle = Closed;
    private static KqueueLibrary _kqueue;
    private static int _threadId;
    private static uint _blocked;
    private static uint _ending;
    private static uint _taken;

    /// <summary>The descriptor, readable while a signal is pending; −1 if there is none.</summary>
    public static nint Handle => _handle;

    /// <summary>True if there is a descriptor and the caller is on its thread.</summary>
    public static bool IsMine => _handle != Closed && _threadId == Environment.CurrentManagedThreadId;

    /// <summary>The signal that has asked the command to end, or 0.</summary>
    public static PosixSignal EndingSignal => OperatingSystem.IsWindows() || !IsMine
        ? 0
        : BitOperations.TrailingZeroCount(Collect() & _ending) switch
        {
            Libc.SIGHUP => PosixSignal.SIGHUP,
            Libc.SIGINT => PosixSignal.SIGINT,
            Libc.SIGTERM => PosixSignal.SIGTERM,
            _ => 0,
        };

    /// <summary>Called when <see cref="Wait"/> has taken signals that the loop has to deliver. Null for no loop yet.</summary>
    public static Action? HasTaken { get; set; }

    /// <summary>
    /// Blocks the signals of a command. To be called at the start of Main, before other threads are created; until
    /// <see cref="Open"/> they are pending.
    /// </summary>
    public static void Block()
    {
        if (OperatingSystem.IsLinux() && !RuntimeFeature.IsDynamicCodeSupported)
        {
            _blocked = ForServers | NativeSignals.SetOf(Libc.SIGINT) | NativeSignals.SetOf(Libc.SIGTERM);
            _ = NativeSignals.Block(_blocked);
        }
    }

    /// <summary>Gives the signals back their default effect. For commands that only print.</summary>
    public static void Unblock()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = NativeSignals.Unblock(_blocked);
            _blocked = 0;
        }
    }

    /// <summary>Opens the queue.</summary>
    /// <param name="isServer">True for a server: SIGHUP, SIGUSR1 and SIGUSR2 are for it, and SIGHUP is received even if it was
    /// ignored, as nohup(1) does. False for a command that SIGHUP ends unless it is ignored.</param>
    /// <exception cref="System.IO.IOException">Descriptors have run out.</exception>
    public static void Open(bool isServer)
    {
        if (OperatingSystem.IsWindows() || RuntimeFeature.IsDynamicCodeSupported || _handle != Closed)
        {
            return;
        }

        // SIGINT is ignored in the background of a shell without job control, and stays ignored.
        _ending = NativeSignals.SetOf(Libc.SIGTERM) | SetUnlessIgnored(Libc.SIGINT) | (isServer ? 0 : SetUnlessIgnored(Libc.SIGHUP));
        uint set = _ending | (isServer ? ForServers : 0);
        Errno error = OperatingSystem.IsLinux() ? OpenOnLinux(set) : OpenOnBsd(set);
        if (error is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM)
        {
            throw new System.IO.IOException($"cannot receive signals: {error.Sentence()}");
        }

        _threadId = Environment.CurrentManagedThreadId;
    }

    /// <summary>Reads the descriptor.</summary>
    /// <returns>The signals that have come and were not delivered yet.</returns>
    public static uint Collect()
    {
        if (OperatingSystem.IsLinux())
        {
            while (NativeSignals.TryReadSignalFd(_handle, out int signal))
            {
                _taken |= NativeSignals.SetOf(signal);
            }
        }
        else if (!OperatingSystem.IsWindows())
        {
            while (KqueuePoller.TryTakeSignal(_kqueue, _handle, out int signal))
            {
                _taken |= NativeSignals.SetOf(signal);
            }
        }

        return _taken;
    }

    /// <summary>Marks a signal as delivered.</summary>
    /// <returns>True if it had come.</returns>
    public static bool TryTake(int signal)
    {
        uint bit = 1u << signal;
        bool hasCome = (_taken & bit) != 0;
        _taken &= ~bit;
        return hasCome;
    }

    /// <summary>Waits until a read will not block.</summary>
    /// <returns>EINTR if a signal ends the command.</returns>
    public static Errno WaitReadable(nint handle) => Wait(handle, isWriter: false, timeoutMs: -1);

    /// <summary>Waits until a write will not block.</summary>
    /// <inheritdoc cref="WaitReadable"/>
    public static Errno WaitWritable(nint handle) => Wait(handle, isWriter: true, timeoutMs: -1);

    /// <summary>Sleeps; on the thread of the queue until a signal ends the command. Does nothing on Windows.</summary>
    /// <returns>EINTR if a signal ends the command, EAGAIN after the time-out.</returns>
    public static Errno Sleep(int timeoutMs) => Wait(Closed, isWriter: false, timeoutMs);

    [UnsupportedOSPlatform("windows")]
    private static uint ForServers => NativeSignals.SetOf(Libc.SIGHUP)
        | NativeSignals.SetOf(NativeSignals.SIGUSR1) | NativeSignals.SetOf(NativeSignals.SIGUSR2);

    [UnsupportedOSPlatform("windows")]
    private static uint SetUnlessIgnored(int signal) => NativeSignals.IsIgnored(signal) ? 0 : NativeSignals.SetOf(signal);

    [SupportedOSPlatform("linux")]
    private static Errno OpenOnLinux(uint set)
    {
        // What is not for this command has its default effect, or is ignored.
        _ = NativeSignals.Unblock(_blocked & ~set);
        _blocked = set;
        Errno error = NativeSignals.OpenSignalFd(set, out _handle);
        if (error != Errno.None)
        {
            // A container's filter forbids it: the runtime's handlers take over.
            Unblock();
        }

        return error;
    }

    /// <summary>EVFILT_SIGNAL counts signals that are ignored, too: kqueue(2).</summary>
    [UnsupportedOSPlatform("windows")]
    private static Errno OpenOnBsd(uint set)
    {
        _kqueue = KqueueLibrary.Load();
        return KqueuePoller.OpenSignals(_kqueue, set, out _handle);
    }

    private static unsafe Errno Wait(nint handle, bool isWriter, int timeoutMs)
    {
        if (OperatingSystem.IsWindows())
        {
            return Errno.None;
        }

        Libc.struct_pollfd* polled = stackalloc Libc.struct_pollfd[2];
        while (true)
        {
            // A negative descriptor is skipped: poll(2).
            polled[0] = new Libc.struct_pollfd { fd = (int)(IsMine ? _handle : Closed), events = Libc.POLLIN };
            polled[1] = new Libc.struct_pollfd { fd = (int)handle, events = isWriter ? Libc.POLLOUT : Libc.POLLIN };
            int count = Libc.poll(polled, 2, timeoutMs);
            if (count < 0 && !NativeDescriptor.IsInterrupted(count))
            {
                return LastError.OfLibc();
            }

            if (count > 0 && polled[0].revents != 0)
            {
                _ = Collect();
                HasTaken?.Invoke();
            }

            if (IsMine && (_taken & _ending) != 0)
            {
                return Errno.EINTR;
            }

            if (count > 0 && polled[1].revents != 0)
            {
                return Errno.None;
            }

            if (count == 0)
            {
                return Errno.EAGAIN;
            }
        }
    }
}
