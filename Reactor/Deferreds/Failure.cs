using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Poetry.Net;

/// <summary>
/// An error as a value that can be kept and passed on: Twisted's <c>Failure</c>. The errbacks of a <see cref="Deferred"/> get
/// one, and a protocol gets one as the reason when it loses its connection. It is immutable, so one failure may be held in
/// many places.
/// </summary>
/// <remarks>
/// There are two kinds. An ordinary failure holds one exception with its stack. A shared failure
/// (<see cref="Shared"/>) represents a common event, such as a peer that closes its connection: passing it on
/// costs nothing. It makes a new exception for each request, because the stack trace of an exception that is
/// thrown many times grows without end.
/// </remarks>
public sealed class Failure
{
    /// <summary>The failure of a deferred that was cancelled and was not fired by its canceller.</summary>
    internal static readonly Failure Cancelled = Shared(static () => new CancelledError());

    /// <summary>The exception. In a shared failure it only gives the type and the message: it is never thrown.</summary>
    private readonly Exception _sample;
    private readonly Func<Exception>? _make;
    private ExceptionDispatchInfo? _stack;

    /// <summary>Wraps an exception, which may or may not have been thrown.</summary>
    /// <param name="exception">The exception. Its stack trace, if it has one, is not changed.</param>
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
    /// <param name="make">Makes the exception. It is called once now, to get the type, and then each time that
    /// <see cref="Exception"/> is read. <see cref="Check{TException}"/> does not call it.</param>
    internal static Failure Shared(Func<Exception> make) => new(make);

    /// <summary>True if the exception is of this type. Nothing is thrown or allocated.</summary>
    public bool Check<TException>()
        where TException : Exception => _sample is TException;

    /// <summary>
    /// Returns the exception if it is of this type; if not, throws it to the next errback. Use it in an errback that handles
    /// one type of failure. Throwing costs microseconds: if other types are common, use <see cref="Check{TException}"/> and
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
    /// Throws the exception. Its stack trace is the one that it had when it was caught, followed by this place, each time it is
    /// thrown from here.
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
