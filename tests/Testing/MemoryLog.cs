using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.Extensions.Logging;

namespace Poetry.Tests.Testing;

/// <summary>Keeps the records of a server, for a test that looks at them on the same thread.</summary>
/// <param name="least">The least important records that are kept.</param>
internal sealed class MemoryLog(LogLevel least = LogLevel.Trace) : ILogger
{
    /// <summary>Each as one text: its level, its message, and what was thrown.</summary>
    public List<string> Lines { get; } = [];

    /// <summary>Fails unless a record has all of these words.</summary>
    public void AssertHas(params string[] words) => Microsoft.VisualStudio.TestTools.UnitTesting.Assert.IsTrue(
        Lines.Any(line => words.All(line.Contains)),
        $"no record with {string.Join(" and ", words)} in:\n{string.Join('\n', Lines)}");

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            Lines.Add($"{logLevel}: {formatter(state, exception)} {exception?.GetType().Name}".TrimEnd());
        }
    }
}
