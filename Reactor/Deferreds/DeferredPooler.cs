using System;
using System.Collections.Generic;

namespace Poetry.Net;

/// <summary>
/// Lets calls with the same key share one operation. The first call starts it; calls that come while it is outstanding join
/// it. All get the same value or the same failure, each on a deferred of its own, in the order of calling. Nothing is kept
/// afterwards: the next call starts a new operation, after a failure as after a success.
/// </summary>
/// <remarks>
/// Each caller has its own deferred because a deferred is a chain: if two callers shared one, the second would get what the
/// functions of the first returned. The key is removed before any of them is fired, so that a function that calls again starts
/// a new operation and does not join the one that is just ending.
/// </remarks>
/// <param name="comparer">Compares keys; null for the default comparer.</param>
public sealed class DeferredPooler<TKey, T>(IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
{
    private readonly Dictionary<TKey, Operation> _outstanding = new(comparer);

    /// <summary>The number of outstanding operations.</summary>
    public int OutstandingCount => _outstanding.Count;

    /// <summary>Joins the outstanding operation of the key, or starts one.</summary>
    /// <param name="key">Names the operation.</param>
    /// <param name="start">Starts the operation. What it throws is the failure of the operation.</param>
    /// <returns>A deferred of the caller's own. Cancelling it leaves the others alone; when the last one is cancelled, so is
    /// the operation.</returns>
    public Deferred<T> Call(TKey key, Func<TKey, Deferred<T>> start)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (_outstanding.TryGetValue(key, out Operation? operation))
        {
            return operation.Add();
        }

        operation = new Operation(this, key);
        _outstanding.Add(key, operation);
        Deferred<T> mine = operation.Add();
        operation.Start(start);
        return mine;
    }

    /// <summary>The number of callers that wait for the operation of a key.</summary>
    public int WaitingCount(TKey key) => _outstanding.TryGetValue(key, out Operation? operation) ? operation.Count : 0;

    /// <summary>One operation, and the callers that wait for it.</summary>
    private sealed class Operation(DeferredPooler<TKey, T> pooler, TKey key) : WaiterQueue<T>
    {
        private Deferred<T>? _deferred;

        public void Start(Func<TKey, Deferred<T>> start)
        {
            _deferred = Deferred.MaybeDeferred(() => start(key));
            _deferred.AddBoth(this, static (operation, outcome) => operation.Ended(outcome));
            if (Count == 0)
            {
                // Its only caller was cancelled while it started; or it has ended, and then this does nothing.
                _deferred.Cancel();
            }
        }

        /// <summary>A caller has cancelled. The operation is cancelled with its last caller. Its key is removed first, so
        /// that a call from inside the canceller starts a new operation.</summary>
        private protected override void OnCancelled()
        {
            if (Count == 0)
            {
                RemoveKey();
                _deferred?.Cancel();
            }
        }

        private void Ended(Outcome<T> outcome)
        {
            RemoveKey();
            while (TakeFirst() is { } caller)
            {
                if (outcome.Failure is { } failure)
                {
                    caller.FireFailure(failure);
                }
                else
                {
                    caller.FireValue(outcome.Value);
                }
            }
        }

        /// <summary>Unless it has been removed: then the key may be that of a new operation.</summary>
        private void RemoveKey() =>
            ((ICollection<KeyValuePair<TKey, Operation>>)pooler._outstanding).Remove(new(key, this));
    }
}
