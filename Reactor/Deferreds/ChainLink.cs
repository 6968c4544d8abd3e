namespace Poetry.Net;

/// <summary>
/// What can stand in line for the result of a deferred: a function, another deferred that waits for it, a coroutine that
/// awaits it. Not for use outside of the engine; it is public because <see cref="Deferred"/>, which is one, is.
/// </summary>
/// <remarks>
/// A deferred waits for at most one other at a time, so it can be its own place in that one's queue: waiting and awaiting
/// allocate nothing.
/// </remarks>
public abstract class ChainLink
{
    private protected ChainLink()
    {
    }

    /// <summary>The next in line; null for the last, and for one that stands in none.</summary>
    internal ChainLink? Next { get; set; }

    /// <summary>Does its work on the result of <paramref name="source"/>, whose turn it is. Throws nothing.</summary>
    /// <returns>
    /// Null to go on with <paramref name="source"/>; or the deferred the result went to, whose functions now come before
    /// what is left in the queue of <paramref name="source"/>.
    /// </returns>
    internal abstract Deferred? Run(Deferred source);
}
