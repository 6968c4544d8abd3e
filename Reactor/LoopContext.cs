namespace Poetry.Net;

/// <summary>
/// Stops <c>async void</c> functions on a reactor's thread before they begin: the loop could not wait for them, and an
/// exception of one would end the process. Most methods refuse an <c>async</c> lambda at compile time, or wait for its
/// deferred. This class catches the rest: functions with a state, events, and async void methods that callbacks call.
/// </summary>
/// <remarks>Tasks are not affected: they continue in the thread pool, as without this.</remarks>
internal sealed class LoopContext : SynchronizationContext
{
    private static readonly LoopContext Instance = new();

    /// <summary>Installs it as the context of this thread.</summary>
    /// <returns>The previous context.</returns>
    public static SynchronizationContext? Enter()
    {
        SynchronizationContext? outer = Current;
        SetSynchronizationContext(Instance);
        return outer;
    }

    /// <summary>Called by code that the compiler generates, at the start of an async void function.</summary>
    public override void OperationStarted() => throw new NotSupportedException(
        "an async void function was called on a reactor's thread: return a deferred (async Deferred)");

    public override SynchronizationContext CreateCopy() => this;
}
