using System.Diagnostics.CodeAnalysis;

namespace Poetry.Net;

/// <summary>
/// A deferred was fired twice: Twisted's <c>twisted.internet.defer.AlreadyCalledError</c>. A delayed call that has run throws
/// <see cref="AlreadyCalled"/>.
/// </summary>
public sealed class AlreadyCalledError() : InvalidOperationException("the deferred has been fired already");

/// <summary>A deferred was cancelled, and its canceller did not fire it.</summary>
public sealed class CancelledError() : OperationCanceledException("cancelled");

/// <summary>A deferred did not fire before its timeout.</summary>
/// <param name="timeout">The timeout.</param>
public sealed class TimeoutError(TimeSpan timeout) : TimeoutException("not done in time")
{
    /// <summary>The timeout.</summary>
    public TimeSpan Timeout { get; } = timeout;
}

/// <summary>A member of a list, or of another group, failed, and it was the first one to fail.</summary>
[SuppressMessage("Naming", "CA1710", Justification = "Twisted's name.")]
public sealed class FirstError : Exception
{
    internal FirstError(int index, Failure failure, object? key = null)
        : base($"member {key ?? index} failed first: {failure.Message}", failure.Exception)
    {
        Index = index;
        Key = key;
        SubFailure = failure;
    }

    /// <summary>The index of the member, from 0.</summary>
    public int Index { get; }

    /// <summary>The key of the member in a <see cref="DeferredDict{TKey,T}"/>; else null.</summary>
    public object? Key { get; }

    /// <summary>The failure of the member.</summary>
    public Failure SubFailure { get; }
}

/// <summary>All deferreds of a race failed.</summary>
/// <param name="failures">The failures, in the order of the deferreds.</param>
[SuppressMessage("Naming", "CA1710", Justification = "Twisted's name.")]
public sealed class FailureGroup(IReadOnlyList<Failure> failures) : Exception("all deferreds of the race failed")
{
    /// <summary>The failures, in the order of the deferreds.</summary>
    public IReadOnlyList<Failure> Failures { get; } = failures;
}

/// <summary>A <see cref="DeferredQueue{T}"/> is full.</summary>
public sealed class QueueOverflow() : InvalidOperationException("the queue is full");

/// <summary>Too many callers wait for a value of a <see cref="DeferredQueue{T}"/>.</summary>
public sealed class QueueUnderflow() : InvalidOperationException("too many callers wait for the queue");

/// <summary>A lock or semaphore that is not held was released.</summary>
public sealed class ReleaseError() : InvalidOperationException("the lock is not held");
