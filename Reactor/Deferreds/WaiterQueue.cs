namespace Poetry.Net;

/// <summary>
/// A queue of deferreds. A deferred that is cancelled leaves the queue at once and fails with
/// <see cref="CancelledError"/>; no operation can fire it later.
/// </summary>
internal class WaiterQueue<T>
{
    private readonly IntrusiveList<Waiter> _waiters = new();

    public int Count => _waiters.Count;

    /// <summary>Adds a deferred at the end.</summary>
    /// <returns>The deferred. Cancelling it leaves the queue.</returns>
    public Deferred<T> Add()
    {
        var waiter = new Waiter(this);
        _waiters.AddLast(waiter);
        return waiter;
    }

    /// <summary>Removes the first deferred, for the caller to fire.</summary>
    /// <returns>The deferred; null if the queue is empty. Cancelling it stops no operation.</returns>
    public Deferred<T>? TakeFirst()
    {
        Waiter? first = _waiters.First;
        if (first is not null)
        {
            _waiters.Remove(first);
        }

        return first;
    }

    /// <summary>Called when a deferred was cancelled and removed. The deferred fails when this returns.</summary>
    private protected virtual void OnCancelled()
    {
    }

    /// <summary>An entry of the queue, which is the deferred itself.</summary>
    private sealed class Waiter : Deferred<T>, IListElement<Waiter>
    {
        private readonly WaiterQueue<T> _queue;
        private ListLinks<Waiter> _links;

        public Waiter(WaiterQueue<T> queue)
        {
            _queue = queue;
            _state = FiredByOwnerOnly;
        }

        ref ListLinks<Waiter> IListElement<Waiter>.Links => ref _links;

        private protected override void CancelUnfired()
        {
            _queue._waiters.Remove(this);
            _queue.OnCancelled();
            FireFailure(Failure.Cancelled);
        }
    }
}
