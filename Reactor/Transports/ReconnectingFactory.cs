using System;

namespace Poetry.Net;

/// <summary>
/// A client factory that connects again after a failure or a lost connection, after delays that grow: Twisted's
/// <c>ReconnectingClientFactory</c>. A protocol that is satisfied with its connection calls <see cref="ResetDelay"/>.
/// </summary>
public abstract class ReconnectingFactory : ClientFactory
{
    private readonly Random _random;
    private DelayedCall? _call;
    private TimeSpan _delay;
    private bool _stopped;

    /// <summary>Makes a factory with the delays of Twisted.</summary>
    /// <param name="random">Jitters the delays; null for one of its own. A test passes one with a seed.</param>
    protected ReconnectingFactory(Random? random = null)
    {
        _random = random ?? new Random();
    }

    /// <summary>The first delay: 1 s unless set.</summary>
    public TimeSpan InitialDelay { get; init => field = Within(value, TimeSpan.Zero, TimeSpan.MaxValue); } = TimeSpan.FromSeconds(1);

    /// <summary>No delay is longer, except for its jitter: an hour unless set.</summary>
    public TimeSpan MaxDelay { get; init => field = Within(value, TimeSpan.Zero, TimeSpan.MaxValue); } = TimeSpan.FromHours(1);

    /// <summary>Each delay is longer by this factor, at least 1: e unless set.</summary>
    public double Factor { get; init => field = Within(value, 1, double.MaxValue); } = Math.E;

    /// <summary>The part of a delay by which it is made longer or shorter at random, so that the clients of a server that was
    /// restarted do not come back at the same moment: from 0 to 1, 0.12 unless set.</summary>
    public double Jitter { get; init => field = Within(value, 0, 1); } = 0.12;

    /// <summary>It gives up after so many retries in a row; null for never.</summary>
    public int? MaxRetries { get; init => field = value is null ? null : Within(value.Value, 0, int.MaxValue); }

    /// <summary>Schedules the retries: the reactor of the connector unless set.</summary>
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

    /// <summary>Connects no more. A connection that is open stays open.</summary>
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
