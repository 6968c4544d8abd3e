using System.Diagnostics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>The memory that all connections together may hold, on all reactors of the process.</summary>
/// <remarks>Crosses threads: one number, changed by interlocked operations.</remarks>
internal sealed class RequestBudget(long maxBytes)
{
    private long _takenBytes;

    public long MaxBytes => maxBytes;

    public long TakenBytes => Volatile.Read(ref _takenBytes);

    /// <summary>Takes bytes if the limit allows it.</summary>
    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _takenBytes, bytes) <= maxBytes)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    /// <summary>Takes bytes unconditionally, because the data is in memory already. May exceed the limit.</summary>
    public void Take(long bytes) => Interlocked.Add(ref _takenBytes, bytes);

    public void Return(long bytes)
    {
        long left = Interlocked.Add(ref _takenBytes, -bytes);
        Debug.Assert(left >= 0, "no more is returned than was taken");
    }
}

/// <summary>
/// One reactor's access to a budget. Leases that do not fit wait in a queue, and later ones do not overtake them.
/// </summary>
internal sealed class BudgetQueue
{
    /// <summary>Other reactors return bytes without a message to this one. Chosen: no load, no noticeable delay.</summary>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(10);

    private readonly RequestBudget _budget;
    private readonly LinkedList<RequestLease> _waiting = new();
    private readonly DelayedCall _retry;

    public BudgetQueue(RequestBudget budget, TimerQueue timers)
    {
        _budget = budget;
        _retry = timers.Create(this, static queue => queue.Retry());
    }

    public RequestBudget Budget => _budget;

    /// <summary>The bytes that can be taken without waiting; may be negative after <see cref="RequestBudget.Take"/>.</summary>
    public long FreeBytes => _waiting.Count > 0 ? 0 : _budget.MaxBytes - _budget.TakenBytes;

    public bool TryTake(long bytes) => _waiting.Count == 0 && _budget.TryTake(bytes);

    /// <summary>Returns bytes. The leases that wait are tried again in the next turn of the loop.</summary>
    public void Return(long bytes)
    {
        _budget.Return(bytes);
        RetryIn(TimeSpan.Zero);
    }

    /// <summary>Grants a lease as soon as its <see cref="RequestLease.MissingBytes"/> can be taken.</summary>
    public void Add(LinkedListNode<RequestLease> lease)
    {
        _waiting.AddLast(lease);
        if (_waiting.Count == 1)
        {
            RetryIn(RetryInterval);
        }
    }

    public void Remove(LinkedListNode<RequestLease> lease)
    {
        _waiting.Remove(lease);
        RetryIn(TimeSpan.Zero);
    }

    private void Retry()
    {
        while (_waiting.First is { } first && _budget.TryTake(first.Value.MissingBytes))
        {
            _waiting.RemoveFirst();
            first.Value.Grant();
        }

        RetryIn(RetryInterval);
    }

    private void RetryIn(TimeSpan delay)
    {
        if (_waiting.Count > 0)
        {
            _retry.Rearm(delay);
        }
        else
        {
            _ = _retry.CancelIfActive();
        }
    }
}
