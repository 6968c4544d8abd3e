using System;

namespace Poetry.Net;

/// <summary>How a port listens.</summary>
public sealed record ListenOptions
{
    /// <summary>A client that takes nothing for so long, while there is something to send, is reset.
    /// <see cref="TimeSpan.MaxValue"/> waits for ever.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// May other sockets of this process join the port afterwards, each with its share of the connections? The port has to
    /// be free for all that: another process that shares it too is refused.
    /// </summary>
    public bool SharesPort { get; init; }

    /// <summary>Does this socket join a port that another one of this process shares?</summary>
    public bool JoinsPort { get; init; }

    /// <summary>Is the path of a Unix socket removed when the port stops listening?</summary>
    public bool RemovesPath { get; init; } = true;

    /// <summary>
    /// Do its connections stand aside when <see cref="Reactor.WhenNoConnections"/> waits for the last one? So a port that
    /// only tells how the others are can be asked to the end, and does not put it off.
    /// </summary>
    public bool IsAside { get; init; }

    /// <summary>Called on the reactor's thread when the socket has failed for good, and the port listens no more.</summary>
    public Action? Broken { get; init; }

    /// <summary>Shared by the ports of a reactor; null for none.</summary>
    internal ConnectionLimit? Limit { get; init; }
}
