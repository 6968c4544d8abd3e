using System.Globalization;
using System.Text;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// The service side of systemd: sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3). Without systemd's environment
/// variables all of this does nothing.
/// </summary>
internal static class Systemd
{
    /// <summary>SD_LISTEN_FDS_START: the first listening socket that systemd passes.</summary>
    public const int FirstInherited = 3;

    /// <summary>The number of listening sockets that systemd passes.</summary>
    public static int InheritedCount => IsThisProcess(Environment.GetEnvironmentVariable("LISTEN_PID"))
        && int.TryParse(Environment.GetEnvironmentVariable("LISTEN_FDS"), CultureInfo.InvariantCulture, out int count)
        ? Math.Max(count, 0)
        : 0;

    public static void NotifyReady() => Notify("READY=1\nSTATUS=serving");

    /// <summary>Reports a reload; <see cref="NotifyReady"/> ends it.</summary>
    public static void NotifyReloading()
    {
        // Type=notify-reload wants the time on CLOCK_MONOTONIC, in microseconds.
        long microseconds = System.Diagnostics.Stopwatch.GetElapsedTime(0).Ticks / TimeSpan.TicksPerMicrosecond;
        Notify(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    public static void NotifyStopping() => Notify("STOPPING=1\nSTATUS=draining");

    public static void NotifyAlive() => Notify("WATCHDOG=1");

    /// <summary>The interval in which <see cref="NotifyAlive"/> is expected; null if it is not, or without a socket to notify.</summary>
    public static TimeSpan? WatchdogInterval() => Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 }
        && (Environment.GetEnvironmentVariable("WATCHDOG_PID") is not { Length: > 0 } pid || IsThisProcess(pid))
        && long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), CultureInfo.InvariantCulture, out long microseconds)
        && microseconds is > 0 and < long.MaxValue / TimeSpan.TicksPerMicrosecond
        ? TimeSpan.FromMicroseconds(microseconds)
        : null;

    /// <summary>The names of the listening sockets that systemd passes; a unit that names none passes its own name.</summary>
    public static string[] InheritedNames()
    {
        string[] names = Environment.GetEnvironmentVariable("LISTEN_FDNAMES")?.Split(':') ?? [];
        int given = names.Length;
        Array.Resize(ref names, InheritedCount);
        if (given < names.Length)
        {
            Array.Fill(names, "unknown", given, names.Length - given);
        }

        return names;
    }

    /// <summary>Closes the sockets that no listener uses: their clients would wait in the backlog for ever. Call it before other
    /// sockets are opened: if LISTEN_FDS is too large, those would be closed.</summary>
    /// <param name="served">The number of sockets in use.</param>
    /// <returns>The number of sockets that were closed.</returns>
    public static int CloseUnused(int served)
    {
        int closed = 0;
        nint end = FirstInherited + InheritedCount;
        for (nint handle = FirstInherited + served; handle < end && NativeSocket.Verify(handle) == Errno.None; handle++)
        {
            _ = NativeSocket.Close(handle);
            closed++;
        }

        return closed;
    }

    private static bool IsThisProcess(string? pid) =>
        int.TryParse(pid, CultureInfo.InvariantCulture, out int number) && number == Environment.ProcessId;

    private static void Notify(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 } path)
        {
            // A leading @ stands for the NUL of the abstract namespace. An error does not matter: nothing listens.
            string name = path[0] == '@' ? $"\0{path[1..]}" : path;
            _ = NativeSocket.SendDatagram(SocketAddress.Unix(name), Encoding.UTF8.GetBytes(state));
        }
    }
}
