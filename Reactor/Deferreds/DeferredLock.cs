using System;

namespace Poetry.Net;

/// <summary>
/// Lets one at a time through, in the order of asking. It is held across turns of the loop, as between two awaits, and has
/// nothing to do with threads: it belongs to one reactor.
/// </summary>
public sealed class DeferredLock
{
    private readonly WaitingLine<DeferredLock> _line = new();

    /// <summary>Does somebody hold it?</summary>
    public bool Locked { get; private set; }

    /// <summary>How many wait for it.</summary>
    public int WaitingCount => _line.Count;

    /// <summary>Asks for the lock.</summary>
    /// <returns>Fires with this lock when it is the caller's, who then has to <see cref="Release"/> it. Cancelling it gives
    /// up the place in line; once acquired, cancelling does nothing and releases nothing.</returns>
    public Deferred<DeferredLock> Acquire()
    {
        if (Locked)
        {
            return _line.Join();
        }

        Locked = true;
        return Deferred.Succeed(this);
    }

    /// <summary>Gives the lock back; the next in line has it, and its functions run, before this returns.</summary>
    /// <exception cref="ReleaseError">Nobody holds it.</exception>
    public void Release()
    {
        if (!Locked)
        {
            throw new ReleaseError();
        }

        if (_line.TakeFirst() is { } next)
        {
            next.FireValue(this);
        }
        else
        {
            Locked = false;
        }
    }

    /// <summary>Acquires, calls the function, and releases when that is done, however it ends.</summary>
    /// <returns>What the function comes to. Cancelling it gives up the place in line, or cancels the deferred that the
    /// function returned.</returns>
    public Deferred<T> Run<T>(Func<Outcome<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Acquire().AddCallback(self => Deferred.MaybeDeferred(function).AddBoth(outcome =>
        {
            self.Release();
            return outcome;
        }));
    }
}

/// <summary>Lets a number of callers through at a time, in the order of asking: see <see cref="DeferredLock"/>.</summary>
public sealed class DeferredSemaphore
{
    private readonly WaitingLine<DeferredSemaphore> _line = new();

    /// <summary>Makes one with all of its tokens free.</summary>
    /// <param name="tokens">How many may hold it at a time: 1 or more.</param>
    public DeferredSemaphore(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        Limit = tokens;
        Tokens = tokens;
    }

    /// <summary>How many may hold it at a time.</summary>
    public int Limit { get; }

    /// <summary>How many of those are free.</summary>
    public int Tokens { get; private set; }

    /// <summary>How many wait for one.</summary>
    public int WaitingCount => _line.Count;

    /// <summary>Asks for a token.</summary>
    /// <returns>Fires with this semaphore when there is one for the caller, who then has to <see cref="Release"/> it.
    /// Cancelling it gives up the place in line; once acquired, cancelling does nothing and releases nothing.</returns>
    public Deferred<DeferredSemaphore> Acquire()
    {
        if (Tokens == 0)
        {
            return _line.Join();
        }

        Tokens--;
        return Deferred.Succeed(this);
    }

    /// <summary>Gives a token back; the next in line has it, and its functions run, before this returns.</summary>
    /// <exception cref="ReleaseError">All of them are free.</exception>
    public void Release()
    {
        if (Tokens == Limit)
        {
            throw new ReleaseError();
        }

        if (_line.TakeFirst() is { } next)
        {
            next.FireValue(this);
        }
        else
        {
            Tokens++;
        }
    }

    /// <summary>Acquires, calls the function, and releases when that is done, however it ends.</summary>
    /// <returns>What the function comes to. Cancelling it gives up the place in line, or cancels the deferred that the
    /// function returned.</returns>
    public Deferred<T> Run<T>(Func<Outcome<T>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Acquire().AddCallback(self => Deferred.MaybeDeferred(function).AddBoth(outcome =>
        {
            self.Release();
            return outcome;
        }));
    }
}
