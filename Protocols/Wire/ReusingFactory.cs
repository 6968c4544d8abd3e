using System.Collections.Generic;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A factory that reuses its protocols after their connections have ended, so that a connection costs no object. On the
/// reactor's thread only.
/// </summary>
/// <typeparam name="T">Its protocol, which begins anew with every <see cref="Protocol.ConnectionMade"/>.</typeparam>
internal abstract class ReusingFactory<T> : Factory
    where T : Protocol
{
    /// <summary>Chosen: more spare protocols are left over from a burst of connections.</summary>
    private const int MaxSpares = 1024;

    private readonly Stack<T> _spares = new();

    protected internal sealed override bool ReusesConnections => true;

    protected internal sealed override Protocol BuildProtocol(in SocketAddress peer) =>
        _spares.TryPop(out T? spare) ? spare : Make();

    protected internal sealed override void Release(Protocol protocol)
    {
        if (_spares.Count < MaxSpares)
        {
            _spares.Push((T)protocol);
        }
    }

    /// <summary>Makes a protocol when there is no spare one.</summary>
    private protected abstract T Make();
}
