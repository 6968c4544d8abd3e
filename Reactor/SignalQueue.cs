using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// The signals of the process as a descriptor, which needs no thread and no handler: a signalfd on Linux, a kqueue with
/// EVFILT_SIGNAL on BSD. The loop watches it (<see cref="Signals"/>), and code that blocks before or outside the loop waits
/// for it too.
/// </summary>
/// <remarks>
/// <para>On Linux the signals have to be blocked in every thread, or the kernel gives one to a thread that has not blocked it.
/// Threads inherit the mask of their creator, and the runtime's finalizer thread starts before Main. So Native/start.c blocks
/// the signals before the runtime starts. JIT has no such place: there the queue is not opened, and <see cref="Signals"/>
/// uses the runtime's handlers.</para>
/// <para>Belongs to the thread that calls <see cref="Open"/>, the main thread. Other threads only have the signals blocked.</para>
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
        : BitOperations.TrailingZeroCount(CollectOutsideLoop() & _ending) switch
        {
            Libc.SIGHUP => PosixSignal.SIGHUP,
            Libc.SIGINT => PosixSignal.SIGINT,
            Libc.SIGTERM => PosixSignal.SIGTERM,
            _ => 0,
        };

    /// <summary>Called when signals were taken outside the loop, which has to deliver them. Null while there is no loop.</summary>
    public static Action? HasTaken { get; set; }

    /// <summary>
    /// Notes which signals start.c has blocked before the runtime had threads, and blocks them again, so that <see cref="Open"/> and
    /// <see cref="Unblock"/> can undo it. They stay pending until then. Called at the start of Main.
    /// </summary>
    public static void Block()
    {
        if (OperatingSystem.IsLinux() && !RuntimeFeature.IsDynamicCodeSupported)
        {
            _blocked = ForServers | NativeSignals.SetOf(Libc.SIGINT) | NativeSignals.SetOf(Libc.SIGTERM);
            _ = NativeSignals.Block(_blocked);
        }
    }

    /// <summary>Restores the default effect of the signals. Used by commands that only print.</summary>
    public static void Unblock()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = NativeSignals.Unblock(_blocked);
            _blocked = 0;
        }
    }

    /// <summary>Opens the queue.</summary>
    /// <param name="isServer">True for a server: it handles SIGHUP, SIGUSR1 and SIGUSR2, and receives SIGHUP even if nohup(1)
    /// has set it to be ignored. False for a command: SIGHUP ends it, unless it is ignored.</param>
    /// <exception cref="System.IO.IOException">Descriptors have run out.</exception>
    public static void Open(bool isServer)
    {
        if (OperatingSystem.IsWindows() || RuntimeFeature.IsDynamicCodeSupported || _handle != Closed)
        {
            return;
        }

        // A shell without job control starts background commands with SIGINT ignored; it stays ignored.
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
    /// <returns>The signals that have arrived and were not delivered yet.</returns>
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
    /// <returns>True if it had arrived.</returns>
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

    /// <summary>Sleeps; on the thread of the queue, a signal that ends the command ends the sleep. Does nothing on Windows.</summary>
    /// <returns>EINTR if a signal ends the command, EAGAIN after the timeout.</returns>
    public static Errno Sleep(int timeoutMs) => Wait(Closed, isWriter: false, timeoutMs);

    [UnsupportedOSPlatform("windows")]
    private static uint ForServers => NativeSignals.SetOf(Libc.SIGHUP)
        | NativeSignals.SetOf(NativeSignals.SIGUSR1) | NativeSignals.SetOf(NativeSignals.SIGUSR2);

    [UnsupportedOSPlatform("windows")]
    private static uint SetUnlessIgnored(int signal) => NativeSignals.IsIgnored(signal) ? 0 : NativeSignals.SetOf(signal);

    [SupportedOSPlatform("linux")]
    private static Errno OpenOnLinux(uint set)
    {
        // Signals that this command does not handle have their default effect, or are ignored.
        _ = NativeSignals.Unblock(_blocked & ~set);
        _blocked = set;
        Errno error = NativeSignals.OpenSignalFd(set, out _handle);
        if (error != Errno.None)
        {
            // A container's filter forbids signalfd: the runtime's handlers are used.
            Unblock();
        }

        return error;
    }

    /// <summary>Opens a kqueue. EVFILT_SIGNAL also counts signals that are ignored: kqueue(2).</summary>
    [UnsupportedOSPlatform("windows")]
    private static Errno OpenOnBsd(uint set)
    {
        _kqueue = KqueueLibrary.Load();
        return KqueuePoller.OpenSignals(_kqueue, set, out _handle);
    }

    /// <summary>Reads the descriptor, which then no longer wakes the loop: so the loop is told to deliver new signals.</summary>
    private static uint CollectOutsideLoop()
    {
        uint before = _taken;
        if (Collect() != before)
        {
            HasTaken?.Invoke();
        }

        return _taken;
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
            // A signal that was collected earlier, and not delivered yet, makes no descriptor readable.
            if (IsMine && (_taken & _ending) != 0)
            {
                return Errno.EINTR;
            }

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
                _ = CollectOutsideLoop();
                continue;
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
