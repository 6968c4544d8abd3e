namespace Poetry.Net;

/// <summary>
/// The common part of deferreds that wait for several others: a list, a dictionary, gathered results, a race. The group adds
/// a link to each member at once, and has its result when enough members have a result.
/// </summary>
/// <typeparam name="T">The result of a member.</typeparam>
/// <typeparam name="TResult">The result of the group.</typeparam>
public abstract class DeferredGroup<T, TResult> : Deferred<TResult>
{
    private readonly Deferred[] _members;

    private protected DeferredGroup(Deferred[] members)
    {
        foreach (Deferred member in members)
        {
            ArgumentNullException.ThrowIfNull(member, nameof(members));
            member.ThrowIfSuperseded();
        }

        _members = members;
        _state = IsGroup;
    }

    /// <summary>The number of members.</summary>
    public int Count => _members.Length;

    /// <summary>Adds a link to each member, in order. A member that has fired runs its link at once, so the group may have
    /// fired when this returns.</summary>
    private protected void Start()
    {
        for (int i = 0; i < _members.Length; i++)
        {
            _members[i].AddLink(new MemberLink(this, i));
        }
    }

    /// <summary>Called when a member has a result.</summary>
    /// <returns>True if the group handles its failure, false to leave the failure to the member.</returns>
    private protected abstract bool MemberFired(int index, Outcome<T> outcome);

    /// <summary>Cancels the members, in order. A member that has fired may wait for another deferred.</summary>
    /// <param name="exceptIndex">The index of a member that is not cancelled, or -1.</param>
    private protected void CancelMembers(int exceptIndex)
    {
        for (int i = 0; i < _members.Length; i++)
        {
            if (i == exceptIndex)
            {
                continue;
            }

            try
            {
                _members[i].Cancel();
            }
            catch (Exception exception)
            {
                // The other members have to be cancelled too.
                UnhandledFailures.Current.Report("Unhandled error in canceller", new Failure(exception));
            }
        }
    }

    /// <summary>Cancels all members of the group; the group then fires because its members do. A group that has fired is not
    /// cancelled.</summary>
    private protected override Deferred? CancelHere()
    {
        if ((_state & Fired) == 0)
        {
            CancelMembers(exceptIndex: -1);
        }

        return null;
    }

    private sealed class MemberLink(DeferredGroup<T, TResult> group, int index) : ChainLink
    {
        internal override Deferred? Run(Deferred source)
        {
            Failure? failure = source.CurrentFailure;
            Outcome<T> outcome = failure is not null ? new Outcome<T>(failure) : new Outcome<T>(ValueOf(source));
            if (group.MemberFired(index, outcome))
            {
                source.Discard();
            }

            return null;
        }

        /// <summary>A list of objects may have members of any type.</summary>
        private static T ValueOf(Deferred source) =>
            source is Deferred<T> typed ? typed.PeekValue : (T)source.CurrentValue!;
    }
}

/// <summary>
/// A group that keeps the outcome of each member and fires when all members have one. It has the three flags of Twisted's
/// <c>DeferredList</c>.
/// </summary>
/// <typeparam name="T">The result of a member.</typeparam>
/// <typeparam name="TResult">The result of the group.</typeparam>
public abstract class DeferredCollection<T, TResult> : DeferredGroup<T, TResult>
{
    private readonly Outcome<T>[] _outcomes;
    private readonly bool _fireOnOneCallback;
    private readonly bool _fireOnOneErrback;
    private readonly bool _consumeErrors;
    private int _finishedCount;

    private protected DeferredCollection(
        Deferred[] members, bool fireOnOneCallback, bool fireOnOneErrback, bool consumeErrors)
        : base(members)
    {
        _outcomes = members.Length == 0 ? [] : new Outcome<T>[members.Length];
        _fireOnOneCallback = fireOnOneCallback;
        _fireOnOneErrback = fireOnOneErrback;
        _consumeErrors = consumeErrors;
    }

    /// <summary>Starts to wait. Without members the group fires at once, unless it waits for the first success.</summary>
    private protected void Open()
    {
        if (_outcomes.Length == 0 && !_fireOnOneCallback)
        {
            FireValue(WhenAll(_outcomes));
        }

        Start();
    }

    private protected abstract TResult WhenAll(Outcome<T>[] outcomes);

    /// <summary>The result of a group that fires with its first success.</summary>
    private protected abstract TResult WhenFirst(int index, T value);

    private protected virtual FirstError WhenFirstFailed(int index, Failure failure) => new(index, failure);

    private protected sealed override bool MemberFired(int index, Outcome<T> outcome)
    {
        _outcomes[index] = outcome;
        _finishedCount++;
        if ((_state & Fired) == 0)
        {
            if (outcome.Succeeded && _fireOnOneCallback)
            {
                FireValue(WhenFirst(index, outcome.Value));
            }
            else if (!outcome.Succeeded && _fireOnOneErrback)
            {
                FireFailure(new Failure(WhenFirstFailed(index, outcome.Failure)));
            }
            else if (_finishedCount == _outcomes.Length)
            {
                FireValue(WhenAll(_outcomes));
            }
        }

        return !outcome.Succeeded && _consumeErrors;
    }
}
