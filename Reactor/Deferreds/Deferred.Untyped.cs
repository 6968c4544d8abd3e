using System;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// Functions that do not need the value, for any deferred, such as that of an <c>async Deferred</c> method. They return
/// nothing and leave the default value.
/// </summary>
public abstract partial class Deferred
{
    /// <summary>Adds a function for success.</summary>
    public Deferred AddCallback(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new UntypedCallback(action));
        return this;
    }

    /// <summary>Adds a function for success that returns a deferred, which is waited for, such as an <c>async</c>
    /// lambda.</summary>
    /// <param name="function">Its deferred is waited for, and a failure of that is taken over; null if there is nothing to
    /// wait for.</param>
    [OverloadResolutionPriority(1)]
    public Deferred AddCallback(Func<Deferred?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new UntypedAsync(function, onFailure: false));
        return this;
    }

    /// <summary>Adds a function for failure that returns a deferred, which is waited for, such as an <c>async</c>
    /// lambda.</summary>
    [OverloadResolutionPriority(1)]
    public Deferred AddErrback(Func<Failure, Deferred?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new UntypedAsyncErrback(function));
        return this;
    }

    /// <summary>Adds a function for success and failure alike that returns a deferred, which is waited for; a failure counts
    /// as handled.</summary>
    [OverloadResolutionPriority(1)]
    public Deferred AddBoth(Func<Deferred?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AddLink(new UntypedAsync(function, onFailure: true));
        return this;
    }

    /// <summary>Adds a function for failure.</summary>
    /// <param name="action">Gets the failure, which is thereby handled.</param>
    public Deferred AddErrback(Action<Failure> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        AddLink(new UntypedErrback(action));
        return this;
    }

    /// <summary>Adds a function for success and failure alike; a failure counts as handled.</summary>
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

        /// <summary>Takes the result that it handles, before it calls the function.</summary>
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

    private sealed class UntypedAsync(Func<Deferred?> function, bool onFailure) : UntypedLink
    {
        private protected override void Call(Deferred source)
        {
            if (onFailure || (source._state & Failed) == 0)
            {
                source.Discard();
                source.AcceptVoid(function());
            }
        }
    }

    private sealed class UntypedAsyncErrback(Func<Failure, Deferred?> function) : UntypedLink
    {
        private protected override void Call(Deferred source)
        {
            if ((source._state & Failed) != 0)
            {
                source.AcceptVoid(function(source.TakeFailure()));
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
