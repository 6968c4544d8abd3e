namespace Poetry.Net;

/// <summary>Connects to an endpoint and returns a deferred: Twisted's <c>IStreamClientEndpoint</c>.</summary>
public static class EndpointExtensions
{
    /// <summary>Connects, with a factory that need not be a client factory.</summary>
    /// <param name="endpoint">The address to connect to.</param>
    /// <param name="reactor">The reactor that connects.</param>
    /// <param name="factory">Builds the protocol.</param>
    /// <param name="timeout">The time limit for the look-up and the connection; 30 s if null.</param>
    /// <returns>Fires with the protocol after its <see cref="Protocol.ConnectionMade"/>, or fails with a
    /// <see cref="ConnectError"/>. Cancelling it stops connecting, or resets the connection.</returns>
    public static Deferred<Protocol> Connect(this Endpoint endpoint, Reactor reactor, Factory factory, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(reactor);
        ArgumentNullException.ThrowIfNull(factory);
        Connector? connector = null;
        var connected = new Deferred<Protocol>(_ => connector!.Disconnect(reset: true));
        connector = reactor.Connect(endpoint, new EndpointFactory(factory, connected), timeout ?? Reactor.DefaultConnectTimeout);
        return connected;
    }

    private sealed class EndpointFactory(Factory factory, Deferred<Protocol> connected) : ClientFactory
    {
        protected internal override bool PeerSpeaksFirst => factory.PeerSpeaksFirst;

        protected internal override Protocol? BuildProtocol(in SocketAddress peer) => factory.BuildProtocol(peer);

        protected internal override void Release(Protocol protocol) => factory.Release(protocol);

        protected internal override void ClientConnectionFailed(Connector connector, Failure reason) => connected.Errback(reason);

        internal override void ConnectionOpened(Protocol protocol)
        {
            // The protocol may have cancelled the deferred.
            if (!connected.Called)
            {
                connected.Callback(protocol);
            }
        }
    }
}
