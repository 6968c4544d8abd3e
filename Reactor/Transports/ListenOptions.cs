using System;

namespace Poetry.Net;

/// <summary>Whether several sockets of one process listen on one port, so that the kernel divides its clients between them.</summary>
public enum PortSharing
{
    /// <summary>One socket has the port.</summary>
    None,

    /// <summary>The first of several sockets. The port has to be free: another process that shares it is refused.</summary>
    First,

    /// <summary>One more socket on a port that was opened as <see cref="First"/>.</summary>
    Joining,
}

/// <summary>How a port listens.</summary>
public sealed record ListenOptions
{
    /// <summary>A client that takes no data for so long, while there is data to send, is reset;
    /// <see cref="TimeSpan.MaxValue"/> for no limit.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Whether several sockets of this process listen on the port.</summary>
    public PortSharing Sharing { get; init; }

    /// <summary>True if the path of a Unix socket is removed when the port stops listening.</summary>
    internal bool RemovesPath { get; init; } = true;

    /// <summary>
    /// True if <see cref="Connections.WhenNone"/> does not wait for the connections of this port. A metrics port, for
    /// example, can then be used until the server ends, and does not delay that end.
    /// </summary>
    internal bool IgnoredByDrain { get; init; }

    /// <summary>Called on the reactor's thread when the socket has failed for good and the port has stopped listening.</summary>
    internal Action? Failed { get; init; }

    /// <summary>
    /// True if every connection begins with a header of HAProxy's PROXY protocol, which names the client: its address is then
    /// the transport's peer. A connection without a valid header within five seconds is reset.
    /// </summary>
    public bool ExpectsProxyHeader { get; init; }

    /// <summary>The limit of connections of one client address, shared by the ports of a server; null for none.</summary>
    internal AddressLimit? AddressLimit { get; init; }

    /// <summary>True if another process, such as systemd, goes on listening on the same socket.</summary>
    internal bool IsInherited { get; init; }

    /// <summary>Shared by the ports of a reactor; null for no limit.</summary>
    public ConnectionLimit? Limit { get; init; }
}
