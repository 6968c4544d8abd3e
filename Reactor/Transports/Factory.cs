namespace Poetry.Net;

/// <summary>
/// Builds the protocols of a listening port or a connector, and holds what they share: Twisted's <c>Factory</c>.
/// </summary>
public abstract class Factory
{
    /// <summary>
    /// True if protocols and transports are reused after their connection has ended, so that a connection allocates nothing.
    /// No reference to them may then be kept after <see cref="Protocol.ConnectionLost"/>.
    /// </summary>
    protected internal virtual bool ReusesConnections => false;

    /// <summary>
    /// True if the peer sends first. Its data has mostly arrived when its connection is accepted, so it is read before the
    /// connection is registered with the poller: a short request and its answer need no registration.
    /// </summary>
    protected internal virtual bool PeerSpeaksFirst => false;

    /// <summary>Builds the protocol of a new connection.</summary>
    /// <param name="peer">The other side.</param>
    /// <returns>Null to refuse: the connection is then reset.</returns>
    protected internal abstract Protocol? BuildProtocol(in SocketAddress peer);

    /// <summary>A protocol's connection has ended: the protocol may be reused.</summary>
    /// <param name="protocol">What <see cref="BuildProtocol"/> gave.</param>
    protected internal virtual void Release(Protocol protocol)
    {
    }
}

/// <summary>A factory of connections that this side opens: Twisted's <c>ClientFactory</c>.</summary>
public abstract class ClientFactory : Factory
{
    /// <summary>No connection was made. The protocol was never built.</summary>
    /// <param name="connector">May be asked to try again.</param>
    /// <param name="reason">A <see cref="ConnectError"/> (ETIMEDOUT after the time-out) or a <see cref="CancelledError"/>.</param>
    protected internal virtual void ClientConnectionFailed(Connector connector, Failure reason)
    {
    }

    /// <summary>A connection has ended.</summary>
    /// <param name="connector">May be asked to connect anew.</param>
    /// <param name="reason">As <see cref="Protocol.ConnectionLost"/> has it.</param>
    protected internal virtual void ClientConnectionLost(Connector connector, Failure reason)
    {
    }
}
