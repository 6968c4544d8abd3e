using System;

namespace Poetry.Protocols;

/// <summary>How a poem is fetched.</summary>
/// <param name="ConnectTimeout">Limit for the look-up of the name, all of its addresses, and the connection together.</param>
/// <param name="Timeout">Limit for the silence of a server; <see cref="TimeSpan.MaxValue"/> for none.</param>
/// <param name="Format">How the poem travels.</param>
internal sealed record PoemRequest(TimeSpan ConnectTimeout, TimeSpan Timeout, PoemFormat Format)
{
    /// <summary>
    /// True if a plain poem may have no bytes. By default 0 bytes and FIN is a failure: a TCP balancer answers so when its
    /// server is down.
    /// </summary>
    public bool AllowEmpty { get; init; }
}
