namespace Poetry.Net;

/// <summary>A pool of objects, so that a connection needs no new one.</summary>
/// <param name="make">Makes an object when there is no spare one.</param>
internal sealed class Spares<T>(Func<T> make)
{
    /// <summary>The maximum number of spare objects. Chosen: only a burst of connections leaves more.</summary>
    private const int Max = 1024;

    private readonly Stack<T> _spares = new();

    public T Rent() => _spares.TryPop(out T? spare) ? spare : make();

    /// <param name="spare">The object; the caller must keep no reference to it.</param>
    public void Return(T spare)
    {
        if (_spares.Count < Max)
        {
            _spares.Push(spare);
        }
    }
}
