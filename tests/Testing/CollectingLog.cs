using Microsoft.Extensions.Logging;

namespace Poetry.Tests.Testing;

/// <summary>One record of a log.</summary>
internal sealed record LogEntry(LogLevel Level, string Text, Exception? Exception)
{
    /// <summary>The level, the text, and the type of what was thrown.</summary>
    public override string ToString() => $"{Level}: {Text} {Exception?.GetType().Name}".TrimEnd();
}

/// <summary>Keeps what is logged, from any thread.</summary>
/// <param name="minLevel">Records below this level are not kept.</param>
internal sealed class CollectingLog(LogLevel minLevel = LogLevel.Trace) : ILogger
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

    /// <summary>Each record as one line: its level, its text, and the type of what was thrown.</summary>
    public string[] Lines => [.. Entries.Select(entry => entry.ToString())];

    /// <summary>The exceptions that were logged, in order.</summary>
    public Exception[] Exceptions => [.. Entries.Where(entry => entry.Exception is not null).Select(entry => entry.Exception!)];

    /// <summary>How many records have a text that begins like this, after the number of a connection if there is one.</summary>
    public int Count(string beginning) => Entries.Count(entry =>
        entry.Text.AsSpan(entry.Text.StartsWith('#') ? entry.Text.IndexOf(' ') + 1 : 0).StartsWith(beginning));

    /// <summary>Fails unless one record has all of these words.</summary>
    public void AssertHas(params string[] words)
    {
        string[] lines = Lines;
        Assert.IsTrue(
            lines.Any(line => words.All(line.Contains)),
            $"no record with {string.Join(" and ", words)} in:\n{string.Join('\n', lines)}");
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= minLevel;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        lock (_gate)
        {
            _entries.Add(new LogEntry(logLevel, formatter(state, exception), exception));
        }
    }
}
