namespace Poetry.Net;

/// <summary>
/// Lets calls with the same key share one operation. The first call starts it; calls that come while it is outstanding join
/// it. All get the same value or the same failure, each on its own deferred, in the order of the calls. No result is kept:
/// the next call starts a new operation, after a success and after a failure.
/// </summary>
/// <remarks>
/// Each caller has its own deferred because a deferred is a chain: if two callers shared one, the second would get the result
/// of the first one's functions. The key is removed before any of the deferreds is fired: a function that calls again starts a
/// new operation, and does not join the one that ends.
/// </remarks>
/// <param name="comparer">Compares keys; null for the default comparer.</param>
public sealed class DeferredPooler<TKey, T>(IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
{
    private readonly Dictionary<TKey, Operation> _outstanding = new(comparer);

    /// <summary>The number of outstanding operations.</summary>
    public int OutstandingCount => _outstanding.Count;

    /// <summary>Joins the outstanding operation of the key, or starts one.</summary>
    /// <param name="key">The key of the operation.</param>
    /// <param name="start">Starts the operation. An exception that it throws is the failure of the operation.</param>
    /// <returns>The caller's own deferred. Cancelling it does not affect the other callers. Cancelling the last one cancels the
    /// operation.</returns>
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
                // Its only caller has cancelled during the start; or the operation has ended, and then this does nothing.
                _deferred.Cancel();
            }
        }

        /// <summary>Called when a caller has cancelled. The last one cancels the operation. The key is removed first: a call from
        /// inside the canceller starts a new operation.</summary>
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

        /// <summary>Removes the key, unless it has been removed already and may be that of a new operation.</summary>
        private void RemoveKey() =>
            ((ICollection<KeyValuePair<TKey, Operation>>)pooler._outstanding).Remove(new(key, this));
    }
}
