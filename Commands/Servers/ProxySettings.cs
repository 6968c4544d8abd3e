using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The options of <c>proxy</c>, without those of all servers.</summary>
internal sealed class ProxySettings
{
    public required ProxyOptions Proxy { get; init; }

    /// <summary>Limit for all poems in memory together, kept or not.</summary>
    public required long MaxCacheBytes { get; init; }

    /// <summary>The file of <c>--file</c> that lists the upstreams; null for none.</summary>
    public string? ListFile { get; init; }

    /// <summary>The listener of an upstream that is given none.</summary>
    public required Endpoint Fallback { get; init; }

    /// <summary>The transformation that poems are kept in; null for none.</summary>
    public string? Transform { get; init; }

    public Endpoint? Via { get; init; }

    /// <summary>The cache that proxies share; null for none.</summary>
    public SharedCacheSettings? Shared { get; init; }
}
