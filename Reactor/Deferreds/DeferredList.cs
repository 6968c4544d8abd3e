using System.Collections;

namespace Poetry.Net;

/// <summary>
/// Waits for several deferreds at once: Twisted's <c>DeferredList</c>. It fires when every member has a result, with
/// the outcomes in the order of the list. So it succeeds even if all members fail.
/// </summary>
/// <remarks>
/// The members stay usable: each keeps its result, and functions may be added to it before or after. So a member that fails is
/// reported as unhandled unless it also has an errback, or <c>consumeErrors</c> is true. Cancelling the list cancels every
/// member, and the list then fires with their outcomes. A list that has fired is not cancelled.
/// </remarks>
public sealed class DeferredList<T> : DeferredCollection<T, DeferredListResult<T>>
{
    /// <summary>Starts to wait for the members.</summary>
    /// <param name="members">The members. Each occurrence of a deferred counts. Without members the list fires at once.</param>
    /// <param name="fireOnOneCallback">True to fire as soon as one member succeeds, with only that member: see
    /// <see cref="DeferredListResult{T}.FirstIndex"/>. Without members it then never fires.</param>
    /// <param name="fireOnOneErrback">True to fail as soon as one member fails, with <see cref="FirstError"/>.</param>
    /// <param name="consumeErrors">True if the failures of members count as handled; such a member keeps the default
    /// value.</param>
    public DeferredList(
        IEnumerable<Deferred<T>> members,
        bool fireOnOneCallback = false,
        bool fireOnOneErrback = false,
        bool consumeErrors = false)
        : this((Deferred[])[.. members], fireOnOneCallback, fireOnOneErrback, consumeErrors)
    {
    }

    internal DeferredList(Deferred[] members, bool fireOnOneCallback, bool fireOnOneErrback, bool consumeErrors)
        : base(members, fireOnOneCallback, fireOnOneErrback, consumeErrors)
    {
        Open();
    }

    private protected override DeferredListResult<T> WhenAll(Outcome<T>[] outcomes) => new(outcomes, null);

    private protected override DeferredListResult<T> WhenFirst(int index, T value) => new([new Outcome<T>(value)], index);
}

/// <summary>
/// The outcomes of the members of a <see cref="DeferredList{T}"/>, in the order of the list. If the list fires with the first
/// success, this holds only that outcome, and <see cref="FirstIndex"/> is the index of its member.
/// </summary>
public readonly struct DeferredListResult<T> : IReadOnlyList<Outcome<T>>
{
    private readonly Outcome<T>[]? _outcomes;

    internal DeferredListResult(Outcome<T>[] outcomes, int? firstIndex)
    {
        _outcomes = outcomes;
        FirstIndex = firstIndex;
    }

    /// <summary>The index of the member that succeeded first, if the list waited for the first success; else null.</summary>
    public int? FirstIndex { get; }

    /// <summary>The number of outcomes.</summary>
    public int Count => _outcomes?.Length ?? 0;

    /// <summary>The outcome of one member.</summary>
    public Outcome<T> this[int index] => (_outcomes ?? [])[index];

    /// <summary>All outcomes, in order.</summary>
    public IEnumerator<Outcome<T>> GetEnumerator() => ((IEnumerable<Outcome<T>>)(_outcomes ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>The values of the members, in order, or the first failure: Twisted's <c>gatherResults</c>.</summary>
internal sealed class GatheredResults<T> : DeferredCollection<T, T[]>
{
    public GatheredResults(Deferred[] members, bool consumeErrors)
        : base(members, fireOnOneCallback: false, fireOnOneErrback: true, consumeErrors)
    {
        Open();
    }

    private protected override T[] WhenAll(Outcome<T>[] outcomes) => Array.ConvertAll(outcomes, static outcome => outcome.Value);

    private protected override T[] WhenFirst(int index, T value) => [value];
}

/// <summary>Takes the first success and cancels the other members: Twisted's <c>race</c>.</summary>
internal sealed class DeferredRace<T> : DeferredGroup<T, (int Index, T Value)>
{
    private readonly Failure[] _failures;
    private int _failedCount;
    private bool _won;

    public DeferredRace(Deferred[] runners)
        : base(runners)
    {
        _failures = new Failure[runners.Length];
        Start();
    }

    private protected override bool MemberFired(int index, Outcome<T> outcome)
    {
        if (_won)
        {
            return true;
        }

        if (outcome.Failure is { } failure)
        {
            _failures[index] = failure;
            if (++_failedCount == _failures.Length)
            {
                FireFailure(new Failure(new FailureGroup(_failures)));
            }
        }
        else
        {
            _won = true;
            CancelMembers(exceptIndex: index);
            FireValue((index, outcome.Value));
        }

        return true;
    }
}
