using System;

namespace Poetry.Net;

/// <content>What goes to the peer.</content>
internal sealed partial class StreamTransport
{
    /// <summary>What a producer may have waiting before it is told to pause: one read's worth, as in Twisted.</summary>
    private const int EnoughPendingBytes = 64 * 1024;

    /// <summary>Calls of one connection in one turn; then the others have theirs.</summary>
    private const int WritesPerTurn = 4;

    private WriteQueue _queue;
    private IProducer? _producer;

    /// <inheritdoc/>
    public long BytesSent { get; private set; }

    /// <inheritdoc/>
    public long BytesPending => _queue.Length;

    private bool MayWrite => _state == State.Open && !Has(Flags.WriteEnding) && !Has(Flags.WriteEnded);

    /// <inheritdoc/>
    public unsafe void Write(ReadOnlySpan<byte> data)
    {
        if (!MayWrite || data.IsEmpty)
        {
            return;
        }

        nint sent = 0;
        if (_queue.IsEmpty)
        {
            Errno error;
            fixed (byte* bytes = data)
            {
                error = NativeSocket.Send(Handle, bytes, data.Length, more: false, out sent);
            }

            if (!Took(error, sent) || sent == data.Length)
            {
                return;
            }
        }

        _queue.AppendCopy(data[(int)sent..]);
        AwaitRoom();
    }

    /// <inheritdoc/>
    public void Write(ReadOnlyMemory<byte> shared) => WriteShared(shared, last: false);

    /// <inheritdoc/>
    public void WriteLast(ReadOnlyMemory<byte> shared)
    {
        WriteShared(shared, last: true);
        LoseConnection();
    }

    /// <inheritdoc/>
    public void RegisterProducer(IProducer producer)
    {
        _producer = producer;
        PauseProducerIfFull();
    }

    /// <inheritdoc/>
    public void UnregisterProducer()
    {
        _producer = null;
        _flags &= ~Flags.ProducerPaused;
    }

    /// <inheritdoc/>
    protected internal override void DoWrite()
    {
        // Lost earlier in this turn, and still to be shown out: it must not leave the line of the lost.
        if (_state is not (State.Open or State.Closing))
        {
            return;
        }

        for (int writes = 0; writes < WritesPerTurn && !_queue.IsEmpty; writes++)
        {
            Errno error = _queue.Flush(Handle, more: _state == State.Closing, out nint sent);
            if (!Took(error, sent))
            {
                return;
            }

            if (error == Errno.EAGAIN)
            {
                break;
            }
        }

        if (_queue.IsEmpty)
        {
            AllSent();
        }
        else
        {
            WaitForRoom();
        }
    }

    private void WriteShared(ReadOnlyMemory<byte> shared, bool last)
    {
        if (!MayWrite || shared.IsEmpty)
        {
            return;
        }

        bool wasEmpty = _queue.IsEmpty;
        _queue.AppendShared(shared);
        if (!wasEmpty)
        {
            PauseProducerIfFull();
            return;
        }

        // The end of a last write goes out with the shutdown that follows at once: one packet instead of two.
        Errno error = _queue.Flush(Handle, more: last, out nint sent);
        if (Took(error, sent) && !_queue.IsEmpty)
        {
            AwaitRoom();
        }
    }

    /// <summary>Counts what the kernel took.</summary>
    /// <returns>False if the connection was lost over it.</returns>
    private bool Took(Errno error, nint sent)
    {
        BytesSent += sent;
        if (error is Errno.None or Errno.EAGAIN or Errno.ENOBUFS)
        {
            return true;
        }

        Lose(Net.ConnectionLost.Because(error));
        return false;
    }

    /// <summary>The kernel has taken what it can: from now on the peer has the send time-out to take more.</summary>
    private void AwaitRoom()
    {
        if (Line != _owner.Sending)
        {
            WaitForRoom();
        }

        UpdateInterest();
        PauseProducerIfFull();
    }

    /// <summary>Waits anew, and notes what the kernel holds, to tell later whether the peer has taken some of it.</summary>
    private void WaitForRoom()
    {
        _unsentBytes = NativeSocket.UnsentBytes(Handle);
        _idleLooks = 0;
        _owner.Sending.Join(this);
    }

    private void AllSent()
    {
        if (_state == State.Closing)
        {
            ShutDown();
            _protocol?.AllSent();
            return;
        }

        _reactor.OpenLine.Join(this);
        if (Has(Flags.WriteEnding))
        {
            EndWriting();
        }

        UpdateInterest();
        if (Has(Flags.ProducerPaused))
        {
            _flags &= ~Flags.ProducerPaused;
            _producer?.ResumeProducing();
        }
    }

    private void PauseProducerIfFull()
    {
        if (_producer is not null && _queue.Length > EnoughPendingBytes && !Has(Flags.ProducerPaused))
        {
            _flags |= Flags.ProducerPaused;
            _producer.PauseProducing();
        }
    }
}
