using System;
using System.Collections.Generic;

namespace Poetry.Net;

/// <summary>
/// Lets calls that ask for the same thing at the same time share one operation. The first call starts it; those that come
/// while it is outstanding join; all get the same value or the same failure, each on a deferred of its own, in the order of
/// calling. Nothing is kept afterwards: the next call starts anew, after a failure as after a success.
/// </summary>
/// <remarks>
/// Each caller has its own deferred because a deferred is a chain: if two shared one, the second would get what the functions
/// of the first had made of the result. The key is given up before any of them is fired, so that a function which asks again
/// gets a fresh operation rather than the one that is just ending.
/// </remarks>
/// <param name="comparer">Tells which keys are the same; null for the default.</param>
public sealed class DeferredPooler<TKey, T>(IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
{
    private readonly Dictionary<TKey, Operation> _outstanding = new(comparer);

    /// <summary>How many operations are outstanding.</summary>
    public int OutstandingCount => _outstanding.Count;

    /// <summary>Joins the outstanding operation of the key, or starts one.</summary>
    /// <param name="key">What is asked for.</param>
    /// <param name="start">Starts the operation; what it throws is the failure of it.</param>
    /// <returns>A deferred of the caller's own. Cancelling it leaves the others alone; when the last one is cancelled, so is
    /// the operation.</returns>
    public Deferred<T> Call(TKey key, Func<TKey, Deferred<T>> start)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (_outstanding.TryGetValue(key, out Operation? operation))
        {
            return operation.Join();
        }

        operation = new Operation(this, key);
        _outstanding.Add(key, operation);
        Deferred<T> mine = operation.Join();
        operation.Start(start);
        return mine;
    }

    /// <summary>How many callers wait for the outstanding operation of a key: 0 if there is none.</summary>
    public int WaitingCount(TKey key) => _outstanding.TryGetValue(key, out Operation? operation) ? operation.Count : 0;

    /// <summary>One operation, and the callers that wait for it.</summary>
    private sealed class Operation(DeferredPooler<TKey, T> pooler, TKey key) : WaitingLine<T>
    {
        private Deferred<T>? _deferred;
        private bool _givenUp;

        public void Start(Func<TKey, Deferred<T>> start)
        {
            try
            {
                _deferred = start(key);
            }
            catch (Exception exception)
            {
                _deferred = Deferred.Fail<T>(exception);
            }

            _deferred.AddBoth(this, static (operation, outcome) => operation.Ended(outcome));
            if (Count == 0)
            {
                // Its only caller was cancelled while it started; or it has ended, and this does nothing.
                _deferred.Cancel();
            }
        }

        /// <summary>A caller has cancelled. Without callers there is no use in going on; and whoever asks from now on, even
        /// from inside of the cancelling, is not to be given what is being cancelled.</summary>
        private protected override void HasLeft()
        {
            if (Count == 0)
            {
                GiveUpKey();
                _deferred?.Cancel();
            }
        }

        private void Ended(Outcome<T> outcome)
        {
            GiveUpKey();
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

        private void GiveUpKey()
        {
            if (!_givenUp)
            {
                _givenUp = true;
                pooler._outstanding.Remove(key);
            }
        }
    }
}
