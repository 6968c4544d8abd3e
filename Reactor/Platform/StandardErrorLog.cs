using System;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Poetry.Net;

/// <summary>
/// The log of a reactor that was given none: warnings and errors on standard error, with stack traces, so that no error is
/// silent. It writes with the system call, since the console class of .NET hides errors of writing and costs start-up time.
/// </summary>
/// <remarks>Crosses threads: reactors on several threads share it; what they share is whether the reader is stuck.</remarks>
internal sealed class StandardErrorLog : ILogger
{
    private const int StandardError = 2;

    /// <summary>Chosen: a reader that is only slow has read by then, and no other callback waits longer.</summary>
    private const int MaxWaitMs = 100;

    /// <summary>A pipe that poll(2) reports as writable takes so much without blocking: PIPE_BUF of Linux, pipe(7).</summary>
    private const int MaxWriteBytes = 4096;

    /// <summary>True if the reader has taken nothing for that long: then it is not waited for again until it does.</summary>
    private static volatile bool _isStuck;

    public static StandardErrorLog Instance { get; } = new();

    /// <summary>Writes a line, and an exception after it. A reader that takes nothing holds the caller up once, for
    /// <see cref="MaxWaitMs"/>; what it does not take is dropped, as is the rest after an error.</summary>
    public static void Write(string message, Exception? exception)
    {
        byte[] text = Encoding.UTF8.GetBytes(exception is null ? $"{message}\n" : $"{message}: {exception}\n");
        _isStuck = TryWrite(StandardError, text, _isStuck ? 0 : MaxWaitMs) == Errno.EAGAIN;
    }

    /// <summary>Writes to a descriptor that may block, waiting so long for each piece that the reader has no room for.</summary>
    /// <returns><see cref="Errno.EAGAIN"/> after the time-out.</returns>
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
