using System.Text;

namespace Poetry.Net.Testing;

/// <content>The actions of the test as the peer, the kernel and the loop.</content>
public sealed partial class MemoryTransport
{
    /// <summary>Sets the number of bytes that the peer takes from now on.</summary>
    public void SetRoom(long bytes)
    {
        _room = bytes;
        if (!IsLost)
        {
            Flush();
        }
    }

    /// <summary>Sends bytes from the peer. They are dropped if the protocol has closed, or the peer has sent its end.</summary>
    public void PeerSends(ReadOnlySpan<byte> bytes)
    {
        if (_peerHasEnded || IsLost)
        {
            return;
        }

        if (_incoming.Count == 0 && !IsPaused)
        {
            Read(bytes);
        }
        else
        {
            _incoming.Enqueue(bytes.ToArray());
            ReadIncoming();
        }
    }

    /// <inheritdoc cref="PeerSends(ReadOnlySpan{byte})"/>
    public void PeerSends(string text) => PeerSends(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends the peer's end. The peer may continue to read.</summary>
    public void PeerEnds()
    {
        if (!_peerHasEnded && !IsLost)
        {
            _peerHasEnded = true;
            ReadIncoming();
        }
    }

    /// <summary>Resets the connection, as a peer or a network does. Without a clock the protocol is notified at once.</summary>
    public void PeerResets()
    {
        if (IsLost)
        {
            return;
        }

        End = WireEnd.Reset;
        Lose(ConnectionLost.Because(Errno.ECONNRESET));
        if (_clock is null)
        {
            _ = Finish();
        }
    }

    /// <summary>Makes the send timeout expire: the peer has taken nothing for that time. No effect if no bytes wait.</summary>
    public void TimeOutSending()
    {
        if (BytesPending > 0 && !IsLost)
        {
            End = WireEnd.Reset;
            Lose(ConnectionTimedOut.Failure);
        }
    }

    /// <summary>
    /// Does the work of the loop: reads input that waited during a pause. If this side has closed and sent its end, the peer
    /// closes too. If the connection is over, the protocol is notified.
    /// </summary>
    /// <returns>True if the protocol was notified.</returns>
    public bool Finish()
    {
        ReadIncoming();
        if (_state == State.Lingering)
        {
            Lose(ConnectionDone.Failure);
        }

        if (_state != State.Lost)
        {
            return false;
        }

        Protocol protocol = _protocol!;
        _state = State.Closed;
        _protocol = null;
        protocol.NotifyLost(_reason!);
        _factory?.Release(protocol);
        return true;
    }
}
