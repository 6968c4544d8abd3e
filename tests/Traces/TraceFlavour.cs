using Poetry.Net;

namespace Poetry.Tests.Traces;

/// <summary>
/// The type that a program is replayed on. The program speaks of objects; a flavour says how they look in deferreds of
/// <typeparamref name="T"/>, and how a function is added to one.
/// </summary>
internal abstract class TraceFlavour<T>
{
    /// <summary>True if adding a function gives another handle.</summary>
    public virtual bool ChangesType => false;

    public abstract T Wrap(object? value);

    public abstract object? Unwrap(T value);

    public Outcome<T> WrapOutcome(Outcome<object?> outcome) =>
        outcome.Failure is { } failure ? new Outcome<T>(failure) : new Outcome<T>(Wrap(outcome.Value));

    public Outcome<object?> UnwrapOutcome(Outcome<T> outcome) =>
        outcome.Failure is { } failure ? new Outcome<object?>(failure) : new Outcome<object?>(Unwrap(outcome.Value));

    /// <summary>Adds a function that is called with either.</summary>
    /// <returns>The handle to add the next one to.</returns>
    public virtual Deferred<T> AddBoth(Deferred<T> deferred, Func<Outcome<T>, Outcome<T>> function) =>
        deferred.AddBoth(function);

    public virtual Deferred<T> AddCallback(Deferred<T> deferred, Func<T, Outcome<T>> function) =>
        deferred.AddCallback(function);

    public virtual Deferred<T> AddErrback(Deferred<T> deferred, Func<Failure, Outcome<T>> function) =>
        deferred.AddErrback(function);

    public virtual Deferred<T> AddCallbacks(
        Deferred<T> deferred, Func<T, Outcome<T>> callback, Func<Failure, Outcome<T>> errback) =>
        deferred.AddCallbacks(callback, errback);
}

/// <summary>The plain way: a deferred of objects.</summary>
internal class ObjectFlavour : TraceFlavour<object?>
{
    public override object? Wrap(object? value) => value;

    public override object? Unwrap(object? value) => value;
}

/// <summary>For programs in which every function is called with an int: nothing is boxed. What is left where a result was
/// taken is 0.</summary>
internal sealed class IntFlavour : TraceFlavour<int>
{
    public override int Wrap(object? value) => value is null ? 0 : (int)value;

    public override object? Unwrap(int value) => value;
}

/// <summary>
/// Every function changes the type of its chain, and a second link changes it back: the same programs have to come to the
/// same traces over two handles a function.
/// </summary>
internal sealed class ChangingFlavour : ObjectFlavour
{
    public override bool ChangesType => true;

    public override Deferred<object?> AddBoth(Deferred<object?> deferred, Func<Outcome<object?>, Outcome<object?>> function) =>
        Back(deferred.AddBoth(outcome => There(function(outcome))));

    public override Deferred<object?> AddCallback(Deferred<object?> deferred, Func<object?, Outcome<object?>> function) =>
        Back(deferred.AddCallback(value => There(function(value))));

    public override Deferred<object?> AddCallbacks(
        Deferred<object?> deferred, Func<object?, Outcome<object?>> callback, Func<Failure, Outcome<object?>> errback) =>
        Back(deferred.AddCallbacks(value => There(callback(value)), failure => There(errback(failure))));

    private static Outcome<Box> There(Outcome<object?> outcome) =>
        outcome.Deferred is { } deferred ? new Outcome<Box>(new BoxOf(deferred)) : outcome.Failure is { } failure
            ? new Outcome<Box>(failure)
            : new Outcome<Box>(new Box(outcome.Value));

    /// <summary>Unpacks the value; if it is a deferred, that is waited for here.</summary>
    private static Deferred<object?> Back(Deferred<Box> boxed) =>
        boxed.AddCallback(box => box is BoxOf inner ? new Outcome<object?>(inner.Deferred) : new Outcome<object?>(box.Value));

    private record Box(object? Value);

    private sealed record BoxOf(Deferred<object?> Deferred) : Box((object?)null);
}
