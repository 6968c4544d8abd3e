namespace Poetry.Net;

/// <summary>
/// Builds the protocols of a listening port or a connector, and holds what they share: Twisted's <c>Factory</c>.
/// </summary>
public abstract class Factory
{
    /// <summary>
    /// Are protocols and transports used again after their connection has ended? Then none of them may be kept by
    /// anybody beyond <see cref="Protocol.ConnectionLost"/>, and a connection costs no new object.
    /// </summary>
    protected internal virtual bool ReusesConnections => false;

    /// <summary>
    /// Does the peer say the first word? It has mostly arrived when its connection is accepted, and is then looked for before
    /// the poller is troubled: a short question and its answer need no poller at all.
    /// </summary>
    protected internal virtual bool PeerSpeaksFirst => false;

    /// <summary>Builds the protocol of a new connection.</summary>
    /// <param name="peer">The other side.</param>
    /// <returns>Null to refuse: the connection is then reset.</returns>
    protected internal abstract Protocol? BuildProtocol(in SocketAddress peer);

    /// <summary>A protocol's connection has ended: what was built may be kept for the next.</summary>
    /// <param name="protocol">What <see cref="BuildProtocol"/> gave.</param>
    protected internal virtual void Release(Protocol protocol)
    {
    }
}

/// <summary>A factory of connections that this side opens: Twisted's <c>ClientFactory</c>.</summary>
public abstract class ClientFactory : Factory
{
    /// <summary>Places that are not connected to, since they lead back to where the connection comes from; null for none.</summary>
    internal OwnAddresses? Avoided { get; init; }

    /// <summary>No connection came about. The protocol was never built.</summary>
    /// <param name="connector">May be asked to try again.</param>
    /// <param name="reason">A <see cref="ConnectError"/>, a <see cref="TimeoutError"/> or a <see cref="CancelledError"/>.</param>
    protected internal virtual void ClientConnectionFailed(Connector connector, Failure reason)
    {
    }

    /// <summary>A connection that was there has ended.</summary>
    /// <param name="connector">May be asked to connect anew.</param>
    /// <param name="reason">As <see cref="Protocol.ConnectionLost"/> has it.</param>
    protected internal virtual void ClientConnectionLost(Connector connector, Failure reason)
    {
    }
}
