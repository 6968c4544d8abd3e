using System.Text;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// The file of <c>--log-file</c>. Once it is open, only the writing thread uses it. While it can't be reopened, the records go to
/// the file that is open. Problems are printed to standard error, if that is possible without waiting.
/// </summary>
internal sealed class LogFile
{
    private const int RetryIntervalMs = 1000;

    /// <summary>The minimum time between two reports of a failure: a nearly full disk takes some records and refuses others,
    /// again and again.</summary>
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
    /// <exception cref="IOException">The file can't be opened.</exception>
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

    /// <summary>Opens the path again, because the file was moved. A failure is reported on standard error, and later writes try
    /// again.</summary>
    public void Reopen()
    {
        Errno error = TryReopen();
        if (error != Errno.None)
        {
            Print(Problem(_path, error));
        }
    }

    /// <summary>Reports that writing begins to fail, and that it works again.</summary>
    /// <param name="error">The result of a write.</param>
    /// <param name="dropped">The number of records dropped before it.</param>
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

    /// <summary>Prints a line without waiting: a stuck reader of standard error must not stop the log.</summary>
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
