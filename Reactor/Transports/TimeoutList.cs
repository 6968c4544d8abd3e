using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// Transports with a common timeout, in the order in which their timeouts began, so the first one expires first. Thus
/// adding, removing and restarting are O(1) and allocate nothing, and one timer serves the whole list.
/// </summary>
/// <remarks>Every transport that is not closed is in exactly one of these lists, so together they hold all connections.</remarks>
internal sealed class TimeoutList : IntrusiveList<StreamTransport>
{
    private readonly IClock _clock;
    private readonly Action<StreamTransport> _expired;
    private readonly long _slackTicks;
    private readonly DelayedCall? _timer;

    /// <param name="clock">The clock that measures the timeout.</param>
    /// <param name="timers">The queue for the timer of the list; null for a list without a timer.</param>
    /// <param name="timeout">The common timeout; <see cref="TimeSpan.MaxValue"/> for none.</param>
    /// <param name="slack">The maximum delay of the timer, so that one wake-up handles many transports.</param>
    /// <param name="expired">Called for each transport whose timeout is over. It has to remove the transport or add it again.</param>
    public TimeoutList(IClock clock, TimerQueue? timers, TimeSpan timeout, TimeSpan slack, Action<StreamTransport> expired)
    {
        _clock = clock;
        _expired = expired;
        _slackTicks = slack.Ticks;
        Timeout = timeout;
        _timer = timeout == TimeSpan.MaxValue ? null : timers?.Create(this, static list => list.Expire());
    }

    /// <summary>The common timeout. A new value applies to the transports that are in the list already, too.</summary>
    public TimeSpan Timeout
    {
        get;
        set
        {
            field = value;
            if (_timer is { Active: true })
            {
                Arm();
            }
        }
    }

    /// <summary>Moves a transport from its present list to the end of this one, and restarts its timeout.</summary>
    public void Add(StreamTransport transport)
    {
        transport.List?.Remove(transport);
        AddLast(transport);
        transport.TimeoutStartTicks = _clock.Now.Ticks;
        if (_timer is { Active: false })
        {
            Arm();
        }
    }

    /// <summary>Stops the timer. Called at the end of the loop, when the list is empty.</summary>
    public void StopTimer() => _timer?.CancelIfActive();

    /// <summary>Calls the action for each transport. The action may remove that transport.</summary>
    public void ForEach(Action<StreamTransport> action)
    {
        StreamTransport? next = First;
        while (next is { } transport)
        {
            next = Next(transport);
            action(transport);
        }
    }

    private void Expire()
    {
        long now = _clock.Now.Ticks;
        while (First is { } transport && DueTicks(transport) <= now)
        {
            _expired(transport);
            Debug.Assert(First != transport || DueTicks(transport) > now, "an expired transport is removed or added again");
        }

        // A transport that was added again may have armed the timer for another one, which was first at that moment.
        Arm();
    }

    private void Arm()
    {
        if (First is { } transport)
        {
            _timer!.RearmAt(SaturatedTime.Add(DueTicks(transport), _slackTicks));
        }
    }

    private long DueTicks(StreamTransport transport) => SaturatedTime.Add(transport.TimeoutStartTicks, Timeout.Ticks);
}
