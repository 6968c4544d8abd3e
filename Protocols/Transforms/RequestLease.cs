using System.Diagnostics;

namespace Poetry.Protocols;

/// <summary>
/// The memory that one connection holds for its request and answer. It takes a small lease before the first byte is read,
/// which is enough for a short request and its answer. A long request needs a large lease for the whole request and its
/// answer: an admitted request never waits for more memory, so connections cannot block each other.
/// </summary>
/// <remarks>Small and large leases have separate budgets, so long requests do not block short ones.</remarks>
internal sealed class RequestLease
{
    /// <summary>The size of a small lease. Chosen: the smallest buffer; most requests and answers fit in it.</summary>
    public const int SmallBytes = TextBuffer.MinCapacity;

    /// <summary>The longest text that a small lease can hold.</summary>
    public const int MaxSmallText = SmallBytes - TextBuffer.Overhead;

    private readonly BudgetQueue _small;
    private readonly BudgetQueue _large;
    private readonly Action _granted;
    private readonly LinkedListNode<RequestLease> _node;
    private BudgetQueue? _waitsFor;
    private bool _hasSmall;
    private long _largeBytes;

    /// <param name="small">The budget for short requests.</param>
    /// <param name="large">The budget for long requests.</param>
    /// <param name="granted">Called when a lease that had to wait has its memory.</param>
    public RequestLease(BudgetQueue small, BudgetQueue large, Action granted)
    {
        _small = small;
        _large = large;
        _granted = granted;
        _node = new LinkedListNode<RequestLease>(this);
    }

    public bool IsWaiting => _waitsFor is not null;

    /// <summary>True if it holds a large lease: more of the request may be read.</summary>
    public bool IsLarge => _largeBytes > 0;

    /// <summary>The number of bytes for which a lease waits.</summary>
    public long MissingBytes { get; private set; }

    /// <summary>True if this number of bytes could be held when no other connection holds any.</summary>
    public bool CanHold(long bytes) => bytes <= SmallBytes || bytes <= _large.Budget.MaxBytes;

    /// <summary>Takes the small lease.</summary>
    /// <returns>False if it has to wait.</returns>
    public bool TryBegin() => TryTake(_small, SmallBytes);

    /// <summary>Makes the lease hold at least this number of bytes.</summary>
    /// <param name="bytes">The memory for the request and its answer. <see cref="CanHold"/> must be true for it.</param>
    /// <returns>False if it has to wait.</returns>
    public bool TryReserve(long bytes) =>
        bytes <= SmallBytes || bytes <= _largeBytes || TryTake(_large, bytes - _largeBytes);

    /// <summary>Holds this number of bytes even if that exceeds the budget, because the data is in memory already.</summary>
    public void Reserve(long bytes)
    {
        if (bytes > Math.Max(SmallBytes, _largeBytes))
        {
            _large.Budget.Take(bytes - _largeBytes);
            _largeBytes = bytes;
        }
    }

    /// <summary>Returns the bytes that are held above this number.</summary>
    public void Shrink(long bytes)
    {
        long kept = bytes <= SmallBytes ? 0 : bytes;
        if (kept < _largeBytes)
        {
            long returned = _largeBytes - kept;
            _largeBytes = kept;
            _large.Return(returned);
        }
    }

    public void Return()
    {
        if (_waitsFor is { } queue)
        {
            _waitsFor = null;
            queue.Remove(_node);
        }

        Shrink(0);
        if (_hasSmall)
        {
            _hasSmall = false;
            _small.Return(SmallBytes);
        }
    }

    /// <summary>Called by the queue when it has taken the missing bytes.</summary>
    internal void Grant()
    {
        Debug.Assert(_waitsFor is not null, "it was in a queue");
        Add(_waitsFor, MissingBytes);
        _waitsFor = null;
        _granted();
    }

    private bool TryTake(BudgetQueue queue, long bytes)
    {
        if (queue.TryTake(bytes))
        {
            Add(queue, bytes);
            return true;
        }

        Debug.Assert(_waitsFor is null, "a lease waits for one thing");
        MissingBytes = bytes;
        _waitsFor = queue;
        queue.Add(_node);
        return false;
    }

    private void Add(BudgetQueue queue, long bytes)
    {
        if (queue == _small)
        {
            _hasSmall = true;
        }
        else
        {
            _largeBytes += bytes;
        }
    }
}
