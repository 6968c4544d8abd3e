namespace Poetry.Net;

/// <summary>
/// The pause of a port whose accept fails because descriptors or memory have run out. The pending connection would wake the
/// loop again and again, so the port stops accepting. If the process has no descriptor left (EMFILE), it first resets
/// up to 64 clients, with a descriptor that is reserved for that. A pause lasts 10 ms, doubled each time up to 1 s,
/// or until a connection of the port ends.
/// </summary>
internal sealed class AcceptPause
{
    /// <summary>The maximum number of clients that are reset when a pause begins, in the order of their arrival.</summary>
    private const int MaxRejected = 64;

    private static readonly TimeSpan MinLength = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan MaxLength = TimeSpan.FromSeconds(1);

    private readonly Reactor _reactor;
    private readonly ListeningPort _port;
    private readonly DelayedCall _timer;
    private readonly RateLimit _logLimit = new(TimeSpan.FromSeconds(10));
    private nint _reserve = NativeSocket.Invalid;
    private TimeSpan _length = MinLength;
    private TimeSpan _lastBegin = TimeSpan.MinValue;
    private int _rejected;

    public AcceptPause(Reactor reactor, ListeningPort port)
    {
        _reactor = reactor;
        _port = port;
        _timer = reactor.Timers.Create(this, static pause => pause._port.Resume());
        OpenReserve();
    }

    /// <summary>True while the port does not accept.</summary>
    public bool Active => _timer.Active;

    /// <summary>Stops accepting for a while.</summary>
    /// <param name="error">The error of accept.</param>
    /// <param name="log">False if the port logs it.</param>
    public void Begin(Errno error, bool log = true)
    {
        if (error == Errno.EMFILE)
        {
            RejectWaiting();
        }

        _reactor.RemoveReader(_port);
        _reactor.Connections.CloseProbeDelay.UseMinimum();
        bool again = _lastBegin != TimeSpan.MinValue && _reactor.Now - _lastBegin < MaxLength * 2;
        _length = again ? TimeSpan.FromTicks(Math.Min(_length.Ticks * 2, MaxLength.Ticks)) : MinLength;
        _lastBegin = _reactor.Now;
        _timer.Rearm(_length);
        if (log && _logLimit.TryPass(_reactor.Now, out _))
        {
            int pauseMs = (int)_length.TotalMilliseconds;
            ReactorLog.AcceptPauses(_reactor.Log, _port.Address, pauseMs, error.Sentence(), _rejected);
            _rejected = 0;
        }
    }

    /// <summary>A connection of the port has ended, which frees a descriptor.</summary>
    public void OnDescriptorFreed()
    {
        if (_timer.CancelIfActive())
        {
            _port.Resume();
        }
    }

    /// <summary>The port has stopped listening.</summary>
    public void Stop()
    {
        _ = _timer.CancelIfActive();
        CloseReserve();
    }

    private void RejectWaiting()
    {
        for (int i = 0; i < MaxRejected; i++)
        {
            CloseReserve();
            Errno error = NativeSocket.Accept(_port.Handle, out nint handle, out _);
            if (error == Errno.None)
            {
                NativeSocket.ResetOnClose(handle);
                NativeSocket.Close(handle);
                _rejected++;
            }

            OpenReserve();
            if (error != Errno.None)
            {
                return;
            }
        }
    }

    private void OpenReserve() => _ = NativeSocket.Create(AddressKind.IPv4, out _reserve);

    private void CloseReserve()
    {
        if (_reserve != NativeSocket.Invalid)
        {
            NativeSocket.Close(_reserve);
            _reserve = NativeSocket.Invalid;
        }
    }
}
