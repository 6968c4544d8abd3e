namespace Poetry.Net;

/// <summary>
/// A client factory that connects again after a failure or a lost connection, with growing delays: Twisted's
/// <c>ReconnectingClientFactory</c>. A protocol calls <see cref="ResetDelay"/> when its connection works.
/// </summary>
public abstract class ReconnectingFactory : ClientFactory
{
    private readonly Random _random;
    private DelayedCall? _call;
    private TimeSpan _delay;
    private bool _stopped;

    /// <summary>Makes a factory with the delays of Twisted.</summary>
    /// <param name="random">The source of the jitter; null for a new one. A test passes one with a seed.</param>
    protected ReconnectingFactory(Random? random = null)
    {
        _random = random ?? new Random();
    }

    /// <summary>The first delay; 1 s by default.</summary>
    public TimeSpan InitialDelay { get; init => field = Within(value, TimeSpan.Zero, TimeSpan.MaxValue); } = TimeSpan.FromSeconds(1);

    /// <summary>The longest delay, without its jitter; one hour by default.</summary>
    public TimeSpan MaxDelay { get; init => field = Within(value, TimeSpan.Zero, TimeSpan.MaxValue); } = TimeSpan.FromHours(1);

    /// <summary>The factor from one delay to the next, at least 1; e by default.</summary>
    public double Factor { get; init => field = Within(value, 1, double.MaxValue); } = Math.E;

    /// <summary>The part of a delay by which it is made longer or shorter at random, from 0 to 1; 0.12 by default. Without it,
    /// the clients of a server that restarts would all connect at the same time.</summary>
    public double Jitter { get; init => field = Within(value, 0, 1); } = 0.12;

    /// <summary>The maximum number of retries in a row; null for no limit.</summary>
    public int? MaxRetries { get; init => field = value is null ? null : Within(value.Value, 0, int.MaxValue); }

    /// <summary>The clock that schedules the retries; null, the default, for the reactor of the connector.</summary>
    public IClock? Clock { get; init; }

    /// <summary>The number of retries since the last <see cref="ResetDelay"/>.</summary>
    public int Retries { get; private set; }

    /// <summary>The connection is good: the next delay is the first one again.</summary>
    public void ResetDelay()
    {
        _delay = TimeSpan.Zero;
        Retries = 0;
        _stopped = false;
        _ = _call?.CancelIfActive();
    }

    /// <summary>Stops connecting again. An open connection stays open.</summary>
    public void StopTrying()
    {
        _stopped = true;
        _ = _call?.CancelIfActive();
    }

    /// <inheritdoc/>
    protected internal override void ClientConnectionFailed(Connector connector, Failure reason) => Retry(connector, reason);

    /// <inheritdoc/>
    protected internal override void ClientConnectionLost(Connector connector, Failure reason) => Retry(connector, reason);

    private static T Within<T>(T value, T min, T max)
        where T : IComparable<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, min);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, max);
        return value;
    }

    private void Retry(Connector connector, Failure reason)
    {
        ArgumentNullException.ThrowIfNull(connector);
        ArgumentNullException.ThrowIfNull(reason);
        if (_stopped || Retries == MaxRetries || reason.Check<CancelledError>())
        {
            return;
        }

        Retries++;
        _delay = _delay == TimeSpan.Zero ? InitialDelay : _delay.Ticks * Factor < MaxDelay.Ticks ? _delay * Factor : MaxDelay;
        TimeSpan delay = _delay * (1 + (Jitter * ((2 * _random.NextDouble()) - 1)));
        _call = (Clock ?? connector.Clock).CallLater(delay, connector, static connector => connector.Connect());
    }
}
