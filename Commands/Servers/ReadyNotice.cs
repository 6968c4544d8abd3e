using System;
using System.IO;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// Tells the outside that the server is ready, alive and stopping: the ready lines on standard output, and systemd's
/// notifications. The last service to start and the first to stop. On the first worker's thread.
/// </summary>
internal sealed class ReadyNotice(WorkerThreads threads, Listeners listeners) : Service
{
    /// <summary>Shortest watchdog period: a shorter WATCHDOG_USEC would keep the loop busy with notifications.</summary>
    private static readonly TimeSpan MinWatchdogPeriod = TimeSpan.FromMilliseconds(10);

    /// <exception cref="IOException">Standard output cannot be written.</exception>
    /// <exception cref="EndedBySignalError">A signal ends the command while nothing reads the lines.</exception>
    public override void StartService()
    {
        base.StartService();
        foreach (string line in listeners.ReadyLines())
        {
            // EPIPE and EBADF are not errors here: the reader has closed its end.
            Errno error = StandardStreams.WriteAll(StandardStreams.Output, $"{TextEscaper.EscapeLine(line)}\n");
            if (error is not (Errno.None or Errno.EPIPE or Errno.EBADF))
            {
                throw error == Errno.EINTR
                    ? new EndedBySignalError()
                    : new IOException($"cannot write standard output: {error.Sentence()}");
            }
        }

        Systemd.NotifyReady();
        if (Systemd.WatchdogInterval() is { } interval)
        {
            // Twice in each interval, also while the server drains: one that hangs is restarted.
            TimeSpan half = interval / 2 > MinWatchdogPeriod ? interval / 2 : MinWatchdogPeriod;
            _ = new LoopingCall(threads.First, NotifyWatchdog).Start(half);
        }
    }

    /// <summary>Tells systemd that the service stops.</summary>
    /// <returns>Has fired; there is nothing to cancel.</returns>
    public override Deferred StopService()
    {
        Systemd.NotifyStopping();
        return base.StopService();
    }

    private void NotifyWatchdog()
    {
        if (threads.CheckAlive())
        {
            Systemd.NotifyAlive();
        }
    }
}
