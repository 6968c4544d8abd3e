using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <content>
/// Functions that do not need the value, for any deferred, such as that of an <c>async Deferred</c> method. They return
/// nothing and leave the default value.
/// </content>
public abstract partial class Deferred
{
    /// <summary>Adds a function for success.</summary>
    public Deferred AddCallback(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return AddUntyped(_ => Void(action), onValue: true, onFailure: false);
    }

    /// <summary>Adds a function for success that returns a deferred, which is waited for, such as an <c>async</c>
    /// lambda.</summary>
    /// <param name="function">Returns the deferred to wait for, whose failure becomes the failure of the chain; null if there
    /// is nothing to wait for.</param>
    [OverloadResolutionPriority(1)]
    public Deferred AddCallback(Func<Deferred?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddUntyped(_ => function(), onValue: true, onFailure: false);
    }

    /// <summary>Adds a function for failure that returns a deferred, which is waited for, such as an <c>async</c>
    /// lambda.</summary>
    [OverloadResolutionPriority(1)]
    public Deferred AddErrback(Func<Failure, Deferred?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddUntyped(failure => function(failure!), onValue: false, onFailure: true);
    }

    /// <summary>Adds a function for both success and failure that returns a deferred, which is waited for. A failure counts
    /// as handled.</summary>
    [OverloadResolutionPriority(1)]
    public Deferred AddBoth(Func<Deferred?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return AddUntyped(_ => function(), onValue: true, onFailure: true);
    }

    /// <summary>Adds a function for failure.</summary>
    /// <param name="action">Gets the failure, which then counts as handled.</param>
    public Deferred AddErrback(Action<Failure> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new ActionErrback(action));
        return this;
    }

    /// <summary>Adds a function for both success and failure. A failure counts as handled.</summary>
    public Deferred AddBoth(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return AddUntyped(_ => Void(action), onValue: true, onFailure: true);
    }

    /// <summary>Adds a function that leaves no value.</summary>
    /// <param name="function">Gets the failure, or null for a value. Returns a deferred to wait for, or null.</param>
    /// <param name="onValue">True if it is called for a value.</param>
    /// <param name="onFailure">True if it is called for a failure, which then counts as handled.</param>
    private protected Deferred AddUntyped(Func<Failure?, Deferred?> function, bool onValue, bool onFailure)
    {
        AddLink(new UntypedFunction(function, onValue, onFailure));
        return this;
    }

    private static Deferred? Void(Action action)
    {
        action();
        return null;
    }

    private abstract class UntypedLink : ChainLink
    {
        internal sealed override Deferred? Run(Deferred source)
        {
            bool failed = (source._state & Failed) != 0;
            if (Takes(failed))
            {
                try
                {
                    source.Accept(Call(failed ? source.TakeFailure() : null), WaitsForVoid);
                }
                catch (Exception exception)
                {
                    source.AcceptException(exception);
                }
            }

            return null;
        }

        private protected abstract bool Takes(bool failed);

        private protected abstract Deferred? Call(Failure? failure);
    }

    private sealed class ActionErrback(Action<Failure> action) : UntypedLink
    {
        private protected override bool Takes(bool failed) => failed;

        private protected override Deferred? Call(Failure? failure)
        {
            action(failure!);
            return null;
        }
    }

    private sealed class UntypedFunction(Func<Failure?, Deferred?> function, bool onValue, bool onFailure) : UntypedLink
    {
        private protected override bool Takes(bool failed) => failed ? onFailure : onValue;

        private protected override Deferred? Call(Failure? failure) => function(failure);
    }
}
