using System;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>A function in a chain, between a <typeparamref name="T"/> and a <typeparamref name="TNext"/>.</summary>
internal abstract class TypedLink<T, TNext> : ChainLink
{
    /// <summary>The handle of the next type; null while the type stays.</summary>
    public Deferred<TNext>? Target { get; set; }

    internal sealed override Deferred? Run(Deferred source)
    {
        Deferred<T> from = Unsafe.As<Deferred<T>>(source);
        Outcome<TNext> outcome;
        try
        {
            if (!from.HasFailed)
            {
                outcome = OnValue(from.PeekValue);
            }
            else if (TakesFailures)
            {
                outcome = OnFailure(from.TakeFailure());
            }
            else
            {
                return Target is null ? null : from.PassFailureOn(Target);
            }
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

    private protected virtual bool TakesFailures => false;

    private protected abstract Outcome<TNext> OnValue(T value);

    private protected virtual Outcome<TNext> OnFailure(Failure failure) => new(failure);
}

/// <summary>A function in a chain for failures only, so the type stays.</summary>
internal abstract class ErrbackLink<T> : ChainLink
{
    internal sealed override Deferred? Run(Deferred source)
    {
        Deferred<T> from = Unsafe.As<Deferred<T>>(source);
        if (from.HasFailed)
        {
            Outcome<T> outcome;
            try
            {
                outcome = OnFailure(from.TakeFailure());
            }
            catch (Exception exception)
            {
                outcome = new Outcome<T>(new Failure(exception));
            }

            from.Accept(outcome);
        }

        return null;
    }

    private protected abstract Outcome<T> OnFailure(Failure failure);
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
    private protected override Outcome<TNext> OnValue(T value) => new(function(value));
}

internal sealed class DeferredCallback<T, TNext>(Func<T, Deferred<TNext>> function) : TypedLink<T, TNext>
{
    private protected override Outcome<TNext> OnValue(T value) => new(function(value) ?? throw Deferred.NullReturned());
}

/// <summary>A function that returns a deferred whose value is not needed, such as an <c>async</c> lambda.</summary>
internal sealed class VoidCallback<T>(Func<T, Deferred?> function) : ChainLink
{
    internal override Deferred? Run(Deferred source)
    {
        Deferred<T> from = Unsafe.As<Deferred<T>>(source);
        if (!from.HasFailed)
        {
            try
            {
                from.AcceptVoid(function(from.PeekValue));
            }
            catch (Exception exception)
            {
                from.AcceptException(exception);
            }
        }

        return null;
    }
}

/// <summary>As <see cref="VoidCallback{T}"/>, for values and failures.</summary>
internal sealed class VoidBoth<T>(Func<Outcome<T>, Deferred?> function) : ChainLink
{
    internal override Deferred? Run(Deferred source)
    {
        Deferred<T> from = Unsafe.As<Deferred<T>>(source);
        try
        {
            Outcome<T> outcome = from.HasFailed ? new Outcome<T>(from.TakeFailure()) : new Outcome<T>(from.PeekValue);
            from.AcceptVoid(function(outcome));
        }
        catch (Exception exception)
        {
            from.AcceptException(exception);
        }

        return null;
    }
}

internal sealed class OutcomeCallback<T, TNext>(Func<T, Outcome<TNext>> function) : TypedLink<T, TNext>
{
    private protected override Outcome<TNext> OnValue(T value) => function(value);
}

internal sealed class StateCallback<TState, T, TNext>(TState state, Func<TState, T, Outcome<TNext>> function)
    : TypedLink<T, TNext>
{
    private protected override Outcome<TNext> OnValue(T value) => function(state, value);
}

internal sealed class ActionCallback<T>(Action<T> action) : TypedLink<T, T>
{
    private protected override Outcome<T> OnValue(T value)
    {
        action(value);
        return default;
    }
}

internal sealed class ValueErrback<T>(Func<Failure, T> function) : ErrbackLink<T>
{
    private protected override Outcome<T> OnFailure(Failure failure) => new(function(failure));
}

internal sealed class DeferredErrback<T>(Func<Failure, Deferred<T>> function) : ErrbackLink<T>
{
    private protected override Outcome<T> OnFailure(Failure failure) => new(function(failure) ?? throw Deferred.NullReturned());
}

internal sealed class OutcomeErrback<T>(Func<Failure, Outcome<T>> function) : ErrbackLink<T>
{
    private protected override Outcome<T> OnFailure(Failure failure) => function(failure);
}

internal sealed class OutcomeBoth<T, TNext>(Func<Outcome<T>, Outcome<TNext>> function) : TypedLink<T, TNext>
{
    private protected override bool TakesFailures => true;

    private protected override Outcome<TNext> OnValue(T value) => function(new Outcome<T>(value));

    private protected override Outcome<TNext> OnFailure(Failure failure) => function(new Outcome<T>(failure));
}

internal sealed class ActionBoth<TState, T>(TState state, Action<TState, Outcome<T>> action) : TypedLink<T, T>
{
    private protected override bool TakesFailures => true;

    private protected override Outcome<T> OnValue(T value) => Call(new Outcome<T>(value));

    private protected override Outcome<T> OnFailure(Failure failure) => Call(new Outcome<T>(failure));

    private Outcome<T> Call(Outcome<T> outcome)
    {
        action(state, outcome);
        return default;
    }
}
