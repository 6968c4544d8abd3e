using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// The start of a connection: its time, and the number that all log records of the connection carry. A protocol keeps it, and calls
/// <see cref="End"/> when the connection has ended.
/// </summary>
/// <remarks>Connections are numbered from 1, over the threads of all reactors.</remarks>
internal readonly struct ConnectionStart
{
    private static long _lastNumber;

    /// <summary>Marks the start of a new connection.</summary>
    public ConnectionStart(IClock clock)
    {
        Number = Interlocked.Increment(ref _lastNumber);
        Time = clock.Now;
    }

    /// <summary>The connection's number in this process.</summary>
    public long Number { get; }

    /// <summary>The time of the start, on the reactor's clock.</summary>
    public TimeSpan Time { get; }

    /// <summary>Makes the record of a connection that has ended.</summary>
    public ConnectionRecord End(
        ITransport transport, TimeSpan now, string action, string resource, long totalBytes, ConnectionOutcome outcome) => new()
        {
            Number = Number,
            Action = action,
            Resource = resource,
            Peer = transport.Peer,
            BytesSent = transport.BytesSent,
            TotalBytes = totalBytes,
            Duration = (transport.EndSentAt < now ? transport.EndSentAt : now) - Time,
            Outcome = outcome,
        };
}
