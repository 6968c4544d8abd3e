namespace Poetry.Net;

/// <content>Input from the peer.</content>
internal sealed partial class StreamTransport
{
    public void PauseProducing()
    {
        _flags |= Flags.ReadPaused;
        UpdateInterest();
    }

    public void ResumeProducing()
    {
        _flags &= ~Flags.ReadPaused;
        UpdateInterest();
    }

    protected internal override void DoRead()
    {
        if (!WantsInput)
        {
            return;
        }

        // One read in a turn, so that other connections get their turn; the poller reports the rest again.
        Span<byte> buffer = default;
        int received;
        Errno error;
        if (_state == State.Open && _protocol!.SpliceTarget(out long max) is { } target)
        {
            error = target.Splice(Handle, max, out received);
        }
        else
        {
            buffer = _state == State.Open ? _protocol!.ReceiveBuffer : default;
            buffer = buffer.IsEmpty ? _reactor.Connections.ReadBuffer : buffer;
            error = NativeSocket.Receive(Handle, buffer, out received);
        }

        switch (error)
        {
            case Errno.None when received > 0 && buffer.IsEmpty:
                _protocol!.Spliced(received);
                break;
            case Errno.None when received > 0:
                Received(buffer[..received]);
                break;
            case Errno.None:
                InputEnded();
                break;
            case Errno.EAGAIN:
                break;
            default:
                CloseForError(error);
                break;
        }
    }

    protected internal override void HungUp()
    {
        Errno error = NativeSocket.TakeError(Handle);
        error = error == Errno.None ? PendingError : error;
        if (error != Errno.None)
        {
            CloseForError(error);
        }
        else if (Has(Flags.ReadPaused))
        {
            // Both sides have ended, but the protocol has paused, and reads the rest of the input when it resumes. Until
            // then the poller would report the hang-up again and again.
            _reactor.Unwatch(this);
        }
        else
        {
            BeginClose(ConnectionDone.Failure);
        }
    }

    /// <summary>True if input is read. After the protocol has finished, it is read and dropped.</summary>
    private bool WantsInput => _state switch
    {
        State.Open => !Has(Flags.ReadPaused) && !Has(Flags.ReadEnded),
        State.Flushing or State.Lingering => !Has(Flags.ReadEnded),
        _ => false,
    };

    private void Received(ReadOnlySpan<byte> data)
    {
        if (_state == State.Open)
        {
            _protocol!.DataReceived(data);
        }
        else if (_state == State.Lingering)
        {
            OnLingerInput();
        }
    }

    /// <summary>Passes on the data that the peer sent before it closed: a write may have failed before the data was read.</summary>
    private void ReadLastInput()
    {
        Span<byte> buffer = _reactor.Connections.ReadBuffer;
        if (NativeSocket.Receive(Handle, buffer, out int received) != Errno.None || received == 0)
        {
            return;
        }

        try
        {
            _protocol!.DataReceived(buffer[..received]);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
        }
    }

    private void InputEnded()
    {
        _flags |= Flags.ReadEnded;
        if (_state == State.Open)
        {
            _protocol!.ReadConnectionLost();
            CloseIfBothEnded();
        }
        else if (_state == State.Lingering)
        {
            OnPeerClosed();
        }

        UpdateInterest();
    }

    private void CloseIfBothEnded()
    {
        const Flags Both = Flags.ReadEnded | Flags.WriteEnded;
        if (_state == State.Open && (_flags & Both) == Both)
        {
            BeginClose(ConnectionDone.Failure);
        }
    }
}
