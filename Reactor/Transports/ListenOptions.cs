namespace Poetry.Net;

/// <summary>The sharing of one port by several sockets of a process: the kernel divides the clients between them.</summary>
public enum PortSharing
{
    /// <summary>The port is not shared.</summary>
    None,

    /// <summary>The first of several sockets. Opening it fails if another process uses the port, even if that process shares it.</summary>
    First,

    /// <summary>One more socket on a port that was opened as <see cref="First"/>.</summary>
    Joining,
}

/// <summary>The options of a listening port.</summary>
public sealed record ListenOptions
{
    /// <summary>The maximum time in which a client takes no data while there is data to send; it is then reset.
    /// <see cref="TimeSpan.MaxValue"/> for no limit.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The sharing of the port with other sockets of this process.</summary>
    public PortSharing Sharing { get; init; }

    /// <summary>True if the path of a Unix socket is removed when the port stops listening.</summary>
    internal bool RemovesPath { get; init; } = true;

    /// <summary>
    /// True if <see cref="Connections.WhenNone"/> does not wait for the connections of this port. A metrics port, for
    /// example, can then be used until the server ends, without delaying the end.
    /// </summary>
    internal bool IgnoredByDrain { get; init; }

    /// <summary>Called on the reactor's thread when the socket has failed for good and the port has stopped listening.</summary>
    internal Action? Failed { get; init; }

    /// <summary>
    /// True if every connection begins with a header of HAProxy's PROXY protocol, which names the client. The transport's
    /// peer is then that client. A connection without a valid header within five seconds is reset.
    /// </summary>
    public bool ExpectsProxyHeader { get; init; }

    /// <summary>The limit of connections of one client address, shared by the ports of a server; null for none.</summary>
    internal AddressLimit? AddressLimit { get; init; }

    /// <summary>True if another process, such as systemd, goes on listening on the same socket.</summary>
    internal bool IsInherited { get; init; }

    /// <summary>The limit of connections, shared by the ports of a reactor; null for none.</summary>
    public ConnectionLimit? Limit { get; init; }
}
