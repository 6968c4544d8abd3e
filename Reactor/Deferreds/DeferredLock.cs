using System;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// A lock with one holder at a time; callers get it in the order of asking. It is held across turns of the loop, for example
/// between two awaits. It has nothing to do with threads: it belongs to one reactor.
/// </summary>
public sealed class DeferredLock
{
    private readonly WaiterQueue<DeferredLock> _waiters = new();

    /// <summary>True while it is held.</summary>
    public bool Locked { get; private set; }

    /// <summary>The number of callers that wait for it.</summary>
    public int WaitingCount => _waiters.Count;

    /// <summary>Asks for the lock.</summary>
    /// <returns>Fires with this lock when the caller holds it, who then has to <see cref="Release"/> it. Cancelling it leaves
    /// the queue; after it has fired, cancelling does nothing and releases nothing.</returns>
    public Deferred<DeferredLock> Acquire()
    {
        if (Locked)
        {
            return _waiters.Add();
        }

        Locked = true;
        return Deferred.Succeed(this);
    }

    /// <summary>Releases the lock. The next caller in the queue gets it, and its functions run before this returns.</summary>
    /// <exception cref="ReleaseError">It is not held.</exception>
    public void Release()
    {
        if (!Locked)
        {
            throw new ReleaseError();
        }

        if (_waiters.TakeFirst() is { } next)
        {
            next.FireValue(this);
        }
        else
        {
            Locked = false;
        }
    }

    /// <summary>Acquires, calls the function, and releases when that is done, however it ends.</summary>
    /// <returns>The outcome of the function. Cancelling it leaves the queue, or cancels the deferred that the function
    /// returned.</returns>
    public Deferred<T> Run<T>(Func<Outcome<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Acquire().AddCallback(self => Deferred.MaybeDeferred(function).AddBoth(outcome =>
        {
            self.Release();
            return outcome;
        }));
    }

    /// <summary>As <see cref="Run{T}(Func{Outcome{T}})"/>, for a function that returns a deferred, such as an <c>async</c>
    /// lambda.</summary>
    [OverloadResolutionPriority(-1)]
    public Deferred<T> Run<T>(Func<Deferred<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Run(() => new Outcome<T>(Deferred.MaybeDeferred(function)));
    }
}

/// <summary>A number of tokens; callers get one in the order of asking: see <see cref="DeferredLock"/>.</summary>
public sealed class DeferredSemaphore
{
    private readonly WaiterQueue<DeferredSemaphore> _waiters = new();

    /// <summary>Makes one with all of its tokens free.</summary>
    /// <param name="tokens">The number of tokens: 1 or more.</param>
    public DeferredSemaphore(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        Limit = tokens;
        Tokens = tokens;
    }

    /// <summary>The number of tokens.</summary>
    public int Limit { get; }

    /// <summary>The number of free tokens.</summary>
    public int Tokens { get; private set; }

    /// <summary>The number of callers that wait for a token.</summary>
    public int WaitingCount => _waiters.Count;

    /// <summary>Asks for a token.</summary>
    /// <returns>Fires with this semaphore when the caller has a token, who then has to <see cref="Release"/> it. Cancelling it
    /// leaves the queue; after it has fired, cancelling does nothing and releases nothing.</returns>
    public Deferred<DeferredSemaphore> Acquire()
    {
        if (Tokens == 0)
        {
            return _waiters.Add();
        }

        Tokens--;
        return Deferred.Succeed(this);
    }

    /// <summary>Releases a token. The next caller in the queue gets it, and its functions run before this returns.</summary>
    /// <exception cref="ReleaseError">All tokens are free.</exception>
    public void Release()
    {
        if (Tokens == Limit)
        {
            throw new ReleaseError();
        }

        if (_waiters.TakeFirst() is { } next)
        {
            next.FireValue(this);
        }
        else
        {
            Tokens++;
        }
    }

    /// <summary>Acquires, calls the function, and releases when that is done, however it ends.</summary>
    /// <returns>The outcome of the function. Cancelling it leaves the queue, or cancels the deferred that the function
    /// returned.</returns>
    public Deferred<T> Run<T>(Func<Outcome<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Acquire().AddCallback(self => Deferred.MaybeDeferred(function).AddBoth(outcome =>
        {
            self.Release();
            return outcome;
        }));
    }

    /// <summary>As <see cref="Run{T}(Func{Outcome{T}})"/>, for a function that returns a deferred, such as an <c>async</c>
    /// lambda.</summary>
    [OverloadResolutionPriority(-1)]
    public Deferred<T> Run<T>(Func<Deferred<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Run(() => new Outcome<T>(Deferred.MaybeDeferred(function)));
    }
}
