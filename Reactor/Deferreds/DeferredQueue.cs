using System.Collections.Generic;

namespace Poetry.Net;

/// <summary>
/// A queue that can be asked before there is anything in it. Values go to those who ask in the order of asking. Both what is
/// kept and who waits can be limited.
/// </summary>
/// <param name="size">How many values are kept at most while nobody asks; null for any number.</param>
/// <param name="backlog">How many may wait for one at most; null for any number.</param>
public sealed class DeferredQueue<T>(int? size = null, int? backlog = null)
{
    private readonly Queue<T> _values = new();
    private readonly WaitingLine<T> _line = new();

    /// <summary>Values that are kept.</summary>
    public int Count => _values.Count;

    /// <summary>How many wait for one.</summary>
    public int WaitingCount => _line.Count;

    /// <summary>The values that are kept, oldest first.</summary>
    internal IEnumerable<T> Values => _values;

    /// <summary>Gives a value to the first who waits, whose functions run before this returns; or keeps it.</summary>
    /// <exception cref="QueueOverflow">As many as may are kept already.</exception>
    public void Put(T value)
    {
        if (_line.TakeFirst() is { } next)
        {
            next.FireValue(value);
        }
        else if (size is null || _values.Count < size)
        {
            _values.Enqueue(value);
        }
        else
        {
            throw new QueueOverflow();
        }
    }

    /// <summary>Asks for a value.</summary>
    /// <returns>Fires with the oldest value, at once or when there is one. Cancelling it gives up the place in line.</returns>
    /// <exception cref="QueueUnderflow">As many as may are waiting already.</exception>
    public Deferred<T> Get()
    {
        if (_values.TryDequeue(out T? value))
        {
            return Deferred.Succeed(value);
        }

        if (backlog is null || _line.Count < backlog)
        {
            return _line.Join();
        }

        throw new QueueUnderflow();
    }
}
