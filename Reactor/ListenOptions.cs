using System;

namespace Poetry.Net;

/// <summary>How a port listens.</summary>
public sealed record ListenOptions
{
    /// <summary>A client that takes nothing for so long, while there is something to send, is reset.
    /// <see cref="TimeSpan.MaxValue"/> waits for ever.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Let other sockets of this process listen on the same port, each with its share of the connections.</summary>
    public bool SharesPort { get; init; }

    /// <summary>Is the path of a Unix socket removed when the port stops listening?</summary>
    public bool RemovesPath { get; init; } = true;

    /// <summary>Shared by the ports of a reactor; null for none.</summary>
    internal ConnectionLimit? Limit { get; init; }
}
