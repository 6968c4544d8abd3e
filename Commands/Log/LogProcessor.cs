using System;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;
using Poetry.Protocols;
using ZLogger;

namespace Poetry.Commands;

/// <summary>
/// Formats each record on the thread that logs it, one line a record, and appends it to a bounded buffer that another thread writes:
/// no caller ever waits for the reader of the log. Any thread may post.
/// </summary>
/// <remarks>
/// ZLogger's own stream provider is not used: when it drops records it does not count them, and a reader that blocks keeps it from ending.
/// </remarks>
internal sealed class LogProcessor : IAsyncLogProcessor, IDisposable
{
    /// <summary>Space for the record of a connection: its longest texts, each byte of them escaped, and numbers.</summary>
    private const int ConnectionBytes = 4096;

    /// <summary>Space for any other record; a stack trace may be longer, and is cut.</summary>
    private const int MessageBytes = 16 * 1024;

    private static readonly EventId RecordsDropped = new(60, "log_records_dropped");

    private readonly LogFormat _format;
    private readonly bool _hasPriorities;
    private readonly LogBuffer _buffer;

    /// <summary>Creates a processor; its thread starts with the first record.</summary>
    /// <param name="write">Writes to the destination, on the thread of the buffer.</param>
    /// <param name="format">Text or JSON.</param>
    /// <param name="time">The wall clock.</param>
    /// <param name="hasPriorities">True if each line begins with its priority, as systemd's journal reads it: <c>&lt;6&gt;</c>.</param>
    /// <param name="file">The file that <paramref name="write"/> writes to; null for none.</param>
    public LogProcessor(LogWriter write, LogFormat format, TimeProvider time, bool hasPriorities, LogFile? file = null)
    {
        _format = format;
        _hasPriorities = hasPriorities;
        _buffer = new LogBuffer(write, DescribeDropped)
        {
            Reopening = file is null ? null : file.Reopen,
            Written = file is null ? null : file.Written,
        };
        Time = time;
    }

    /// <summary>The wall clock.</summary>
    public TimeProvider Time { get; }

    /// <inheritdoc cref="LogBuffer.Dropped"/>
    public long Dropped => _buffer.Dropped;

    /// <summary>Waits until all records are written.</summary>
    /// <returns>False after a timeout.</returns>
    public bool Flush(TimeSpan timeout) => _buffer.Flush(timeout);

    /// <summary>Has the destination opened again, in a moment.</summary>
    public void Reopen() => _buffer.Reopen();

    /// <summary>Formats a record and gives the entry back to ZLogger.</summary>
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
        _ = _buffer.TryAppend(line.End());
    }

    /// <summary>Formats the record of a connection, without garbage.</summary>
    [SkipLocalsInit]
    public void Post(LogLevel level, EventId eventId, in ConnectionRecord record)
    {
        var line = new LogLine(stackalloc byte[ConnectionBytes], _format, _hasPriorities);
        line.Begin(Time.GetUtcNow().UtcDateTime, level, eventId);
        line.Connection(in record);
        _ = _buffer.TryAppend(line.End());
    }

    /// <summary>Formats a message of a connection, without garbage.</summary>
    [SkipLocalsInit]
    public void Post(LogLevel level, EventId eventId, in ConnectionMessage message)
    {
        var line = new LogLine(stackalloc byte[ConnectionBytes], _format, _hasPriorities);
        line.Begin(Time.GetUtcNow().UtcDateTime, level, eventId);
        line.Connection(in message);
        _ = _buffer.TryAppend(line.End());
    }

    /// <inheritdoc cref="LogBuffer.DisposeTimeout"/>
    public TimeSpan DisposeTimeout
    {
        get => _buffer.DisposeTimeout;
        set => _buffer.DisposeTimeout = value;
    }

    /// <summary>Writes what is buffered, for at most <see cref="DisposeTimeout"/>.</summary>
    public void Dispose() => _buffer.Dispose();

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    [SkipLocalsInit]
    private byte[] DescribeDropped(long count)
    {
        var line = new LogLine(stackalloc byte[ConnectionBytes], _format, _hasPriorities);
        line.Begin(Time.GetUtcNow().UtcDateTime, LogLevel.Warning, RecordsDropped);
        line.Message(string.Create(CultureInfo.InvariantCulture, $"dropped {count} log records"));
        return line.End().ToArray();
    }
}
