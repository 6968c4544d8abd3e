using System.Text;
using Microsoft.Extensions.Logging;

namespace Poetry.Net;

/// <summary>
/// The default log of a reactor: warnings and errors on standard error, with stack traces, so that no error is silent. It uses
/// the system call, since .NET's console class hides write errors and costs start-up time.
/// </summary>
/// <remarks>Crosses threads: reactors on several threads share it; the only shared state is whether the reader is stuck.</remarks>
internal sealed class StandardErrorLog : ILogger
{
    private const int StandardError = 2;

    /// <summary>The maximum wait for a reader. Chosen: a slow reader has read by then, and no other callback waits longer.</summary>
    private const int MaxWaitMs = 100;

    /// <summary>The bytes that a pipe accepts without blocking if poll(2) reports it as writable: PIPE_BUF of Linux, pipe(7).</summary>
    private const int MaxWriteBytes = 4096;

    /// <summary>True if the reader has read nothing for that time. Until it reads again, no line waits for it.</summary>
    private static volatile bool _isStuck;

    public static StandardErrorLog Instance { get; } = new();

    /// <summary>Writes a line, and an exception after it. A stuck reader blocks the caller once, for <see cref="MaxWaitMs"/>.
    /// The text that the reader does not accept is dropped, as is the rest after an error.</summary>
    public static void Write(string message, Exception? exception)
    {
        byte[] text = Encoding.UTF8.GetBytes(exception is null ? $"{message}\n" : $"{message}: {exception}\n");
        _isStuck = TryWrite(StandardError, text, _isStuck ? 0 : MaxWaitMs) == Errno.EAGAIN;
    }

    /// <summary>Writes to a descriptor that may block. For each piece it waits for the reader until the timeout.</summary>
    /// <returns><see cref="Errno.EAGAIN"/> after the timeout.</returns>
    internal static Errno TryWrite(nint handle, ReadOnlySpan<byte> text, int timeoutMs)
    {
        Errno error = Errno.None;
        while (!text.IsEmpty && error == Errno.None)
        {
            error = NativeFile.WaitWritable(handle, timeoutMs);
            if (error == Errno.None)
            {
                error = NativeFile.Write(handle, text[..Math.Min(text.Length, MaxWriteBytes)], out int written);
                text = text[Math.Max(written, 0)..];
            }
        }

        return error;
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Warning and < LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            Write(formatter(state, exception), exception);
        }
    }
}
