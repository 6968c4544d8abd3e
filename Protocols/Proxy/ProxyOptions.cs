namespace Poetry.Protocols;

/// <summary>The options for fetching and keeping poems.</summary>
internal sealed record ProxyOptions
{
    /// <summary>The time that a poem is fresh; zero keeps nothing, <see cref="TimeSpan.MaxValue"/> keeps it for ever.</summary>
    public required TimeSpan Lifetime { get; init; }

    /// <summary>The time after its lifetime in which a poem is served if it can't be fetched.</summary>
    public TimeSpan StaleIfError { get; init; }

    /// <summary>The time after its lifetime in which a poem is served at once, while a background fetch replaces it.</summary>
    public TimeSpan StaleWhileRevalidate { get; init; }

    /// <summary>True if clients are sent nothing before the poem is complete.</summary>
    public bool StoreAndForward { get; init; }

    /// <summary>The format of the poem, on both sides.</summary>
    public PoemFormat Format { get; init; }

    /// <summary>True if 0 bytes are an empty poem, and not a failure.</summary>
    public bool AllowEmpty { get; init; }

    /// <summary>The maximum silence of an upstream, and the maximum time that a fetch waits for those of other proxies.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.MaxValue;

    /// <summary>A longer poem is passed through and not kept.</summary>
    public long MaxPoemBytes { get; init; } = long.MaxValue;

    /// <summary>A longer poem is not stored in the shared cache.</summary>
    public long MaxSharedBytes { get; init; } = long.MaxValue;

    /// <summary>
    /// The time that a client must stay before a fetch begins for it. A balancer's health check connects and closes at once, and
    /// must not cause a fetch. A client that sends something, that finds a poem in memory, or that finds a fetch under way does
    /// not wait. Chosen: short against a fetch over a network, long against the round trip after which a check closes.
    /// The log takes a client that leaves earlier for a check, too (<see cref="ConnectionRecord.IsProbe"/>).
    /// </summary>
    public TimeSpan ProbeDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The time for which the upstream is left alone after a failed fetch; doubles with each further failure.</summary>
    public TimeSpan MinPause { get; init; } = TimeSpan.FromSeconds(0.1);

    /// <summary>The longest of these pauses.</summary>
    public TimeSpan MaxPause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The maximum number of bytes that the fastest client of a poem that is passed through may be ahead of the slowest. Chosen:
    /// the bandwidth-delay product of 1 Gbit/s and 10 ms.
    /// </summary>
    public int WindowBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// The same while the memory of <see cref="ProxyCache"/> is used up, or the only client may be served by splicing. At least
    /// the number of pending bytes above which a transport pauses its producer: only then does the download notice that a
    /// slower client has caught up.
    /// </summary>
    public int NarrowWindowBytes { get; init; } = 64 * 1024;

    /// <summary>
    /// The size of the first chunk of a poem's buffer, and of every chunk of a poem that is passed through while memory is used
    /// up. Chosen: most poems fit, and are then sent by one call.
    /// </summary>
    public int ChunkBytes { get; init; } = 64 * 1024;

    /// <summary>The size of other chunks of a poem that passes through. One call reads and sends one; four fill a window.</summary>
    public int PassingChunkBytes => Math.Max(ChunkBytes, WindowBytes / 4);

    /// <summary>
    /// Clients served in one turn of the loop. Chosen: one takes a system call or two, so that 64 take less than a millisecond.
    /// </summary>
    public int VisitsPerTurn { get; init; } = 64;
}
