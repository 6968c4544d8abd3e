using System;
using System.Text;

namespace Poetry.Net.Testing;

/// <content>What the test does as the peer, the kernel and the loop.</content>
public sealed partial class MemoryTransport
{
    /// <summary>The peer takes this many bytes from now on, and no more.</summary>
    public void SetRoom(long bytes)
    {
        _room = bytes;
        if (!IsLost)
        {
            Flush();
        }
    }

    /// <summary>The peer sends bytes. They are dropped if the protocol has said its last word.</summary>
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

    /// <summary>The peer sends its end; it may go on reading.</summary>
    public void PeerEnds()
    {
        if (!_peerHasEnded && !IsLost)
        {
            _peerHasEnded = true;
            ReadIncoming();
        }
    }

    /// <summary>The peer resets the connection, or the network does. Without a clock the protocol hears of it at once.</summary>
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

    /// <summary>The peer has taken nothing for as long as the send timeout.</summary>
    public void TimeOutSending()
    {
        if (BytesPending > 0 && !IsLost)
        {
            End = WireEnd.Reset;
            Lose(ConnectionTimedOut.Failure);
        }
    }

    /// <summary>
    /// Does the loop's part: input that waited during a pause is read. At the end of a connection the peer closes too if this
    /// side's end has reached it, and the protocol is told of a connection that is over.
    /// </summary>
    /// <returns>True if it was over.</returns>
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
