using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// Deferreds that wait their turn, first in, first out. One that is cancelled leaves the line at once and fails with
/// <see cref="CancelledError"/>; there is no operation behind it that could fire it later.
/// </summary>
internal class WaitingLine<T>
{
    private Waiter? _first;
    private Waiter? _last;

    /// <summary>How many wait.</summary>
    public int Count { get; private set; }

    /// <summary>Joins the line.</summary>
    /// <returns>Fires when its turn comes. Cancelling it leaves the line.</returns>
    public Deferred<T> Join()
    {
        var waiter = new Waiter(this) { Before = _last };
        if (_last is null)
        {
            _first = waiter;
        }
        else
        {
            _last.After = waiter;
        }

        _last = waiter;
        Count++;
        return waiter;
    }

    /// <summary>Takes the first one out of the line, for the caller to fire.</summary>
    /// <returns>Null if nobody waits. Cancelling it has no operation to stop any more.</returns>
    public Deferred<T>? TakeFirst()
    {
        Waiter? first = _first;
        if (first is not null)
        {
            Remove(first);
        }

        return first;
    }

    /// <summary>One has cancelled, and is out of the line; it fails when this returns.</summary>
    private protected virtual void HasLeft()
    {
    }

    private void Remove(Waiter waiter)
    {
        Debug.Assert(Count > 0, "who leaves was in line");
        if (waiter.Before is null)
        {
            _first = waiter.After;
        }
        else
        {
            waiter.Before.After = waiter.After;
        }

        if (waiter.After is null)
        {
            _last = waiter.Before;
        }
        else
        {
            waiter.After.Before = waiter.Before;
        }

        waiter.Before = null;
        waiter.After = null;
        Count--;
    }

    /// <summary>A place in the line, which is the deferred too.</summary>
    private sealed class Waiter : Deferred<T>
    {
        private readonly WaitingLine<T> _line;

        public Waiter(WaitingLine<T> line)
        {
            _line = line;
            _state = Owned;
        }

        public Waiter? Before { get; set; }

        public Waiter? After { get; set; }

        private protected override void CancelUnfired()
        {
            _line.Remove(this);
            _line.HasLeft();
            FireFailure(Failure.Cancelled);
        }
    }
}
