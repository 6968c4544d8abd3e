using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Poetry.Protocols;

/// <summary>
/// Counts ended connections by outcome. It is a logger in front of the log, so the counters and the log use the same records.
/// </summary>
/// <remarks>
/// Crosses threads: each reactor has one and writes to it on its thread. Any thread may read the numbers, each from a recent moment.
/// </remarks>
internal sealed class ConnectionCounters(ILogger log) : ILogger
{
    /// <summary>One more than the highest <see cref="ConnectionOutcome"/>.</summary>
    public const int OutcomeCount = (int)ConnectionOutcome.Stopped + 1;

    private readonly long[] _outcomes = new long[OutcomeCount];
    private long _bytesSent;

    /// <summary>Bytes sent over all connections that have ended.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    /// <summary>The number of connections that have ended with this outcome.</summary>
    public long Ended(ConnectionOutcome outcome) => Volatile.Read(ref _outcomes[(int)outcome]);

    /// <summary>The durations of the connections to which everything was sent.</summary>
    public Histogram Delivery { get; } = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => log.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => log.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (typeof(TState) == typeof(ConnectionRecord))
        {
            Count(in Unsafe.As<TState, ConnectionRecord>(ref state));
        }

        if (log.IsEnabled(logLevel))
        {
            log.Log(logLevel, eventId, state, exception, formatter);
        }
    }

    private void Count(in ConnectionRecord record)
    {
        if (record.Outcome == ConnectionOutcome.Whole)
        {
            Delivery.Add(record.Duration);
        }

        Volatile.Write(ref _bytesSent, _bytesSent + record.BytesSent);
        ref long count = ref _outcomes[(int)record.Outcome];
        Volatile.Write(ref count, count + 1);
    }
}
