using System;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Poetry.Net;

/// <summary>
/// The log of a reactor that was given none: warnings and errors on standard error, with stack traces, so that no error is
/// silent. It writes with the system call, since the console class of .NET hides errors of writing and costs start-up time.
/// </summary>
internal sealed class StandardErrorLog : ILogger
{
    /// <summary>The descriptor of standard error.</summary>
    private const int StandardError = 2;

    public static StandardErrorLog Instance { get; } = new();

    /// <summary>Writes a line, and an exception after it. Runs on the caller's thread, which a blocked reader blocks; after
    /// an error the rest is dropped.</summary>
    public static void Write(string message, Exception? exception)
    {
        byte[] text = Encoding.UTF8.GetBytes(exception is null ? $"{message}\n" : $"{message}: {exception}\n");
        ReadOnlySpan<byte> left = text;
        while (!left.IsEmpty && NativeFile.Write(StandardError, left, out int written) == Errno.None && written > 0)
        {
            left = left[written..];
        }
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
