using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace Poetry.Net;

/// <summary>A deferred was fired twice.</summary>
public sealed class AlreadyCalledError : InvalidOperationException
{
    /// <summary>The usual message.</summary>
    public AlreadyCalledError()
        : base("the deferred has been fired already")
    {
    }
}

/// <summary>A deferred was cancelled, and its canceller had nothing better to say.</summary>
public sealed class CancelledError : OperationCanceledException
{
    /// <summary>The usual message.</summary>
    public CancelledError()
        : base("cancelled")
    {
    }
}

/// <summary>A deferred was given some time and did not fire in it.</summary>
/// <param name="timeout">The time it was given.</param>
public sealed class TimeoutError(TimeSpan timeout) : TimeoutException("not done in time")
{
    /// <summary>The time it was given.</summary>
    public TimeSpan Timeout { get; } = timeout;
}

/// <summary>The first member of a list that failed.</summary>
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

    /// <summary>Which member: its place in the list, from 0.</summary>
    public int Index { get; }

    /// <summary>Which member of a dictionary; of a list, null.</summary>
    public object? Key { get; }

    /// <summary>What it failed with.</summary>
    public Failure SubFailure { get; }
}

/// <summary>Nobody won a race: every runner failed.</summary>
/// <param name="failures">In the order of the runners.</param>
[SuppressMessage("Naming", "CA1710", Justification = "Twisted's name.")]
public sealed class FailureGroup(IReadOnlyList<Failure> failures) : Exception("every runner failed")
{
    /// <summary>What they failed with, in the order of the runners.</summary>
    public IReadOnlyList<Failure> Failures { get; } = failures;
}

/// <summary>A <see cref="DeferredQueue{T}"/> is full.</summary>
public sealed class QueueOverflow : InvalidOperationException
{
    /// <summary>The usual message.</summary>
    public QueueOverflow()
        : base("the queue is full")
    {
    }
}

/// <summary>As many as may are waiting for a value of a <see cref="DeferredQueue{T}"/> already.</summary>
public sealed class QueueUnderflow : InvalidOperationException
{
    /// <summary>The usual message.</summary>
    public QueueUnderflow()
        : base("too many wait for the queue already")
    {
    }
}

/// <summary>A lock or semaphore was released that nobody holds.</summary>
public sealed class ReleaseError : InvalidOperationException
{
    /// <summary>The usual message.</summary>
    public ReleaseError()
        : base("released what was not acquired")
    {
    }
}
