using System;
using System.Threading;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Writes the ready lines to standard output.</summary>
/// <remarks>Crosses threads: <see cref="IsBlocked"/> is asked by the thread that receives a signal.</remarks>
internal sealed class ReadyLines
{
    /// <summary>Chosen: a reader that reads at all has read a line by then.</summary>
    private const int MaxWriteMs = 500;

    /// <summary>When the write under way began, by <see cref="Environment.TickCount64"/>; 0 for none.</summary>
    private long _writingSinceMs;

    /// <summary>
    /// True if a ready line waits in a full pipe. The loop does not turn yet, so a signal has to end the process by itself.
    /// </summary>
    public bool IsBlocked =>
        Volatile.Read(ref _writingSinceMs) is not 0 and var sinceMs && Environment.TickCount64 - sinceMs > MaxWriteMs;

    /// <summary>Writes one line a listener.</summary>
    /// <returns>The write error. EPIPE and EBADF are not errors here: nothing reads the ready lines.</returns>
    public Errno Write(Listeners listeners)
    {
        foreach (string line in listeners.ReadyLines())
        {
            Volatile.Write(ref _writingSinceMs, Environment.TickCount64);
            Errno error = StandardStreams.WriteAll(StandardStreams.Output, $"{TextEscaper.EscapeLine(line)}\n");
            Volatile.Write(ref _writingSinceMs, 0);
            if (error is not (Errno.None or Errno.EPIPE or Errno.EBADF))
            {
                return error;
            }
        }

        return Errno.None;
    }
}
