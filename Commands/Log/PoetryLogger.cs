using System;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;
using ZLogger;

namespace Poetry.Commands;

/// <summary>
/// The log of the program behind the interface that .NET knows: filters by level and hands the records on to ZLogger, or, for the
/// records that a busy server writes for each connection, straight to the processor. Any thread may use it.
/// </summary>
internal sealed class PoetryLogger : ILogger, IDisposable
{
    /// <summary>systemd sets it where standard error is its journal.</summary>
    private const string JournalVariable = "JOURNAL_STREAM";

    private readonly LogLevel _minLevel;
    private readonly LogProcessor _processor;
    private readonly ZLoggerLogger _logger;

    /// <summary>A log on standard error.</summary>
    /// <param name="minLevel">Records below it are not written.</param>
    /// <param name="format">Text or JSON.</param>
    public PoetryLogger(LogLevel minLevel, LogFormat format)
        : this(
            minLevel,
            new LogProcessor(
                WriteToStandardError,
                format,
                TimeProvider.System,
                hasPriorities: format == LogFormat.Text && Environment.GetEnvironmentVariable(JournalVariable) is { Length: > 0 }))
    {
    }

    /// <summary>A log on another processor, which it disposes of.</summary>
    internal PoetryLogger(LogLevel minLevel, LogProcessor processor)
    {
        _minLevel = minLevel;
        _processor = processor;
        _logger = new ZLoggerLogger("poetry", processor, new ZLoggerOptions { TimeProvider = processor.Time }, null);
    }

    /// <summary>The log of a server, to standard error or to a file.</summary>
    /// <exception cref="System.IO.IOException">The file can't be opened.</exception>
    public static PoetryLogger ForServer(ServerOptions options)
    {
        if (options.LogFile is null)
        {
            return new PoetryLogger(options.LogLevel, options.LogFormat);
        }

        var file = LogFile.Open(options.LogFile);
        return new PoetryLogger(
            options.LogLevel,
            new LogProcessor(file.Write, options.LogFormat, TimeProvider.System, hasPriorities: false, file));
    }

    /// <inheritdoc cref="LogBuffer.Dropped"/>
    public long Dropped => _processor.Dropped;

    /// <summary>Has the log file opened again, if there is one.</summary>
    public void Reopen() => _processor.Reopen();

    /// <summary>Waits until all records are written.</summary>
    /// <returns>False after a timeout.</returns>
    public bool Flush(TimeSpan timeout) => _processor.Flush(timeout);

    /// <summary>Scopes are not shown.</summary>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= _minLevel && logLevel != LogLevel.None;

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

        // The compiler makes a Log of its own for every struct, and decides these tests in each of them. ZLogger would box the two
        // structs where the code is not optimized.
        if (typeof(TState) == typeof(ConnectionRecord))
        {
            _processor.Post(logLevel, eventId, in Unsafe.As<TState, ConnectionRecord>(ref state));
        }
        else if (typeof(TState) == typeof(ConnectionMessage))
        {
            _processor.Post(logLevel, eventId, in Unsafe.As<TState, ConnectionMessage>(ref state));
        }
        else
        {
            _logger.Log(logLevel, eventId, state, exception, formatter);
        }
    }

    /// <inheritdoc cref="LogBuffer.DisposeTimeout"/>
    public TimeSpan DisposeTimeout
    {
        get => _processor.DisposeTimeout;
        set => _processor.DisposeTimeout = value;
    }

    /// <summary>Writes what is buffered, for at most <see cref="DisposeTimeout"/>: a second by default.</summary>
    public void Dispose() => _processor.Dispose();

    private static Errno WriteToStandardError(ReadOnlySpan<byte> bytes, out int written) =>
        StandardStreams.WriteAll(StandardStreams.Error, bytes, out written);
}
