using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The settings of a fetch.</summary>
/// <param name="ConnectTimeout">The time limit for the look-up of the name and for connecting to its addresses together.</param>
/// <param name="Timeout">The maximum time without data from the server; <see cref="TimeSpan.MaxValue"/> for none.</param>
/// <param name="Format">The format of the poem on the connection.</param>
internal sealed record PoemRequest(TimeSpan ConnectTimeout, TimeSpan Timeout, PoemFormat Format)
{
    /// <summary>
    /// True if a plain poem may be empty. By default, FIN without data is a failure: a TCP balancer answers like this when
    /// its server is down.
    /// </summary>
    public bool AllowEmpty { get; init; }

    /// <summary>Returns true for a connection to the fetching proxy itself, which would wait for itself. Null for a client that
    /// is not a server.</summary>
    public Func<ITransport, bool>? IsOwn { get; init; }
}

/// <summary>The format of a poem on a connection.</summary>
internal enum PoemFormat : byte
{
    /// <summary>The bytes alone. The end of the connection is the end of the poem.</summary>
    Plain,

    /// <summary>One netstring. A client can then detect that a poem was cut off.</summary>
    Netstring,
}
