using System;

namespace Poetry.Net;

/// <content>What comes from the peer.</content>
internal sealed partial class StreamTransport
{
    /// <inheritdoc/>
    public void PauseProducing()
    {
        _flags |= Flags.ReadPaused;
        UpdateInterest();
    }

    /// <inheritdoc/>
    public void ResumeProducing()
    {
        _flags &= ~Flags.ReadPaused;
        UpdateInterest();
    }

    /// <inheritdoc/>
    protected internal override void DoRead()
    {
        if (!WantsInput)
        {
            return;
        }

        // Once: what is left is reported again, after the others have had their turn.
        Span<byte> buffer = _state == State.Open ? _protocol!.Room : default;
        if (buffer.IsEmpty)
        {
            buffer = _reactor.ReadBuffer;
        }

        Errno error = NativeSocket.Receive(Handle, buffer, out int received);
        switch (error)
        {
            case Errno.None when received > 0:
                Received(buffer[..received]);
                break;
            case Errno.None:
                InputEnded();
                break;
            case Errno.EAGAIN:
                break;
            default:
                Lose(Net.ConnectionLost.Because(error));
                break;
        }
    }

    /// <inheritdoc/>
    protected internal override void HungUp()
    {
        Errno error = NativeSocket.TakeError(Handle);
        if (error != Errno.None)
        {
            Lose(Net.ConnectionLost.Because(error));
        }
        else if (Has(Flags.ReadPaused))
        {
            // Both directions are over, but the peer's last words are still unread. Whoever paused will want them, and
            // to be told of the hang-up until then would only be noise.
            _reactor.Unwatch(this);
        }
        else
        {
            Lose(ConnectionDone.Failure);
        }
    }

    /// <summary>Is there anybody to read for? In the states after the last word, the peer's are read and dropped.</summary>
    private bool WantsInput => _state switch
    {
        State.Open => !Has(Flags.ReadPaused) && !Has(Flags.ReadEnded),
        State.Closing or State.Lingering => !Has(Flags.ReadEnded),
        _ => false,
    };

    private void Received(ReadOnlySpan<byte> data)
    {
        switch (_state)
        {
            case State.Open:
                _protocol!.DataReceived(data);
                break;
            case State.Lingering:
                KeepLingering();
                break;
            default:
                break;
        }
    }

    private void InputEnded()
    {
        _flags |= Flags.ReadEnded;
        switch (_state)
        {
            case State.Open:
                _protocol!.ReadConnectionLost();
                LoseIfBothEnded();
                break;
            case State.Lingering:
                Lose(ConnectionDone.Failure);
                break;
            default:
                break;
        }

        UpdateInterest();
    }

    private void LoseIfBothEnded()
    {
        const Flags Both = Flags.ReadEnded | Flags.WriteEnded;
        if (_state == State.Open && (_flags & Both) == Both)
        {
            Lose(ConnectionDone.Failure);
        }
    }
}
