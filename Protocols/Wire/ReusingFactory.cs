using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A factory that reuses its protocols after their connections have ended, so a connection allocates no object. Used on the
/// reactor's thread only.
/// </summary>
/// <typeparam name="T">The protocol, which <see cref="Protocol.ConnectionMade"/> has to set to its initial state.</typeparam>
internal abstract class ReusingFactory<T> : Factory
    where T : Protocol
{
    private readonly Spares<T> _spares;

    private protected ReusingFactory()
    {
        _spares = new Spares<T>(Make);
    }

    protected internal sealed override bool ReusesConnections => true;

    protected internal sealed override Protocol BuildProtocol(in SocketAddress peer) => _spares.Rent();

    protected internal sealed override void Release(Protocol protocol) => _spares.Return((T)protocol);

    /// <summary>Makes a protocol when there is no spare one.</summary>
    private protected abstract T Make();
}
