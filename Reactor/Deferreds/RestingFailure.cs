using System.Diagnostics.CodeAnalysis;

namespace Poetry.Net;

/// <summary>
/// Holds the failure of a deferred at rest. Only the deferred refers to it, so the garbage collector finds both together,
/// and its finalizer marks the failure as lost. It is made only at rest: a finalizer on every deferred would cost 26 ns each.
/// </summary>
internal sealed class RestingFailure
{
    private readonly UnhandledFailures.Entry? _entry;

    public RestingFailure(Failure failure)
    {
        Failure = failure;
        _entry = UnhandledFailures.Current.Add(failure);
    }

    /// <summary>There is no entry if the constructor ran out of memory.</summary>
    ~RestingFailure() => _entry?.Lose();

    public Failure Failure { get; }

    /// <summary>Takes the failure for a function, which handles it.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "The finalizer stands for a report, not for a resource to dispose of.")]
    public Failure Take()
    {
        GC.SuppressFinalize(this);
        _entry!.Take();
        return Failure;
    }
}
