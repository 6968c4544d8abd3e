using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Poetry.Net;

/// <summary>
/// What went wrong, as a value that can be kept, handed on and asked about: Twisted's <c>Failure</c>. It travels down the
/// errbacks of a <see cref="Deferred"/> and is the reason given to whoever loses a connection. Immutable, so one failure
/// may be held in many places.
/// </summary>
/// <remarks>
/// There are two sorts. An ordinary failure holds one exception with the stack it was thrown on. A shared one
/// (<see cref="Shared{TException}"/>) stands for an end that is part of every day, like a peer that hangs up: handing it
/// out costs nothing, and it makes a new exception each time it is asked for one, since the stack trace of one exception
/// thrown again and again grows without end.
/// </remarks>
public sealed class Failure
{
    /// <summary>What every deferred is given that is cancelled and has nothing better to say.</summary>
    internal static readonly Failure Cancelled = Shared(static () => new CancelledError());

    /// <summary>The exception; of a shared failure one that is never thrown nor handed out, there to be asked its type.</summary>
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

    /// <summary>The exception; of a shared failure a new one each time.</summary>
    public Exception Exception => _make is null ? _sample : _make();

    /// <summary>What the exception says; of a shared failure without making one.</summary>
    public string Message => _sample.Message;

    /// <summary>The class of the exception; of a shared failure without making one.</summary>
    public Type ExceptionType => _sample.GetType();

    /// <summary>Makes a failure that any number of deferreds and connections may end with, for nothing.</summary>
    /// <param name="make">Makes the exception. It is called once now, to learn the type, and then each time that somebody
    /// wants the exception itself; asking <see cref="Check{TException}"/> makes none.</param>
    public static Failure Shared<TException>(Func<TException> make)
        where TException : Exception
    {
        ArgumentNullException.ThrowIfNull(make);
        return new Failure(make);
    }

    /// <summary>Is it one of these? Nothing is thrown and nothing allocated to find out.</summary>
    public bool Check<TException>()
        where TException : Exception => _sample is TException;

    /// <summary>
    /// For an errback that can deal with one kind of failure: gives the exception if it is of that kind, and throws it on
    /// to the next errback if not. Throwing costs microseconds: where other kinds are common, ask
    /// <see cref="Check{TException}"/> and return the failure as it is.
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
    /// Throws the exception with the stack it had when it was caught, to which this place is added. However often it is
    /// thrown from here, its stack trace starts from that one each time.
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

    /// <summary>The exception with its message and its stack, over several lines.</summary>
    public override string ToString() => _sample.ToString();
}
