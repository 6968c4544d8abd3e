namespace Poetry.Net;

/// <summary>
/// Builds the protocols of a listening port or a connector, and holds what they share: Twisted's <c>Factory</c>.
/// </summary>
public abstract class Factory
{
    /// <summary>
    /// True if protocols and transports are used again after their connection has ended: a connection then needs no new
    /// object. No reference to them may be kept after <see cref="Protocol.ConnectionLost"/>.
    /// </summary>
    protected internal virtual bool ReusesConnections => false;

    /// <summary>
    /// True if the peer sends first. Its data has usually arrived when its connection is accepted, so the data is read before
    /// the socket is registered with the poller: a short request and its reply do not need the poller.
    /// </summary>
    protected internal virtual bool PeerSpeaksFirst => false;

    /// <summary>Builds the protocol of a new connection.</summary>
    /// <param name="peer">The other side.</param>
    /// <returns>Null to refuse: the connection is then reset, and on the client's side connecting fails.</returns>
    protected internal abstract Protocol? BuildProtocol(in SocketAddress peer);

    /// <summary>Builds a protocol, and checks that it has no other connection.</summary>
    /// <exception cref="InvalidOperationException">The protocol has a connection, and can answer only one.</exception>
    internal Protocol? BuildUnconnected(in SocketAddress peer) => BuildProtocol(peer) is not { } protocol ? null
        : protocol.IsConnected ? throw new InvalidOperationException("the protocol has a connection already")
        : protocol;

    /// <summary>A protocol's connection has ended: the protocol may be kept for the next one.</summary>
    /// <param name="protocol">The protocol, which <see cref="BuildProtocol"/> returned.</param>
    protected internal virtual void Release(Protocol protocol)
    {
    }
}

/// <summary>A factory of connections that this side opens: Twisted's <c>ClientFactory</c>.</summary>
public abstract class ClientFactory : Factory
{
    /// <summary>Connecting has failed. No protocol was built.</summary>
    /// <param name="connector">The connector; <see cref="Connector.Connect"/> connects again.</param>
    /// <param name="reason">A <see cref="ConnectError"/>, ETIMEDOUT after the timeout; or a <see cref="CancelledError"/>.</param>
    protected internal virtual void ClientConnectionFailed(Connector connector, Failure reason)
    {
    }

    /// <summary>A connection was opened, and <see cref="Protocol.ConnectionMade"/> was called.</summary>
    internal virtual void ConnectionOpened(Protocol protocol)
    {
    }

    /// <summary>A connection has ended.</summary>
    /// <param name="connector">The connector; <see cref="Connector.Connect"/> connects again.</param>
    /// <param name="reason">The reason that <see cref="Protocol.ConnectionLost"/> got.</param>
    protected internal virtual void ClientConnectionLost(Connector connector, Failure reason)
    {
    }
}
