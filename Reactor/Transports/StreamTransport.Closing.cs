namespace Poetry.Net;

/// <content>
/// The graceful close. Closing a socket with unread input sends a reset, which destroys data that the client has not read
/// yet. So after the last byte the writing side is shut down, and input is read and dropped until the client closes too
/// (nginx calls it lingering close).
/// </content>
internal sealed partial class StreamTransport
{
    /// <summary>The longest time from FIN to close, even if the client keeps sending.</summary>
    private static readonly TimeSpan MaxLinger = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The checks in one send timeout. A check compares the kernel's send buffer with the previous check. If the peer stops
    /// reading just after a check, only the check after the next one sees that: with one check in a timeout, a stalled peer
    /// would be held for twice the timeout.
    /// </summary>
    internal const int ChecksPerSendTimeout = 4;

    /// <summary>The time at which the peer last took data from the kernel's send buffer, as far as a check has seen; after
    /// FIN, the time at which FIN was sent, or later.</summary>
    private long _progressTicks;

    /// <summary>Bytes in the kernel's send buffer at the last check; it holds less than 2 GiB.</summary>
    private int _unsentBytes;

    TimeSpan ITransport.EndSentAt => Has(Flags.WriteEnded) ? TimeSpan.FromTicks(_progressTicks) : TimeSpan.MaxValue;

    public void LoseConnection()
    {
        if (_state != State.Open)
        {
            return;
        }

        _state = State.Flushing;
        if (_queue.IsEmpty)
        {
            BeginLinger();
        }
        else
        {
            UpdateInterest();
        }
    }

    public void LoseWriteConnection()
    {
        if (!MayWrite)
        {
            return;
        }

        _flags |= Flags.WriteEnding;
        if (_queue.IsEmpty)
        {
            SendFin();
        }
    }

    public void AbortConnection() => ConnectionLost(ConnectionAborted.Failure);

    /// <summary>The reactor ends. A client to which all data and FIN were sent was served; any other is reset.</summary>
    internal void CloseNow() =>
        ConnectionLost(_state == State.Lingering ? ConnectionDone.Failure : ConnectionAborted.Failure);

    /// <summary>
    /// The socket has not become writable for a part of the send timeout. The kernel reports it writable only when a large
    /// part of its buffer is free. A slow reader may need longer for that, so this checks whether the buffer shrinks.
    /// </summary>
    internal void OnSendTimeout()
    {
        if (HasStalled(NativeSocket.UnsentBytes(Handle)))
        {
            ResetStalled();
        }
        else
        {
            _owner.Sending.Add(this);
        }
    }

    /// <summary>Checks, some time after FIN, whether the client has closed. Most have, and then the poller is not needed.</summary>
    internal void ProbePeerClosed()
    {
        DoRead();
        bool missed = _state == State.Lingering && !IsWatched;
        if (missed)
        {
            WatchForPeerClose();
        }

        _reactor.Connections.CloseProbeDelay.Record(missed);
    }

    /// <summary>The client has been silent, without closing, for too long after FIN was sent.</summary>
    internal void OnLingerTimeout()
    {
        if (IsPeerReading())
        {
            _reactor.Connections.Lingering.Add(this);
        }
        else
        {
            BeginClose(ConnectionDone.Failure);
        }
    }

    /// <summary>Sends FIN after all data, and waits for the peer's FIN.</summary>
    private void BeginLinger()
    {
        if (Has(Flags.ReadEnded))
        {
            // The peer's FIN has arrived already, so no input is unread: the close itself sends our FIN.
            BeginClose(ConnectionDone.Failure);
            return;
        }

        _queue.ClosePipe();
        if (!Has(Flags.WriteEnded))
        {
            SendFin();
            if (_state == State.Closing)
            {
                return;
            }
        }

        _state = State.Lingering;
        _unsentBytes = 0;
        _progressTicks = _reactor.Now.Ticks;
        if (IsWatched)
        {
            WatchForPeerClose();
        }
        else
        {
            _reactor.Connections.ShutdownProbes.Add(this);
        }
    }

    private void WatchForPeerClose()
    {
        _reactor.Connections.Lingering.Add(this);
        Errno error = _reactor.Watch(this, Interest.Read);
        if (error != Errno.None)
        {
            BeginClose(ConnectionDone.Failure);
        }
    }

    /// <summary>
    /// The client has sent FIN too. A client that had closed before the data arrived has reset the connection, but recv does
    /// not report a reset after FIN. Such a client, a load balancer that checks the port, must not count as served.
    /// </summary>
    private void OnPeerClosed()
    {
        Errno error = _reactor.Connections.TryTakeErrorCheck() ? NativeSocket.TakeError(Handle) : Errno.None;
        if (error != Errno.None)
        {
            CloseForError(error);
        }
        else
        {
            BeginClose(ConnectionDone.Failure);
        }
    }

    /// <summary>The client has sent something after FIN: that restarts its timeout, within <see cref="MaxLinger"/>.</summary>
    private void OnLingerInput()
    {
        if (_reactor.Now.Ticks - _progressTicks > MaxLinger.Ticks && !IsPeerReading())
        {
            BeginClose(ConnectionDone.Failure);
        }
        else if (List == _reactor.Connections.Lingering)
        {
            _reactor.Connections.Lingering.Add(this);
        }
    }

    /// <summary>
    /// True if the client still takes data from the kernel's send buffer. A close could then reset the connection, and the
    /// client would lose that data. So lingering is limited only after the buffer is empty; before, the send timeout applies.
    /// </summary>
    private bool IsPeerReading()
    {
        int unsent = NativeSocket.UnsentBytes(Handle);
        if (_state != State.Lingering || unsent == 0)
        {
            return false;
        }

        if (!HasStalled(unsent))
        {
            return true;
        }

        ResetStalled();
        return false;
    }

    /// <summary>True if the peer has taken nothing for the send timeout.</summary>
    /// <param name="unsent">The bytes that are now in the kernel's send buffer.</param>
    private bool HasStalled(int unsent)
    {
        long now = _reactor.Now.Ticks;
        if (unsent != _unsentBytes)
        {
            _unsentBytes = unsent;
            _progressTicks = now;
        }

        return (now - _progressTicks) / ChecksPerSendTimeout >= _owner.Sending.Timeout.Ticks;
    }

    private void ResetStalled()
    {
        _flags |= Flags.Reset;
        BeginClose(ConnectionTimedOut.Failure);
    }

    /// <summary>Half-closes: the peer may go on sending.</summary>
    private void SendFin()
    {
        _flags &= ~Flags.WriteEnding;
        Errno error = NativeSocket.ShutdownWrite(Handle);
        if (error != Errno.None)
        {
            CloseForError(error);
            return;
        }

        _flags |= Flags.WriteEnded;
        _progressTicks = _reactor.Now.Ticks;
        CloseIfBothEnded();
    }
}
