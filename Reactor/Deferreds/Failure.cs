using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Poetry.Net;

/// <summary>
/// An error as a value that can be kept and passed on: Twisted's <c>Failure</c>. It goes down the errbacks of a
/// <see cref="Deferred"/>, and a protocol gets one as the reason when it loses its connection. Immutable, so one failure may
/// be held in many places.
/// </summary>
/// <remarks>
/// There are two kinds. An ordinary failure holds one exception with its stack. A shared one
/// (<see cref="Shared"/>) stands for a common event, such as a peer that closes its connection: passing it on
/// costs nothing. It makes a new exception each time it is asked for one, because the stack trace of an exception that is
/// thrown again and again grows without end.
/// </remarks>
public sealed class Failure
{
    /// <summary>The failure of a deferred that was cancelled and that its canceller did not fire.</summary>
    internal static readonly Failure Cancelled = Shared(static () => new CancelledError());

    /// <summary>The exception. For a shared failure it is never thrown nor returned; it shows the type.</summary>
    private readonly Exception _sample;
    private readonly Func<Exception>? _make;
    private ExceptionDispatchInfo? _stack;

    /// <summary>Wraps an exception, caught or only made.</summary>
    /// <param name="exception">Its stack trace, if it has one, stays as it is.</param>
    public Failure(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        _sample = exception;
    }

    private Failure(Func<Exception> make)
    {
        _sample = make();
        _make = make;
    }

    /// <summary>The exception; for a shared failure a new one each time.</summary>
    public Exception Exception => _make is null ? _sample : _make();

    /// <summary>The message of the exception. A shared failure makes no exception for this.</summary>
    public string Message => _sample.Message;

    /// <summary>The type of the exception. A shared failure makes no exception for this.</summary>
    public Type ExceptionType => _sample.GetType();

    /// <summary>Makes a failure that any number of deferreds and connections can share without cost.</summary>
    /// <param name="make">Makes the exception. It is called once now, to learn the type, and then each time that
    /// <see cref="Exception"/> is read; <see cref="Check{TException}"/> makes none.</param>
    internal static Failure Shared(Func<Exception> make) => new(make);

    /// <summary>True if the exception is of this type. Nothing is thrown or allocated.</summary>
    public bool Check<TException>()
        where TException : Exception => _sample is TException;

    /// <summary>
    /// For an errback that handles one kind of failure: returns the exception if it is of that kind, and throws it to the next
    /// errback if not. Throwing costs microseconds: where other kinds are common, use <see cref="Check{TException}"/> and
    /// return the failure.
    /// </summary>
    public TException Trap<TException>()
        where TException : Exception
    {
        if (_sample is not TException)
        {
            Throw();
        }

        return (TException)Exception;
    }

    /// <summary>
    /// Throws the exception with the stack that it had when it was caught, followed by this place. The stack trace starts
    /// from that one each time it is thrown from here.
    /// </summary>
    [DoesNotReturn]
    public void Throw()
    {
        if (_make is not null)
        {
            throw _make();
        }

        _stack ??= ExceptionDispatchInfo.Capture(_sample);
        _stack.Throw();
    }

    /// <summary>The exception with its message and its stack, in several lines.</summary>
    public override string ToString() => _sample.ToString();
}
