using System;

namespace Poetry.Protocols;

/// <summary>How a proxy fetches and keeps poems.</summary>
internal sealed record ProxyOptions
{
    /// <summary>How long a whole poem is served from memory; zero for never, <see cref="TimeSpan.MaxValue"/> for ever.</summary>
    public required TimeSpan Lifetime { get; init; }

    /// <summary>For how long after that it still stands in for a poem that can't be fetched.</summary>
    public TimeSpan StaleIfError { get; init; }

    /// <summary>Do clients get nothing before the poem is whole?</summary>
    public bool StoreAndForward { get; init; }

    /// <summary>Does the poem travel as a netstring, on both sides?</summary>
    public PoemFormat Format { get; init; }

    /// <summary>A longer poem is passed through and not kept.</summary>
    public long MaxPoemBytes { get; init; } = long.MaxValue;

    /// <summary>
    /// How far the fastest client of a poem that is only passed through may be ahead of the slowest. Chosen: what a fast
    /// link with 10 ms of delay has on its way (1 Gbit/s), and little enough to lose.
    /// </summary>
    public int WindowBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// The same while there is no room for it, as <see cref="ProxyCache"/> counts. No less than the bytes that a transport
    /// calls enough: of a client that is behind by more, it is told when that has caught up.
    /// </summary>
    public int NarrowWindowBytes { get; init; } = 64 * 1024;

    /// <summary>
    /// What a poem gets at first; most need no more, and so lie in one piece. It is as much as the reactor reads at once.
    /// In passing, chunks are of this size too.
    /// </summary>
    public int ChunkBytes { get; init; } = 64 * 1024;

    /// <summary>
    /// Clients that are served in one turn; then the loop has its other business. A visit is mostly one call of the kernel:
    /// 64 of them are less than a millisecond.
    /// </summary>
    public int VisitsPerTurn { get; init; } = 64;
}
