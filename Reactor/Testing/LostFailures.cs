using Microsoft.Extensions.Logging;

namespace Poetry.Net.Testing;

/// <summary>
/// Collects the errors that nothing handled. A test can then fail because of them: use this as the log of the test's
/// reactors, and call <see cref="Take"/> at the end of the test. It also collects the failures that deferreds lose on a
/// thread without a reactor.
/// </summary>
public sealed class LostFailures : ILogger
{
    private readonly Lock _gate = new();
    private readonly List<Failure> _lost = [];

    /// <summary>
    /// Takes the failures that were lost until now, and the exceptions of callbacks. They are not reported again. Runs the
    /// garbage collector, because only that knows that a deferred is no longer referenced.
    /// </summary>
    /// <param name="andResting">True to also take the failures of deferreds that are still referenced.</param>
    public Failure[] Take(bool andResting = false)
    {
        var taken = new List<Failure>(UnhandledFailures.TakeOrphans(lostOnly: true));
        if (andResting)
        {
            taken.AddRange(UnhandledFailures.TakeOrphans(lostOnly: false));
        }

        lock (_gate)
        {
            taken.AddRange(_lost);
            _lost.Clear();
        }

        return [.. taken];
    }

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (exception is not null)
        {
            lock (_gate)
            {
                _lost.Add(new Failure(exception));
            }
        }
    }
}
