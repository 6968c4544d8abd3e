using System;
using Poetry.Net;

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

    /// <summary>True of a connection that leads back to the proxy that fetches: it would wait for itself. Null for a client that is
    /// no server.</summary>
    public Func<ITransport, bool>? IsOwn { get; init; }
}

/// <summary>How a poem travels.</summary>
internal enum PoemFormat : byte
{
    /// <summary>The bytes alone. The end of the connection is the end of the poem.</summary>
    Plain,

    /// <summary>One netstring, so that a poem that was cut off is told from a complete one.</summary>
    Netstring,
}
