using System;
using System.Collections.Generic;

namespace Poetry.Net;

/// <summary>Objects that are used again, so that a connection needs no new one.</summary>
/// <param name="make">Makes one when there is no spare one.</param>
internal sealed class Spares<T>(Func<T> make)
{
    /// <summary>Chosen: more of them are left over from a burst of connections.</summary>
    private const int Max = 1024;

    private readonly Stack<T> _spares = new();

    public T Rent() => _spares.TryPop(out T? spare) ? spare : make();

    /// <param name="spare">No reference to it may be left.</param>
    public void Return(T spare)
    {
        if (_spares.Count < Max)
        {
            _spares.Push(spare);
        }
    }
}
