using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.Extensions.Logging;

namespace Poetry.Tests.Testing;

/// <summary>One line of a log.</summary>
internal sealed record LogEntry(LogLevel Level, string Text, Exception? Exception);

/// <summary>Keeps what is logged, from whatever thread.</summary>
internal sealed class CollectingLog : ILogger
{
    private readonly Lock _gate = new();
    private readonly List<LogEntry> _entries = [];

    public LogEntry[] Entries
    {
        get
        {
            lock (_gate)
            {
                return [.. _entries];
            }
        }
    }

    /// <summary>The exceptions that were logged, in order.</summary>
    public Exception[] Exceptions => [.. Entries.Where(entry => entry.Exception is not null).Select(entry => entry.Exception!)];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_gate)
        {
            _entries.Add(new LogEntry(logLevel, formatter(state, exception), exception));
        }
    }
}
