using System;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The log of the program behind the interfaces that .NET knows: one line a record, on standard error, and never a wait
/// for whoever logs. Categories and scopes are not shown. Any thread may use it.
/// </summary>
internal sealed class PoetryLogger : ILogger, ILoggerProvider
{
    /// <summary>Room for a connection: its longest texts, each byte of them escaped, and numbers.</summary>
    private const int ConnectionBytes = 4096;

    /// <summary>Room for any other record; a stack of calls may be long, and the rest of it is cut.</summary>
    private const int MessageBytes = 16 * 1024;

    private readonly LogLevel _least;
    private readonly LogFormat _format;
    private readonly Func<DateTime> _utcNow;
    private readonly LogBuffer _buffer;

    /// <summary>A log on standard error.</summary>
    /// <param name="least">What is less important is not written.</param>
    /// <param name="format">Text or JSON.</param>
    public PoetryLogger(LogLevel least, LogFormat format)
        : this(least, format, WriteToStandardError, static () => DateTime.UtcNow)
    {
    }

    /// <summary>The same with another place to write to and another clock.</summary>
    internal PoetryLogger(LogLevel least, LogFormat format, LogWriter write, Func<DateTime> utcNow)
    {
        _least = least;
        _format = format;
        _utcNow = utcNow;
        _buffer = new LogBuffer(write, DescribeDropped);
    }

    /// <summary>Waits until all records are written, but not longer than this.</summary>
    /// <returns>False if the time was over first.</returns>
    public bool Flush(TimeSpan timeout) => _buffer.Flush(timeout);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <summary>Scopes are not shown.</summary>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= _least && logLevel != LogLevel.None;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        // The compiler makes a Log of its own for every struct, and this test is decided in each of them.
        if (typeof(TState) == typeof(ConnectionRecord))
        {
            LogConnection(logLevel, in Unsafe.As<TState, ConnectionRecord>(ref state));
        }
        else
        {
            ArgumentNullException.ThrowIfNull(formatter);
            LogMessage(logLevel, eventId.Name, formatter(state, exception), exception);
        }
    }

    /// <summary>Writes what there is, for at most a second.</summary>
    public void Dispose() => _buffer.Dispose();

    private static Errno WriteToStandardError(ReadOnlySpan<byte> bytes, out int written) =>
        StandardStreams.WriteAll(StandardStreams.Error, bytes, out written);

    [SkipLocalsInit]
    private void LogConnection(LogLevel level, in ConnectionRecord record)
    {
        var line = new LogLine(stackalloc byte[ConnectionBytes], _format);
        line.Begin(_utcNow(), level);
        line.Connection(in record);
        _ = _buffer.TryAppend(line.End());
    }

    /// <summary>Without memory of its own, for a proxy says the same of every client that it serves.</summary>
    [SkipLocalsInit]
    private void LogMessage(LogLevel level, string? eventName, string message, Exception? exception)
    {
        var line = new LogLine(stackalloc byte[MessageBytes], _format);
        Fill(ref line, level, eventName, message, exception);
        _ = _buffer.TryAppend(line.End());
    }

    [SkipLocalsInit]
    private byte[] DescribeDropped(long count)
    {
        var line = new LogLine(stackalloc byte[ConnectionBytes], _format);
        string message = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"dropped {count} log records");
        Fill(ref line, LogLevel.Warning, null, message, null);
        return line.End().ToArray();
    }

    private void Fill(ref LogLine line, LogLevel level, string? eventName, string message, Exception? exception)
    {
        line.Begin(_utcNow(), level);
        line.Message(eventName, message);
        if (exception is not null)
        {
            line.Exception(exception);
        }
    }
}
