using System;

namespace Poetry.Net;

/// <content>
/// How a connection ends. Closing a socket with unread input sends a reset, which destroys data that the client has not read
/// yet. So after the last byte the writing side is shut down, and input is read and dropped until the client closes too
/// (nginx calls it lingering close).
/// </content>
internal sealed partial class StreamTransport
{
    /// <summary>The longest time from FIN to close, even if the client keeps sending.</summary>
    private static readonly TimeSpan MaxLinger = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A check compares the kernel's send buffer with the check before it. The kernel may take the last bytes just before
    /// the peer stops reading, and that counts as progress: with a single check a timeout would last twice as long.
    /// </summary>
    internal const int ChecksPerSendTimeout = 4;

    /// <summary>When the peer last took data from the kernel's send buffer, as far as a check has seen; once everything is sent,
    /// when FIN was, or later.</summary>
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

    /// <summary>The reactor ends. A client that was sent everything, FIN too, was served; any other is reset.</summary>
    internal void CloseNow() =>
        ConnectionLost(_state == State.Lingering ? ConnectionDone.Failure : ConnectionAborted.Failure);

    /// <summary>
    /// A part of the send timeout has passed without the socket becoming writable. The kernel reports it writable only when
    /// a good part of its buffer is free, which a slow reader may take longer for: what counts is whether the buffer shrinks.
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

    /// <summary>A while after FIN was sent: most clients have closed by now, and then the poller is not needed.</summary>
    internal void ProbePeerClosed()
    {
        DoRead();
        bool missed = _state == State.Lingering && !IsWatched;
        if (missed)
        {
            WatchForPeerClose();
        }

        _reactor.Connections.ProbeDelay.Record(missed);
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

    /// <summary>Everything was sent: sends FIN and waits for the peer's.</summary>
    private void BeginLinger()
    {
        if (Has(Flags.ReadEnded))
        {
            // The peer's FIN is here already, so no input is unread: the close itself sends ours.
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
    /// The client has sent FIN too. One that had closed before the data arrived has reset the connection, which recv does not
    /// tell after its FIN: a load balancer that checks the port, and that must not be taken for a client that was served.
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
    /// True if the client still takes data from the kernel's send buffer. Closing now could reset the connection and cost the
    /// client that data, so lingering is limited only once the buffer is empty; until then the send timeout applies.
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
    /// <param name="unsent">What is now in the kernel's send buffer.</param>
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
