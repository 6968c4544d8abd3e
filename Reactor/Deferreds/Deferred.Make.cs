using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <content>Makes deferreds that have a result, or a canceller with a state, or that wait for others.</content>
public abstract partial class Deferred
{
    /// <summary>Makes a deferred that has fired with a value. There is nothing left to cancel.</summary>
    public static Deferred<T> Succeed<T>(T value)
    {
        var deferred = new Deferred<T>();
        deferred.FireValue(value);
        return deferred;
    }

    /// <summary>Makes a deferred that has failed. There is nothing left to cancel.</summary>
    public static Deferred<T> Fail<T>(Failure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        var deferred = new Deferred<T>();
        deferred.FireFailure(failure);
        return deferred;
    }

    /// <summary>Makes a deferred that has failed. There is nothing left to cancel.</summary>
    public static Deferred<T> Fail<T>(Exception exception) => Fail<T>(new Failure(exception));

    /// <summary>Makes a deferred that has not fired, with a canceller that has a state, so nothing has to be captured.</summary>
    /// <param name="state">The first argument of the canceller.</param>
    /// <param name="canceller">The canceller: see <see cref="Deferred{T}(Action{Deferred{T}})"/>. Cancelling stops the
    /// operation if the canceller stops it.</param>
    public static Deferred<T> WithCanceller<TState, T>(TState state, Action<TState, Deferred<T>> canceller)
    {
        ArgumentNullException.ThrowIfNull(canceller);
        return new Deferred<T>(new Canceller<TState, T>(state, canceller));
    }

    /// <summary>Calls a function that may or may not be asynchronous, and returns a deferred in every case.</summary>
    /// <param name="function">If it returns a deferred, this method returns the same object. If it returns a value or a
    /// failure, or throws, this method returns a deferred that has fired with that.</param>
    /// <returns>A deferred. Cancelling it cancels the deferred of the function, if there was one.</returns>
    public static Deferred<T> MaybeDeferred<T>(Func<Outcome<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        try
        {
            Outcome<T> outcome = function();
            return outcome.Deferred ?? (outcome.Failure is { } failure ? Fail<T>(failure) : Succeed(outcome.Value));
        }
        catch (Exception exception)
        {
            return Fail<T>(exception);
        }
    }

    /// <summary>As <see cref="MaybeDeferred{T}(Func{Outcome{T}})"/>, for a function that returns a deferred or throws.</summary>
    [OverloadResolutionPriority(1)]
    public static Deferred<T> MaybeDeferred<T>(Func<Deferred<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return MaybeDeferred<T>(() => new Outcome<T>(function() ?? throw NullReturned()));
    }

    /// <summary>As <see cref="MaybeDeferred{T}(Func{Outcome{T}})"/>, for a function that returns a deferred without a value,
    /// such as an <c>async</c> lambda.</summary>
    [OverloadResolutionPriority(1)]
    public static Deferred MaybeDeferred(Func<Deferred> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        try
        {
            return function() ?? throw NullReturned();
        }
        catch (Exception exception)
        {
            return Fail<Unit>(exception);
        }
    }

    /// <summary>As <see cref="MaybeDeferred{T}(Func{Outcome{T}})"/>, for a function that returns a value or throws.</summary>
    public static Deferred<T> MaybeDeferred<T>(Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return MaybeDeferred<T>(() => new Outcome<T>(function()));
    }

    /// <summary>Waits for deferreds of any types: see <see cref="DeferredList{T}"/>.</summary>
    /// <returns>A deferred that fires with the outcomes, in the order of the members. Cancelling it cancels them all.</returns>
    public static DeferredList<object?> ListOf(params Deferred[] members) =>
        new((Deferred[])[.. members], fireOnOneCallback: false, fireOnOneErrback: false, consumeErrors: false);

    /// <summary>Waits until all members have succeeded, or one has failed.</summary>
    /// <param name="members">The members. The same one may occur several times. Without members, the deferred fires at
    /// once.</param>
    /// <param name="consumeErrors">True if the failures of members count as handled.</param>
    /// <returns>A deferred that fires with the values in the order of the members, or fails with <see cref="FirstError"/>.
    /// Cancelling it cancels all members.</returns>
    public static Deferred<T[]> GatherResults<T>(IEnumerable<Deferred<T>> members, bool consumeErrors = false) =>
        new GatheredResults<T>((Deferred[])[.. members], consumeErrors);

    /// <summary>Waits for the first deferred that succeeds, and cancels the others.</summary>
    /// <param name="runners">One or more deferreds. Their failures count as handled.</param>
    /// <returns>A deferred that fires with the index and the value of the winner, or fails with <see cref="FailureGroup"/> if
    /// all failed. Cancelling it cancels all of them.</returns>
    /// <exception cref="ArgumentException">There is no deferred.</exception>
    public static Deferred<(int Index, T Value)> Race<T>(IEnumerable<Deferred<T>> runners)
    {
        Deferred[] all = [.. runners];
        if (all.Length == 0)
        {
            throw new ArgumentException("a race of no deferreds would never end", nameof(runners));
        }

        return new DeferredRace<T>(all);
    }

    /// <summary>Makes the exception for a function that returned null where it has to return a deferred.</summary>
    internal static InvalidOperationException NullReturned() => new("a function returned null instead of a deferred");

    /// <summary>Calls a function whose result is not used elsewhere: a failure of its deferred is reported at once.</summary>
    internal static void Run(Func<Deferred> function)
    {
        Deferred deferred = function() ?? throw NullReturned();
        _ = deferred.AddErrback(static failure => UnhandledFailures.Current.Report("Unhandled error in Deferred", failure));
    }
}
