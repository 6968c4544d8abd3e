namespace Poetry.Net;

/// <summary>
/// A queue whose <see cref="Get"/> returns a deferred. Callers that wait get values in the order of their calls. The number of
/// stored values and the number of waiting callers can be limited.
/// </summary>
/// <param name="size">The maximum number of stored values; null for no limit.</param>
/// <param name="backlog">The maximum number of waiting callers; null for no limit.</param>
public sealed class DeferredQueue<T>(int? size = null, int? backlog = null)
{
    private readonly Queue<T> _values = new();
    private readonly WaiterQueue<T> _waiters = new();

    /// <summary>The number of stored values.</summary>
    public int Count => _values.Count;

    /// <summary>The number of callers that wait for a value.</summary>
    public int WaitingCount => _waiters.Count;

    internal IEnumerable<T> Values => _values;

    /// <summary>Gives a value to the first waiting caller, whose functions run before this returns. If none waits, stores the
    /// value.</summary>
    /// <exception cref="QueueOverflow">The queue is full.</exception>
    public void Put(T value)
    {
        if (_waiters.TakeFirst() is { } next)
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
    /// <returns>A deferred that fires with the oldest value, now or when there is one. Cancelling it leaves the queue.</returns>
    /// <exception cref="QueueUnderflow">Too many callers wait already.</exception>
    public Deferred<T> Get()
    {
        if (_values.TryDequeue(out T? value))
        {
            return Deferred.Succeed(value);
        }

        if (backlog is null || _waiters.Count < backlog)
        {
            return _waiters.Add();
        }

        throw new QueueUnderflow();
    }
}
