using System;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>What <c>proxy</c> lets the user choose beside what all servers do.</summary>
internal sealed class ProxySettings
{
    /// <summary>How poems are fetched and kept.</summary>
    public required ProxyOptions Proxy { get; init; }

    /// <summary>An upstream that sends nothing for so long has failed; <see cref="Quantity.Never"/> for no limit.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>What all poems in memory may weigh together, kept or not.</summary>
    public required long MaxCacheBytes { get; init; }
}
