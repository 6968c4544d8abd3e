using System;

namespace Poetry.Net;

/// <summary>
/// What a port does when descriptors or memory have run out. A pending connection that can't be accepted would wake the
/// loop again and again, so the port first turns a few away, with a descriptor kept in reserve for that, and then does not
/// look for a while: 10 ms, doubled each time up to 1 s, or until one of its connections ends.
/// </summary>
internal sealed class AcceptPause
{
    /// <summary>Turned away at one pause: those who have waited longest would wait in vain.</summary>
    private const int MostTurnedAway = 64;

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>A line in the log at most this often, with the number of those turned away meanwhile.</summary>
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    private readonly Reactor _reactor;
    private readonly ListeningPort _port;
    private readonly DelayedCall _timer;
    private nint _reserve = NativeSocket.Invalid;
    private TimeSpan _length = Shortest;
    private TimeSpan _lastPause = TimeSpan.MinValue;
    private TimeSpan _lastLogged = TimeSpan.MinValue;
    private int _turnedAway;

    public AcceptPause(Reactor reactor, ListeningPort port)
    {
        _reactor = reactor;
        _port = port;
        _timer = reactor.Timers.Create(this, static pause => pause._port.Resume());
        TakeReserve();
    }

    /// <summary>Is the port not looking?</summary>
    public bool Active => _timer.Active;

    /// <summary>Turns some away and stops looking.</summary>
    public void Begin(Errno error)
    {
        if (error == Errno.EMFILE)
        {
            TurnSomeAway();
        }

        _reactor.RemoveReader(_port);
        _reactor.FirstLook.Hurry();
        bool again = _lastPause != TimeSpan.MinValue && _reactor.Now - _lastPause < Longest * 2;
        _length = again ? TimeSpan.FromTicks(Math.Min(_length.Ticks * 2, Longest.Ticks)) : Shortest;
        _lastPause = _reactor.Now;
        _timer.Rearm(_length);
        if (_lastLogged == TimeSpan.MinValue || _reactor.Now - _lastLogged >= LogInterval)
        {
            int pauseMs = (int)_length.TotalMilliseconds;
            ReactorLog.AcceptPaused(_reactor.Log, _port.Address, pauseMs, error.Sentence(), _turnedAway);
            _lastLogged = _reactor.Now;
            _turnedAway = 0;
        }
    }

    /// <summary>A connection of the port has ended, and with it a descriptor came free.</summary>
    public void DescriptorFreed()
    {
        if (_timer.CancelIfActive())
        {
            _port.Resume();
        }
    }

    /// <summary>The port listens no more.</summary>
    public void End()
    {
        _ = _timer.CancelIfActive();
        GiveReserve();
    }

    private void TurnSomeAway()
    {
        for (int i = 0; i < MostTurnedAway; i++)
        {
            GiveReserve();
            Errno error = NativeSocket.Accept(_port.Handle, out nint handle, out _);
            if (error == Errno.None)
            {
                NativeSocket.ResetOnClose(handle);
                NativeSocket.Close(handle);
                _turnedAway++;
            }

            TakeReserve();
            if (error != Errno.None)
            {
                return;
            }
        }
    }

    private void TakeReserve() => _ = NativeSocket.Create(AddressKind.IPv4, out _reserve);

    private void GiveReserve()
    {
        if (_reserve != NativeSocket.Invalid)
        {
            NativeSocket.Close(_reserve);
            _reserve = NativeSocket.Invalid;
        }
    }
}
