using System;

namespace Poetry.Net;

/// <summary>
/// Decides whether a busy loop sleeps for a moment before it waits for events, so that one wake-up serves several clients:
/// what network cards call interrupt moderation. A wake-up costs processor time on both sides.
/// </summary>
/// <remarks>
/// <para>A sleep that collected too few events, as with a single client that asks again and again, is followed by a
/// back-off: an exponentially growing number of turns goes by before the next try. An idle loop does not sleep, and neither
/// does a loop so busy that events gather while others are handled.</para>
/// <para>Measured in C with 64 clients in flight, each on a connection of its own: 0.73 of the processor time, 1.11 of the
/// rate and 0.89 of the latency of the same server without it.</para>
/// </remarks>
internal struct WakeupCoalescer
{
    /// <summary>Length of a sleep; Linux adds its timer slack of 50. Between 10 and 50 no difference was seen.</summary>
    private const int ShortMicroseconds = 10;

    /// <summary>
    /// Length of a sleep where a short one collects too few events, but more than one: 20,000 connections a second, on a
    /// processor on which each takes long. It is the most that a sleep adds to the latency, with the slack of 50.
    /// </summary>
    private const int LongMicroseconds = 150;

    /// <summary>A sleep has to collect so many events: with two clients in lockstep, sleeping would halve their rate.</summary>
    private const int MinBatch = 4;

    /// <summary>Long sleeps have to collect more on average: with four clients in lockstep, they would only delay them.</summary>
    private const float MinLongAverage = 4.5f;

    /// <summary>The average with which long sleeps begin: five or six of them show whether they collect enough.</summary>
    private const float FirstLongAverage = 5;

    /// <summary>A long sleep that collects so many is followed by short ones, which last a quarter of it with the slack.</summary>
    private const int MaxLongBatch = 4 * MinBatch;

    /// <summary>The longest back-off, in turns with events.</summary>
    private const int MaxBackoff = 1024;

    /// <summary>During a turn of this length enough new events have arrived anyway.</summary>
    private const long LongTurnTicks = 100 * TimeSpan.TicksPerMicrosecond;

    private int _events;
    private bool _isLong;
    private float _longAverage;
    private int _backoff;
    private int _skips;

    /// <summary>True if the last call of <see cref="ShouldSleep"/> returned true.</summary>
    public bool Slept { get; private set; }

    /// <summary>How long to sleep.</summary>
    public readonly int SleepMicroseconds => _isLong ? LongMicroseconds : ShortMicroseconds;

    /// <summary>Counts events of this turn: descriptors that were ready, and connections accepted beside the first.</summary>
    public void AddEvents(int count) => _events += count;

    /// <summary>
    /// Counts a socket that became writable. A client that reads a lot has data to read meanwhile, so a sleep is worth it
    /// for one alone. Measured with 16 readers of 10 MB: 0.93 of the processor time, 1.09 of the rate, and the slowest
    /// waits 37 ms instead of 131.
    /// </summary>
    public void AddWritable() => _events += MinBatch - 1;

    /// <summary>Ends a turn.</summary>
    /// <param name="turnTicks">Its length without the wait, in ticks of 100 ns.</param>
    /// <param name="willWait">True if the loop has nothing to do at once.</param>
    /// <returns>True if the loop should sleep before it waits.</returns>
    public bool ShouldSleep(long turnTicks, bool willWait)
    {
        int events = _events;
        _events = 0;
        if (Slept)
        {
            // A longer sleep is tried at once where a short one collected some, and kept until a short one would do.
            bool wasLong = _isLong;
            _longAverage = _isLong ? _longAverage + ((events - _longAverage) / 8) : FirstLongAverage;
            bool paidOff = _isLong ? _longAverage > MinLongAverage : events >= MinBatch;
            bool triesLonger = !paidOff && !_isLong && events > 1;
            _isLong = triesLonger || (_isLong && paidOff && events < MaxLongBatch);
            _backoff = events >= (wasLong ? MinBatch + 1 : MinBatch) ? _backoff / 2
                : paidOff || triesLonger ? _backoff
                : Math.Min(MaxBackoff, (_backoff * 2) + 1);
            _skips = paidOff || triesLonger ? 0 : _backoff;
        }

        Slept = willWait && events > 0 && turnTicks < LongTurnTicks && _skips == 0;
        _skips -= events > 0 && _skips > 0 ? 1 : 0;
        return Slept;
    }
}
