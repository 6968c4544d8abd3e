using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>A function in a chain that makes a <typeparamref name="TNext"/> of a <typeparamref name="T"/>.</summary>
internal abstract class TypedLink<T, TNext> : ChainLink
{
    /// <summary>The handle of the next type; null if the type stays the same.</summary>
    public Deferred<TNext>? Target { get; set; }

    internal sealed override Deferred? Run(Deferred source)
    {
        Deferred<T> from = Unsafe.As<Deferred<T>>(source);
        if (from.HasFailed ? !TakesFailures : !TakesValues)
        {
            return Target is null ? null : from.PassFailureOn(Target);
        }

        Outcome<TNext> outcome;
        try
        {
            outcome = Call(from.HasFailed ? new Outcome<T>(from.TakeFailure()) : new Outcome<T>(from.PeekValue));
        }
        catch (Exception exception)
        {
            outcome = new Outcome<TNext>(new Failure(exception));
        }

        if (Target is null)
        {
            Unsafe.As<Deferred<TNext>>(source).Accept(outcome);
            return null;
        }

        return from.PassOn(Target, outcome);
    }

    private protected virtual bool TakesValues => true;

    private protected virtual bool TakesFailures => false;

    private protected abstract Outcome<TNext> Call(Outcome<T> outcome);
}

/// <summary>The most common link: it makes no <see cref="Outcome{T}"/>.</summary>
internal sealed class SameCallback<T>(Func<T, T> function) : ChainLink
{
    internal override Deferred? Run(Deferred source)
    {
        Deferred<T> from = Unsafe.As<Deferred<T>>(source);
        if (!from.HasFailed)
        {
            try
            {
                from.PeekValue = function(from.PeekValue);
            }
            catch (Exception exception)
            {
                from.AcceptException(exception);
            }
        }

        return null;
    }
}

internal sealed class ValueCallback<T, TNext>(Func<T, TNext> function) : TypedLink<T, TNext>
{
    private protected override Outcome<TNext> Call(Outcome<T> outcome) => new(function(outcome.ValueOrDefault));
}

internal sealed class DeferredCallback<T, TNext>(Func<T, Deferred<TNext>> function) : TypedLink<T, TNext>
{
    private protected override Outcome<TNext> Call(Outcome<T> outcome) =>
        new(function(outcome.ValueOrDefault) ?? throw Deferred.NullReturned());
}

internal sealed class OutcomeCallback<T, TNext>(Func<T, Outcome<TNext>> function) : TypedLink<T, TNext>
{
    private protected override Outcome<TNext> Call(Outcome<T> outcome) => function(outcome.ValueOrDefault);
}

internal sealed class StateCallback<TState, T, TNext>(TState state, Func<TState, T, Outcome<TNext>> function)
    : TypedLink<T, TNext>
{
    private protected override Outcome<TNext> Call(Outcome<T> outcome) => function(state, outcome.ValueOrDefault);
}

internal sealed class ActionCallback<T>(Action<T> action) : TypedLink<T, T>
{
    private protected override Outcome<T> Call(Outcome<T> outcome)
    {
        action(outcome.ValueOrDefault);
        return default;
    }
}

internal sealed class Errback<T>(Func<Failure, Outcome<T>> function) : TypedLink<T, T>
{
    private protected override bool TakesValues => false;

    private protected override bool TakesFailures => true;

    private protected override Outcome<T> Call(Outcome<T> outcome) => function(outcome.Failure!);
}

internal sealed class OutcomeBoth<T, TNext>(Func<Outcome<T>, Outcome<TNext>> function) : TypedLink<T, TNext>
{
    private protected override bool TakesFailures => true;

    private protected override Outcome<TNext> Call(Outcome<T> outcome) => function(outcome);
}

internal sealed class ActionBoth<TState, T>(TState state, Action<TState, Outcome<T>> action) : TypedLink<T, T>
{
    private protected override bool TakesFailures => true;

    private protected override Outcome<T> Call(Outcome<T> outcome)
    {
        action(state, outcome);
        return default;
    }
}
