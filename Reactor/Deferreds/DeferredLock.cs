using System;
using System.Runtime.CompilerServices;

namespace Poetry.Net;

/// <summary>
/// A lock with one holder at a time; callers get it in the order of asking. It is held across turns of the loop, for example
/// between two awaits. It has nothing to do with threads: it belongs to one reactor.
/// </summary>
public sealed class DeferredLock
{
    private readonly TokenQueue<DeferredLock> _token;

    /// <summary>Makes a lock that is not held.</summary>
    public DeferredLock() => _token = new TokenQueue<DeferredLock>(this, limit: 1);

    /// <summary>True while it is held.</summary>
    public bool Locked => _token.Free == 0;

    /// <summary>The number of callers that wait for it.</summary>
    public int WaitingCount => _token.Count;

    /// <summary>Asks for the lock.</summary>
    /// <returns>Fires with this lock when the caller holds it and has to <see cref="Release"/> it. Cancelling it leaves the
    /// queue; after it has fired, cancelling does nothing and releases nothing.</returns>
    public Deferred<DeferredLock> Acquire() => _token.Acquire();

    /// <summary>Releases the lock. The next caller in the queue gets it, and its functions run before this returns.</summary>
    /// <exception cref="ReleaseError">It is not held.</exception>
    public void Release() => _token.Release();

    /// <summary>Acquires, calls the function, and releases when that is done, however it ends.</summary>
    /// <returns>The outcome of the function. Cancelling it leaves the queue, or cancels the deferred that the function
    /// returned.</returns>
    public Deferred<T> Run<T>(Func<Outcome<T>> function) => _token.Run(function);

    /// <summary>As <see cref="Run{T}(Func{Outcome{T}})"/>, for a function that returns a deferred, such as an <c>async</c>
    /// lambda.</summary>
    [OverloadResolutionPriority(-1)]
    public Deferred<T> Run<T>(Func<Deferred<T>> function) => _token.Run(function);
}

/// <summary>A number of tokens; callers get one in the order of asking: see <see cref="DeferredLock"/>.</summary>
public sealed class DeferredSemaphore
{
    private readonly TokenQueue<DeferredSemaphore> _tokens;

    /// <summary>Makes one with all of its tokens free.</summary>
    /// <param name="tokens">The number of tokens: 1 or more.</param>
    public DeferredSemaphore(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        _tokens = new TokenQueue<DeferredSemaphore>(this, tokens);
    }

    /// <summary>The number of tokens.</summary>
    public int Limit => _tokens.Limit;

    /// <summary>The number of free tokens.</summary>
    public int Tokens => _tokens.Free;

    /// <summary>The number of callers that wait for a token.</summary>
    public int WaitingCount => _tokens.Count;

    /// <summary>Asks for a token.</summary>
    /// <returns>Fires with this semaphore when the caller has a token and has to <see cref="Release"/> it. Cancelling it
    /// leaves the queue; after it has fired, cancelling does nothing and releases nothing.</returns>
    public Deferred<DeferredSemaphore> Acquire() => _tokens.Acquire();

    /// <summary>Releases a token. The next caller in the queue gets it, and its functions run before this returns.</summary>
    /// <exception cref="ReleaseError">All tokens are free.</exception>
    public void Release() => _tokens.Release();

    /// <summary>Acquires, calls the function, and releases when that is done, however it ends.</summary>
    /// <returns>The outcome of the function. Cancelling it leaves the queue, or cancels the deferred that the function
    /// returned.</returns>
    public Deferred<T> Run<T>(Func<Outcome<T>> function) => _tokens.Run(function);

    /// <summary>As <see cref="Run{T}(Func{Outcome{T}})"/>, for a function that returns a deferred, such as an <c>async</c>
    /// lambda.</summary>
    [OverloadResolutionPriority(-1)]
    public Deferred<T> Run<T>(Func<Deferred<T>> function) => _tokens.Run(function);
}

/// <summary>The tokens of a lock or a semaphore, and the callers that wait for one.</summary>
internal sealed class TokenQueue<TOwner>(TOwner owner, int limit) : WaiterQueue<TOwner>
{
    public int Limit { get; } = limit;

    public int Free { get; private set; } = limit;

    /// <inheritdoc cref="DeferredLock.Acquire"/>
    public Deferred<TOwner> Acquire()
    {
        if (Free == 0)
        {
            return Add();
        }

        Free--;
        return Deferred.Succeed(owner);
    }

    public void Release()
    {
        if (Free == Limit)
        {
            throw new ReleaseError();
        }

        if (TakeFirst() is { } next)
        {
            next.FireValue(owner);
        }
        else
        {
            Free++;
        }
    }

    /// <inheritdoc cref="DeferredLock.Run{T}(Func{Outcome{T}})"/>
    public Deferred<T> Run<T>(Func<Outcome<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return RunHolding(() => Deferred.MaybeDeferred(function));
    }

    /// <inheritdoc cref="DeferredLock.Run{T}(Func{Deferred{T}})"/>
    public Deferred<T> Run<T>(Func<Deferred<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return RunHolding(() => Deferred.MaybeDeferred(function));
    }

    private Deferred<T> RunHolding<T>(Func<Deferred<T>> function) => Acquire().AddCallback(_ => function().AddBoth(outcome =>
    {
        Release();
        return outcome;
    }));
}
