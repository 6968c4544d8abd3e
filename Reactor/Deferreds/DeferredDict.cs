namespace Poetry.Net;

/// <summary>
/// Waits for several deferreds that have keys: a <see cref="DeferredList{T}"/> with keys instead of indices, with the same
/// flags and the same rule for cancelling. It fires with the outcomes of all members.
/// </summary>
public sealed class DeferredDict<TKey, T> : DeferredCollection<T, IReadOnlyDictionary<TKey, Outcome<T>>>
    where TKey : notnull
{
    private readonly KeyValuePair<TKey, Deferred<T>>[] _members;
    private readonly IEqualityComparer<TKey>? _comparer;

    /// <summary>Starts to wait for the members.</summary>
    /// <param name="members">The members, each key once. Without members it fires at once.</param>
    /// <param name="fireOnOneCallback">True to fire as soon as one member succeeds, with only that member. Without members it
    /// then never fires.</param>
    /// <param name="fireOnOneErrback">True to fail as soon as one member fails, with <see cref="FirstError"/>.</param>
    /// <param name="consumeErrors">True if the failures of members count as handled.</param>
    /// <param name="comparer">Compares keys; null for the default comparer.</param>
    /// <exception cref="ArgumentException">A key occurs twice. Nothing was added to any member.</exception>
    public DeferredDict(
        IEnumerable<KeyValuePair<TKey, Deferred<T>>> members,
        bool fireOnOneCallback = false,
        bool fireOnOneErrback = false,
        bool consumeErrors = false,
        IEqualityComparer<TKey>? comparer = null)
        : this((KeyValuePair<TKey, Deferred<T>>[])[.. members], fireOnOneCallback, fireOnOneErrback, consumeErrors, comparer)
    {
    }

    private DeferredDict(
        KeyValuePair<TKey, Deferred<T>>[] members,
        bool fireOnOneCallback,
        bool fireOnOneErrback,
        bool consumeErrors,
        IEqualityComparer<TKey>? comparer)
        : base(
            Array.ConvertAll(members, static member => (Deferred)member.Value),
            fireOnOneCallback,
            fireOnOneErrback,
            consumeErrors)
    {
        _members = members;
        _comparer = comparer;
        var keys = new HashSet<TKey>(comparer);
        foreach (KeyValuePair<TKey, Deferred<T>> member in members)
        {
            if (!keys.Add(member.Key))
            {
                throw new ArgumentException($"the key {member.Key} occurs twice", nameof(members));
            }
        }

        Open();
    }

    private protected override IReadOnlyDictionary<TKey, Outcome<T>> WhenAll(Outcome<T>[] outcomes)
    {
        var result = new Dictionary<TKey, Outcome<T>>(outcomes.Length, _comparer);
        for (int i = 0; i < outcomes.Length; i++)
        {
            result.Add(_members[i].Key, outcomes[i]);
        }

        return result;
    }

    private protected override IReadOnlyDictionary<TKey, Outcome<T>> WhenFirst(int index, T value) =>
        new Dictionary<TKey, Outcome<T>>(1, _comparer) { [_members[index].Key] = new(value) };

    private protected override FirstError WhenFirstFailed(int index, Failure failure) =>
        new(index, failure, _members[index].Key);
}
