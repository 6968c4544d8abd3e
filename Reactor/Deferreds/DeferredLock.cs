using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>The common part of a lock and a semaphore: tokens, which callers get in the order of their calls.</summary>
/// <typeparam name="TSelf">The lock or the semaphore.</typeparam>
public abstract class DeferredTokens<TSelf>
    where TSelf : DeferredTokens<TSelf>
{
    private readonly WaiterQueue<TSelf> _waiters = new();
    private protected readonly int _limit;

    private protected DeferredTokens(int limit)
    {
        _limit = limit;
        Free = limit;
    }

    /// <summary>The number of callers that wait for a token.</summary>
    public int WaitingCount => _waiters.Count;

    private protected int Free { get; private set; }

    /// <summary>Asks for a token. A lock has one token.</summary>
    /// <returns>A deferred that fires with this object when the caller has a token; the caller then has to <see cref="Release"/>
    /// it. Cancelling the deferred leaves the queue; after it has fired, cancelling does nothing and releases nothing.</returns>
    public Deferred<TSelf> Acquire()
    {
        if (Free == 0)
        {
            return _waiters.Add();
        }

        Free--;
        return Deferred.Succeed((TSelf)this);
    }

    /// <summary>Releases a token. The next caller in the queue gets it, and its functions run before this returns.</summary>
    /// <exception cref="ReleaseError">All tokens are free.</exception>
    public void Release()
    {
        if (Free == _limit)
        {
            throw new ReleaseError();
        }

        if (_waiters.TakeFirst() is { } next)
        {
            next.FireValue((TSelf)this);
        }
        else
        {
            Free++;
        }
    }

    /// <summary>Acquires a token, calls the function, and releases the token when the function has succeeded or failed.</summary>
    /// <returns>A deferred with the outcome of the function. Cancelling it leaves the queue, or cancels the deferred that the
    /// function returned.</returns>
    public Deferred<T> Run<T>(Func<Outcome<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Acquire().AddCallback(_ => Deferred.MaybeDeferred(function).AddBoth(outcome =>
        {
            Release();
            return outcome;
        }));
    }

    /// <summary>As <see cref="Run{T}(Func{Outcome{T}})"/>, for a function that returns a deferred, such as an <c>async</c>
    /// lambda.</summary>
    [OverloadResolutionPriority(-1)]
    public Deferred<T> Run<T>(Func<Deferred<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Run<T>(() => new Outcome<T>(function() ?? throw Deferred.NullReturned()));
    }
}

/// <summary>
/// A lock with one holder at a time. Callers get it in the order of their calls. It is held across turns of the loop, for
/// example between two awaits. It is not for threads: it belongs to one reactor.
/// </summary>
public sealed class DeferredLock : DeferredTokens<DeferredLock>
{
    /// <summary>Makes a lock that is not held.</summary>
    public DeferredLock()
        : base(1)
    {
    }

    /// <summary>True while it is held.</summary>
    public bool Locked => Free == 0;
}

/// <summary>A number of tokens. Callers get one in the order of their calls: see <see cref="DeferredLock"/>.</summary>
public sealed class DeferredSemaphore : DeferredTokens<DeferredSemaphore>
{
    /// <summary>Makes a semaphore whose tokens are all free.</summary>
    /// <param name="tokens">The number of tokens: 1 or more.</param>
    public DeferredSemaphore(int tokens)
        : base(tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
    }

    /// <summary>The number of tokens.</summary>
    public int Limit => _limit;

    /// <summary>The number of free tokens.</summary>
    public int Tokens => Free;
}
