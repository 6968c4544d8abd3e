using System.Collections.Generic;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Protocols whose connections have ended, for the next ones. One a factory: used on the reactor's thread only.</summary>
/// <typeparam name="T">The protocol.</typeparam>
internal sealed class ProtocolPool<T>
    where T : Protocol
{
    /// <summary>More than this many spare protocols are a rush that has passed.</summary>
    private const int MostSpares = 1024;

    private readonly Stack<T> _spares = new();

    /// <summary>Gives a spare one, or null.</summary>
    public T? Take() => _spares.TryPop(out T? spare) ? spare : null;

    /// <summary>Takes one that nobody uses any more.</summary>
    public void Put(T protocol)
    {
        if (_spares.Count < MostSpares)
        {
            _spares.Push(protocol);
        }
    }
}
