using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// Deferreds that wait in a queue. One that is cancelled leaves the queue at once and fails with
/// <see cref="CancelledError"/>; no operation can fire it later.
/// </summary>
internal class WaiterQueue<T>
{
    private Waiter? _first;
    private Waiter? _last;

    /// <summary>The number of waiting deferreds.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a deferred at the end.</summary>
    /// <returns>The deferred. Cancelling it leaves the queue.</returns>
    public Deferred<T> Add()
    {
        var waiter = new Waiter(this) { PreviousWaiter = _last };
        if (_last is null)
        {
            _first = waiter;
        }
        else
        {
            _last.NextWaiter = waiter;
        }

        _last = waiter;
        Count++;
        return waiter;
    }

    /// <summary>Removes the first deferred, for the caller to fire.</summary>
    /// <returns>Null if the queue is empty. Cancelling it stops no operation.</returns>
    public Deferred<T>? TakeFirst()
    {
        Waiter? first = _first;
        if (first is not null)
        {
            Remove(first);
        }

        return first;
    }

    /// <summary>A deferred was cancelled and removed; it fails when this returns.</summary>
    private protected virtual void OnCancelled()
    {
    }

    private void Remove(Waiter waiter)
    {
        Debug.Assert(Count > 0, "only a queued deferred is removed");
        if (waiter.PreviousWaiter is null)
        {
            _first = waiter.NextWaiter;
        }
        else
        {
            waiter.PreviousWaiter.NextWaiter = waiter.NextWaiter;
        }

        if (waiter.NextWaiter is null)
        {
            _last = waiter.PreviousWaiter;
        }
        else
        {
            waiter.NextWaiter.PreviousWaiter = waiter.PreviousWaiter;
        }

        waiter.PreviousWaiter = null;
        waiter.NextWaiter = null;
        Count--;
    }

    /// <summary>An entry of the queue, which is the deferred itself.</summary>
    private sealed class Waiter : Deferred<T>
    {
        private readonly WaiterQueue<T> _queue;

        public Waiter(WaiterQueue<T> queue)
        {
            _queue = queue;
            _state = FiredByOwnerOnly;
        }

        public Waiter? PreviousWaiter { get; set; }

        public Waiter? NextWaiter { get; set; }

        private protected override void CancelUnfired()
        {
            _queue.Remove(this);
            _queue.OnCancelled();
            FireFailure(Failure.Cancelled);
        }
    }
}
