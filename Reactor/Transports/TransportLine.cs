using System;
using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// Transports that wait for the same thing with the same patience, in the order in which they began to wait. Since all
/// are equally patient, the first in line is the first to run out: joining, leaving and starting anew are O(1), need no
/// memory, and one timer serves them all.
/// </summary>
/// <remarks>Every transport that is not closed stands in exactly one line, so the lines together know all of them.</remarks>
internal sealed class TransportLine
{
    private readonly IClock _clock;
    private readonly Action<StreamTransport> _runOut;
    private readonly long _slackTicks;
    private readonly DelayedCall? _timer;
    private StreamTransport? _first;
    private StreamTransport? _last;

    /// <summary>Makes an empty line.</summary>
    /// <param name="clock">Patience is measured on it.</param>
    /// <param name="timers">Where the line's one timer is kept; null for a line of endless patience.</param>
    /// <param name="patience">How long a transport may stand in line; <see cref="TimeSpan.MaxValue"/> is for ever.</param>
    /// <param name="slack">How much longer it may be, so that many are dealt with at one waking.</param>
    /// <param name="runOut">Called for each that has waited too long. It has to leave the line, or wait anew.</param>
    public TransportLine(IClock clock, TimerQueue? timers, TimeSpan patience, TimeSpan slack, Action<StreamTransport> runOut)
    {
        _clock = clock;
        _runOut = runOut;
        _slackTicks = slack.Ticks;
        Patience = patience;
        _timer = patience == TimeSpan.MaxValue ? null : timers?.Create(this, static line => line.Expire());
    }

    /// <summary>How long a transport may stand in line. A change holds for those in line too, from the next look on.</summary>
    public TimeSpan Patience { get; set; }

    /// <summary>How many stand in line.</summary>
    public int Count { get; private set; }

    /// <summary>The one that has waited longest.</summary>
    public StreamTransport? First => _first;

    /// <summary>Puts a transport at the end, from whichever line it was in. In this line already: it waits anew.</summary>
    public void Join(StreamTransport transport)
    {
        transport.Line?.Leave(transport);
        transport.Line = this;
        transport.WaitingSinceTicks = _clock.Now.Ticks;
        transport.Ahead = _last;
        if (_last is null)
        {
            _first = transport;
        }
        else
        {
            _last.Behind = transport;
        }

        _last = transport;
        Count++;
        if (_timer is { Active: false })
        {
            Arm();
        }
    }

    /// <summary>Takes a transport out.</summary>
    public void Leave(StreamTransport transport)
    {
        Debug.Assert(transport.Line == this, "it stands in this line");
        if (transport.Ahead is null)
        {
            _first = transport.Behind;
        }
        else
        {
            transport.Ahead.Behind = transport.Behind;
        }

        if (transport.Behind is null)
        {
            _last = transport.Ahead;
        }
        else
        {
            transport.Behind.Ahead = transport.Ahead;
        }

        transport.Ahead = null;
        transport.Behind = null;
        transport.Line = null;
        Count--;
    }

    /// <summary>Makes the whole line less patient.</summary>
    public void Hurry(TimeSpan patience)
    {
        Patience = patience;
        if (_timer is { Active: true })
        {
            _timer.Cancel();
            Arm();
        }
    }

    /// <summary>Does something with each in line, which may leave it meanwhile.</summary>
    public void ForEach(Action<StreamTransport> action)
    {
        StreamTransport? next = _first;
        while (next is { } transport)
        {
            next = transport.Behind;
            action(transport);
        }
    }

    private void Expire()
    {
        long now = _clock.Now.Ticks;
        while (_first is { } transport && DueTicks(transport) <= now)
        {
            _runOut(transport);
            Debug.Assert(_first != transport || DueTicks(transport) > now, "who has run out leaves the line or waits anew");
        }

        // Whoever waited anew has armed it for the one that was first at that moment.
        _ = _timer!.CancelIfActive();
        Arm();
    }

    private void Arm()
    {
        if (_first is { } transport)
        {
            _timer!.RearmAt(SaturatedTime.Add(DueTicks(transport), _slackTicks));
        }
    }

    private long DueTicks(StreamTransport transport) =>
        SaturatedTime.Add(transport.WaitingSinceTicks, Patience.Ticks);
}
