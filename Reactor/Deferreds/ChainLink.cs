namespace Poetry.Net;

/// <summary>
/// One element of a deferred's chain: a function, another deferred that waits for the result, or a coroutine that awaits it.
/// Not for use outside the engine. It is public because <see cref="Deferred"/> derives from it.
/// </summary>
/// <remarks>
/// A deferred waits for at most one other at a time, so it can itself be an element of the other's chain: waiting and
/// awaiting allocate nothing.
/// </remarks>
public abstract class ChainLink
{
    private protected ChainLink()
    {
    }

    /// <summary>The next element; null for the last one, and for one that is in no chain.</summary>
    internal ChainLink? Next { get; set; }

    /// <summary>Processes the result of <paramref name="source"/>. Throws nothing.</summary>
    /// <returns>
    /// Null to continue with <paramref name="source"/>; or the deferred that received the result, whose functions run
    /// before the rest of the chain of <paramref name="source"/>.
    /// </returns>
    internal abstract Deferred? Run(Deferred source);
}
