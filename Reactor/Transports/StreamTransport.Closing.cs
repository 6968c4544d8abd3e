using System;

namespace Poetry.Net;

/// <content>
/// How a connection ends. A server that closes a socket with input unread answers with a reset, and the reset destroys what
/// the client has not read yet: so after the last byte the writing side is shut down, and input is read and dropped until
/// the client closes too (nginx calls it lingering close).
/// </content>
internal sealed partial class StreamTransport
{
    /// <summary>All the time a client has to close after the end was sent, however busily it talks.</summary>
    private static readonly TimeSpan LongestLinger = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A look compares what the kernel holds with the look before, and the last bytes it takes just before the peer stops
    /// count as well: with a single look a time-out would last twice as long.
    /// </summary>
    internal const int LooksPerSendTimeout = 4;

    /// <summary>When the end was sent, or the client last took something of what the kernel holds.</summary>
    private long _shutDownTicks;

    /// <summary>What the kernel held then: a send buffer has less than 2 GiB.</summary>
    private int _unsentBytes;

    /// <summary>Looks in a row at which the peer had taken nothing.</summary>
    private byte _idleLooks;

    /// <inheritdoc/>
    public TimeSpan EndSentAt => Has(Flags.WriteEnded) ? TimeSpan.FromTicks(_shutDownTicks) : TimeSpan.MaxValue;

    /// <inheritdoc/>
    public void LoseConnection()
    {
        if (_state != State.Open)
        {
            return;
        }

        _state = State.Closing;
        if (_queue.IsEmpty)
        {
            ShutDown();
        }
        else
        {
            UpdateInterest();
        }
    }

    /// <inheritdoc/>
    public void LoseWriteConnection()
    {
        if (!MayWrite)
        {
            return;
        }

        _flags |= Flags.WriteEnding;
        if (_queue.IsEmpty)
        {
            EndWriting();
        }
    }

    /// <inheritdoc/>
    public void AbortConnection() => ConnectionLost(ConnectionAborted.Failure);

    /// <summary>The reactor ends: who has been sent everything, the end too, was served; anybody else is reset.</summary>
    internal void End() => ConnectionLost(_state == State.Lingering ? ConnectionDone.Failure : ConnectionAborted.Failure);

    /// <summary>
    /// The kernel had no room for more for a part of the send time-out. It only says so when a good part of what it holds
    /// has gone, which a slow reader of a few bytes a second may take longer for: what counts is whether it holds less.
    /// </summary>
    internal void SendingRanOut()
    {
        if (NativeSocket.UnsentBytes(Handle) != _unsentBytes)
        {
            WaitForRoom();
        }
        else if (++_idleLooks < LooksPerSendTimeout)
        {
            _owner.Sending.Join(this);
        }
        else
        {
            StallOut();
        }
    }

    /// <summary>
    /// A while after the end was sent: by now most clients have closed, and need no poller, only this look.
    /// </summary>
    internal void LookAfterShutDown()
    {
        DoRead();
        bool inVain = _state == State.Lingering && !IsWatched;
        if (inVain)
        {
            StayUntilPeerCloses();
        }

        _reactor.FirstLook.Had(inVain);
    }

    /// <summary>The client neither closed nor spoke for too long after the end was sent.</summary>
    internal void LingeringRanOut()
    {
        if (StillReads())
        {
            _reactor.QuietLine.Join(this);
        }
        else
        {
            Lose(ConnectionDone.Failure);
        }
    }

    /// <summary>Everything was sent: send the end, and wait for the peer's.</summary>
    private void ShutDown()
    {
        if (Has(Flags.ReadEnded))
        {
            // The peer's end is here already, so nothing is unread: the close itself sends ours.
            Lose(ConnectionDone.Failure);
            return;
        }

        if (!Has(Flags.WriteEnded))
        {
            Errno error = NativeSocket.ShutdownWrite(Handle);
            if (error != Errno.None)
            {
                Lose(Net.ConnectionLost.Because(error));
                return;
            }

            _flags |= Flags.WriteEnded;
        }

        _state = State.Lingering;
        _unsentBytes = 0;
        _shutDownTicks = _reactor.Now.Ticks;
        if (IsWatched)
        {
            StayUntilPeerCloses();
        }
        else
        {
            _reactor.JustShutLine.Join(this);
        }
    }

    private void StayUntilPeerCloses()
    {
        _reactor.QuietLine.Join(this);
        Errno error = _reactor.Watch(this, Interest.Read);
        if (error != Errno.None)
        {
            Lose(ConnectionDone.Failure);
        }
    }

    private void KeepLingering()
    {
        if (_reactor.Now.Ticks - _shutDownTicks > LongestLinger.Ticks && !StillReads())
        {
            Lose(ConnectionDone.Failure);
        }
        else if (Line == _reactor.QuietLine)
        {
            _reactor.QuietLine.Join(this);
        }
    }

    /// <summary>
    /// Is the client still taking what the kernel holds for it? A close now, and a word from it later, would cost it the
    /// rest. So the patience of the kind close begins when the kernel has nothing left; until then the send time-out holds.
    /// </summary>
    private bool StillReads()
    {
        int unsent = NativeSocket.UnsentBytes(Handle);
        if (_state != State.Lingering || unsent == 0)
        {
            return false;
        }

        if (unsent != _unsentBytes)
        {
            _unsentBytes = unsent;
            _shutDownTicks = _reactor.Now.Ticks;
            return true;
        }

        if (_reactor.Now.Ticks - _shutDownTicks < _owner.SendTimeout.Ticks)
        {
            return true;
        }

        StallOut();
        return false;
    }

    private void StallOut()
    {
        _flags |= Flags.Reset;
        Lose(ConnectionTimedOut.Failure);
    }

    private void EndWriting()
    {
        _flags = (_flags & ~Flags.WriteEnding) | Flags.WriteEnded;
        _shutDownTicks = _reactor.Now.Ticks;
        Errno error = NativeSocket.ShutdownWrite(Handle);
        if (error != Errno.None)
        {
            Lose(Net.ConnectionLost.Because(error));
        }

        LoseIfBothEnded();
    }
}
