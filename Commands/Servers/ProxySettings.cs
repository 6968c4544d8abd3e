using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The options of <c>proxy</c>, without those of all servers.</summary>
internal sealed class ProxySettings
{
    public required ProxyOptions Proxy { get; init; }

    /// <summary>The maximum memory of all poems together, cached or not.</summary>
    public required long MaxCacheBytes { get; init; }

    /// <summary>The file of <c>--file</c> that lists the upstreams; null for none.</summary>
    public string? ListFile { get; init; }

    /// <summary>The address to listen on for an upstream that names none.</summary>
    public required Endpoint Fallback { get; init; }

    /// <summary>The transformation of poems before they are cached; null for none.</summary>
    public string? Transform { get; init; }

    public Endpoint? Via { get; init; }

    /// <summary>The cache that proxies share; null for none.</summary>
    public SharedCacheSettings? Shared { get; init; }
}
