using System;
using System.IO;
using System.Text;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The file of <c>--log-file</c>. After it was opened, only the thread of the log uses it. While it can't be reopened the records go to
/// the file that is open. What goes wrong is said on standard error, if there is space for it now.
/// </summary>
internal sealed class LogFile
{
    private const int RetryIntervalMs = 1000;

    /// <summary>A disk that is nearly full takes some records and refuses others: two lines in this time are enough to know.</summary>
    private const int FailureIntervalMs = 10_000;

    private readonly string _path;
    private nint _handle;
    private bool _mustReopen;
    private long _nextAttemptMs;
    private long _nextFailureMs;
    private bool _isFailing;

    private LogFile(string path, nint handle)
    {
        _path = path;
        _handle = handle;
    }

    /// <summary>Opens or creates the file.</summary>
    /// <exception cref="IOException">That is not possible.</exception>
    public static LogFile Open(string path)
    {
        Errno error = NativeFile.OpenForAppending(path, out nint handle);
        return error == Errno.None ? new LogFile(path, handle) : throw new IOException(Problem(path, error));
    }

    public Errno Write(ReadOnlySpan<byte> bytes, out int written)
    {
        if (_mustReopen && Environment.TickCount64 >= _nextAttemptMs)
        {
            _ = TryReopen();
        }

        return StandardStreams.WriteAll(_handle, bytes, out written);
    }

    /// <summary>Opens the path again, because the file was moved. A failure is reported on standard error, and tried again.</summary>
    public void Reopen()
    {
        Errno error = TryReopen();
        if (error != Errno.None)
        {
            Print(Problem(_path, error));
        }
    }

    /// <summary>Says when writing begins to fail, and when it works again.</summary>
    /// <param name="error">The result of a write.</param>
    /// <param name="dropped">How many records were dropped before it.</param>
    public void Written(Errno error, long dropped)
    {
        if (error == Errno.None && _isFailing)
        {
            _isFailing = false;
            Print($"writing log file {_path} works again, {dropped} records were dropped");
        }
        else if (error != Errno.None && !_isFailing && Environment.TickCount64 >= _nextFailureMs)
        {
            _isFailing = true;
            _nextFailureMs = Environment.TickCount64 + FailureIntervalMs;
            Print($"cannot write log file {_path}: {error.Sentence()}");
        }
    }

    /// <summary>Never waits: a reader of standard error that is stuck must not stop the log.</summary>
    private static void Print(string text) =>
        _ = StandardStreams.WriteNow(StandardStreams.Error, Encoding.UTF8.GetBytes($"poetry: {TextEscaper.EscapeLine(text)}\n"));

    private static string Problem(string path, Errno error) => $"cannot open log file {path}: {error.Sentence()}";

    private Errno TryReopen()
    {
        Errno error = NativeFile.OpenForAppending(_path, out nint handle);
        _mustReopen = error != Errno.None;
        _nextAttemptMs = Environment.TickCount64 + RetryIntervalMs;
        if (error == Errno.None)
        {
            _ = NativeFile.Close(_handle);
            _handle = handle;
        }

        return error;
    }
}
