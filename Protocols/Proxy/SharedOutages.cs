namespace Poetry.Protocols;

/// <summary>
/// The outages of the shared cache, joined for all workers of a process. An outage begins when the first worker cannot use the
/// cache, and ends when all can again. Called from the threads of all workers, in outages only.
/// </summary>
internal sealed class SharedOutages
{
    private int _affected;
    private long _count;

    /// <summary>Outages so far.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>A worker cannot use the cache any more. Must be followed by one <see cref="Leave"/>.</summary>
    /// <returns>True if an outage begins.</returns>
    public bool Enter()
    {
        bool begins = Interlocked.Increment(ref _affected) == 1;
        _ = begins ? Interlocked.Increment(ref _count) : 0;
        return begins;
    }

    /// <summary>A worker can use the cache again.</summary>
    /// <returns>True if the outage is over.</returns>
    public bool Leave() => Interlocked.Decrement(ref _affected) == 0;
}
