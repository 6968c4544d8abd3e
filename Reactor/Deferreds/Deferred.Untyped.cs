using System;

namespace Poetry.Net;

/// <summary>
/// Functions for whom the value is all one, or that are added to a deferred without one, like that of an <c>async Deferred</c>
/// method. They give nothing back, and leave the default value.
/// </summary>
public abstract partial class Deferred
{
    /// <summary>Adds a function for success.</summary>
    /// <returns>This deferred.</returns>
    public Deferred AddCallback(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new UntypedCallback(action));
        return this;
    }

    /// <summary>Adds a function for failure.</summary>
    /// <param name="action">Gets the failure, which is thereby handled.</param>
    /// <returns>This deferred.</returns>
    public Deferred AddErrback(Action<Failure> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new UntypedErrback(action));
        return this;
    }

    /// <summary>Adds a function for success and failure alike; a failure counts as handled.</summary>
    /// <returns>This deferred.</returns>
    public Deferred AddBoth(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new UntypedBoth(action));
        return this;
    }

    private abstract class UntypedLink : ChainLink
    {
        internal sealed override Deferred? Run(Deferred source)
        {
            try
            {
                Call(source);
            }
            catch (Exception exception)
            {
                source.SetFailure(new Failure(exception));
            }

            return null;
        }

        /// <summary>Takes what it is for, before it acts.</summary>
        private protected abstract void Call(Deferred source);
    }

    private sealed class UntypedCallback(Action action) : UntypedLink
    {
        private protected override void Call(Deferred source)
        {
            if ((source._state & Failed) == 0)
            {
                source.Discard();
                action();
            }
        }
    }

    private sealed class UntypedErrback(Action<Failure> action) : UntypedLink
    {
        private protected override void Call(Deferred source)
        {
            if ((source._state & Failed) != 0)
            {
                action(source.TakeFailure());
            }
        }
    }

    private sealed class UntypedBoth(Action action) : UntypedLink
    {
        private protected override void Call(Deferred source)
        {
            source.Discard();
            action();
        }
    }
}
