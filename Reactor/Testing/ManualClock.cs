namespace Poetry.Net.Testing;

/// <summary>
/// A clock that stands still until a test moves it: Twisted's <c>task.Clock</c>. It uses the reactor's queue of delayed
/// calls, so a test runs the code that the reactor runs.
/// </summary>
public class ManualClock : IClock
{
    private readonly TimerQueue _calls;

    /// <summary>Makes a clock that shows zero.</summary>
    public ManualClock()
    {
        _calls = new TimerQueue(this);
    }

    /// <inheritdoc/>
    public TimeSpan Now { get; private set; }

    /// <summary>The number of pending delayed calls.</summary>
    public int PendingCount => _calls.Count;

    /// <summary>The due times of the pending delayed calls, earliest first.</summary>
    public IReadOnlyList<TimeSpan> PendingDues => _calls.Dues();

    /// <inheritdoc/>
    public DelayedCall CallLater<TState>(TimeSpan delay, TState state, Action<TState> call) => _calls.Add(delay, state, call);

    /// <summary>
    /// Moves the clock, and then makes the calls that are due, earliest first. All of them see the new time. Calls that
    /// they schedule are also made if they are due at the new time. This method throws the exception that a call throws.
    /// </summary>
    public virtual void Advance(TimeSpan by) => Advance(by, static _ => long.MaxValue);

    /// <summary>As <see cref="Advance(TimeSpan)"/>, in seconds.</summary>
    public void Advance(double seconds) => Advance(TimeSpan.FromSeconds(seconds));

    /// <summary>Calls <see cref="Advance(double)"/> for each step, as a loop would see the time pass.</summary>
    public void Pump(params double[] seconds)
    {
        ArgumentNullException.ThrowIfNull(seconds);
        foreach (double step in seconds)
        {
            Advance(step);
        }
    }

    /// <summary>
    /// Moves the clock, and then makes one turn, like the reactor's loop: calls that are scheduled during the turn wait for
    /// the next turn, even if they are due at once.
    /// </summary>
    public void Turn(TimeSpan by) => Advance(by, static calls => calls.LastSequence);

    private void Advance(TimeSpan by, Func<TimerQueue, long> sequenceBound)
    {
        Now += by;
        long bound = sequenceBound(_calls);
        SynchronizationContext? outer = LoopContext.Enter();
        try
        {
            while (_calls.TakeDue(Now.Ticks, bound) is { } call)
            {
                call.Fire();
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }
}
