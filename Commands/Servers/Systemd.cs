using System;
using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// What a service tells systemd and is handed by it: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3). Without
/// systemd, that is without its variables, all of this does nothing.
/// </summary>
internal static class Systemd
{
    /// <summary>SD_LISTEN_FDS_START: the number of the first descriptor that is handed over.</summary>
    private const int FirstDescriptor = 3;

    /// <summary>The service is ready to serve.</summary>
    public static void NotifyReady() => Notify("READY=1\nSTATUS=serving");

    /// <summary>The service reads its poems again; <see cref="NotifyReady"/> ends it.</summary>
    public static void NotifyReloading()
    {
        // Type=notify-reload wants the moment on CLOCK_MONOTONIC, in microseconds.
        long microseconds = System.Diagnostics.Stopwatch.GetElapsedTime(0).Ticks / TimeSpan.TicksPerMicrosecond;
        Notify(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// <summary>The service ends.</summary>
    public static void NotifyStopping() => Notify("STOPPING=1\nSTATUS=draining");

    /// <summary>The loop turns.</summary>
    public static void NotifyAlive() => Notify("WATCHDOG=1");

    /// <summary>How often the loop must give a sign of life; null for never, and if there is nobody to give it to.</summary>
    public static TimeSpan? WatchdogInterval()
    {
        bool mine = Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 } && IsWatched();
        return mine
            && long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), CultureInfo.InvariantCulture, out long microseconds)
            && microseconds is > 0 and < long.MaxValue / TimeSpan.TicksPerMicrosecond
            ? TimeSpan.FromMicroseconds(microseconds)
            : null;
    }

    /// <summary>How many listening sockets were handed over; their numbers begin at 3.</summary>
    /// <returns>The first of them, and how many there are.</returns>
    public static (nint First, int Count) InheritedListeners()
    {
        bool mine = Environment.GetEnvironmentVariable("LISTEN_PID") is { Length: > 0 } pid && IsThisProcess(pid);
        return mine
            && int.TryParse(Environment.GetEnvironmentVariable("LISTEN_FDS"), CultureInfo.InvariantCulture, out int count)
            && count > 0
            ? (FirstDescriptor, count)
            : (FirstDescriptor, 0);
    }

    /// <summary>Closes the sockets that nothing is served on. Before anything else is opened: the numbers are systemd's word.</summary>
    /// <param name="served">How many of them are.</param>
    /// <returns>How many were closed: a client would have waited in their queues for ever.</returns>
    public static int CloseSurplus(int served)
    {
        (nint first, int count) = InheritedListeners();
        int closed = 0;
        for (nint handle = first + served; handle < first + count && NativeSocket.Verify(handle) == Errno.None; handle++)
        {
            _ = NativeSocket.Close(handle);
            closed++;
        }

        return closed;
    }

    private static bool IsWatched() =>
        Environment.GetEnvironmentVariable("WATCHDOG_PID") is not { Length: > 0 } pid || IsThisProcess(pid);

    private static bool IsThisProcess(string pid) =>
        int.TryParse(pid, CultureInfo.InvariantCulture, out int number) && number == Environment.ProcessId;

    private static void Notify(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 } path)
        {
            // A leading @ stands for the NUL of the abstract space. If nobody listens there is nobody to tell.
            string name = path[0] == '@' ? $"\0{path[1..]}" : path;
            _ = NativeSocket.SendDatagram(SocketAddress.Unix(name), Encoding.UTF8.GetBytes(state));
        }
    }
}
