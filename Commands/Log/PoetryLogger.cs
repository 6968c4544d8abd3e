using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;
using ZLogger;

namespace Poetry.Commands;

/// <summary>
/// The log of the program, as an <see cref="ILogger"/>. It filters by level, formats each record as one line on the calling
/// thread, and appends it to a bounded buffer that another thread writes: no caller ever waits for the reader of the log. Records
/// pass through ZLogger, except those of single connections. Any thread may use it.
/// </summary>
/// <remarks>
/// ZLogger's own stream provider is not used: when it drops records it does not count them, and a reader that blocks keeps it from ending.
/// </remarks>
internal sealed class PoetryLogger : ILogger, IAsyncLogProcessor, IDisposable
{
    /// <summary>systemd sets this variable if standard error is its journal.</summary>
    private const string JournalVariable = "JOURNAL_STREAM";

    /// <summary>Space for the record of a connection: its longest texts, with every byte escaped, and numbers.</summary>
    private const int ConnectionBytes = 4096;

    /// <summary>Space for any other record; a longer one, such as a stack trace, is cut.</summary>
    private const int MessageBytes = 16 * 1024;

    private static readonly EventId RecordsDropped = new(60, "log_records_dropped");

    private readonly LogLevel _minLevel;
    private readonly LogFormat _format;
    private readonly TimeProvider _time;
    private readonly bool _hasPriorities;
    private readonly ZLoggerLogger _logger;

    /// <summary>Creates a log on standard error.</summary>
    /// <param name="minLevel">The minimum level of the records that are written.</param>
    /// <param name="format">Text or JSON.</param>
    public PoetryLogger(LogLevel minLevel, LogFormat format)
        : this(
            minLevel,
            format,
            WriteToStandardError,
            TimeProvider.System,
            hasPriorities: format == LogFormat.Text && Environment.GetEnvironmentVariable(JournalVariable) is { Length: > 0 })
    {
    }

    /// <summary>Creates a log; its thread starts with the first record.</summary>
    /// <param name="minLevel">The minimum level of the records that are written.</param>
    /// <param name="format">Text or JSON.</param>
    /// <param name="write">Writes to the destination, on the thread of the buffer.</param>
    /// <param name="time">The wall clock.</param>
    /// <param name="hasPriorities">True if each line begins with its priority, as systemd's journal reads it: <c>&lt;6&gt;</c>.</param>
    /// <param name="file">The file that <paramref name="write"/> writes to; null for none.</param>
    internal PoetryLogger(
        LogLevel minLevel, LogFormat format, LogWriter write, TimeProvider time, bool hasPriorities = false, LogFile? file = null)
    {
        _minLevel = minLevel;
        _format = format;
        _time = time;
        _hasPriorities = hasPriorities;
        _logger = new ZLoggerLogger("poetry", this, new ZLoggerOptions { TimeProvider = time }, null);
        Buffer = new LogBuffer(write, DescribeDropped)
        {
            Reopening = file is null ? null : file.Reopen,
            Written = file is null ? null : file.Written,
        };
    }

    public LogBuffer Buffer { get; }

    /// <summary>The log of a server, to standard error or to a file.</summary>
    /// <exception cref="System.IO.IOException">The file can't be opened.</exception>
    public static PoetryLogger ForServer(ServerOptions options)
    {
        if (options.LogFile is null)
        {
            return new PoetryLogger(options.LogLevel, options.LogFormat);
        }

        var file = LogFile.Open(options.LogFile);
        return new PoetryLogger(options.LogLevel, options.LogFormat, file.Write, TimeProvider.System, file: file);
    }

    /// <summary>Does nothing: scopes are not shown.</summary>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= _minLevel && logLevel != LogLevel.None;

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

        // The compiler generates a Log for each struct, and these tests are constants in it. ZLogger would box the two structs in
        // code that is not optimized.
        if (typeof(TState) == typeof(ConnectionRecord) || typeof(TState) == typeof(ConnectionMessage))
        {
            Post(logLevel, eventId, ref state);
        }
        else
        {
            _logger.Log(logLevel, eventId, state, exception, formatter);
        }
    }

    /// <summary>Formats a record and returns the entry to ZLogger.</summary>
    [SkipLocalsInit]
    public void Post(IZLoggerEntry log)
    {
        LogInfo info = log.LogInfo;
        var line = new LogLine(stackalloc byte[MessageBytes], _format, _hasPriorities);
        line.Begin(info.Timestamp.Utc.UtcDateTime, info.LogLevel, info.EventId);
        line.Message(log.ToString());
        line.Parameters(log);
        if (info.Exception is { } exception)
        {
            line.Exception(exception);
        }

        log.Return();
        _ = Buffer.TryAppend(line.End());
    }

    /// <summary>Writes the buffered records, for at most <see cref="LogBuffer.DisposeTimeout"/>.</summary>
    public void Dispose() => Buffer.Dispose();

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    /// <summary>Formats the record or a message of a connection, without allocating.</summary>
    [SkipLocalsInit]
    private void Post<TState>(LogLevel level, EventId eventId, ref TState state)
    {
        var line = new LogLine(stackalloc byte[ConnectionBytes], _format, _hasPriorities);
        line.Begin(_time.GetUtcNow().UtcDateTime, level, eventId);
        if (typeof(TState) == typeof(ConnectionRecord))
        {
            line.Connection(in Unsafe.As<TState, ConnectionRecord>(ref state));
        }
        else
        {
            line.Connection(in Unsafe.As<TState, ConnectionMessage>(ref state));
        }

        _ = Buffer.TryAppend(line.End());
    }

    [SkipLocalsInit]
    private byte[] DescribeDropped(long count)
    {
        var line = new LogLine(stackalloc byte[ConnectionBytes], _format, _hasPriorities);
        line.Begin(_time.GetUtcNow().UtcDateTime, LogLevel.Warning, RecordsDropped);
        line.Message(string.Create(CultureInfo.InvariantCulture, $"dropped {count} log records"));
        return line.End().ToArray();
    }

    private static Errno WriteToStandardError(ReadOnlySpan<byte> bytes, out int written) =>
        StandardStreams.WriteAll(StandardStreams.Error, bytes, out written);
}
