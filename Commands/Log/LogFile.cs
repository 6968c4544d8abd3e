using System;
using System.IO;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// The file of <c>--log-file</c>. After it was opened, only the thread of the log uses it. While it can't be reopened the records go to
/// the file that is open.
/// </summary>
internal sealed class LogFile
{
    private const int RetryIntervalMs = 1000;

    private readonly string _path;
    private nint _handle;
    private bool _mustReopen;
    private long _nextAttemptMs;

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

    /// <summary>Writes records.</summary>
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
            _ = CommandRunner.Fail(Problem(_path, error));
        }
    }

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
