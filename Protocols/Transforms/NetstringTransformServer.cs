using System;

namespace Poetry.Protocols;

/// <summary>
/// The netstring face of a transform service: one netstring comes, the name and the text with a point between them, one
/// goes back, and the connection ends. Whatever else the client sends is not looked at.
/// </summary>
#pragma warning disable CA1001 // What there is to give back is given back when a connection ends, by ForgetRequest.
internal sealed class NetstringTransformServer(TransformServerFactory factory) : TransformServer(factory)
#pragma warning restore CA1001
{
    private readonly NetstringDecoder _receiver = new(factory.Limits.MaxLength);

    /// <inheritdoc/>
    private protected override bool HasBegun => _receiver.PendingCount > 0;

    /// <inheritdoc/>
    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        if (!IsReading)
        {
            return;
        }

        // A request that came in one piece is a slice of it: nothing has been copied.
        if (_receiver.TryNext(ref data, out ReadOnlySpan<byte> request))
        {
            AnswerRequest(request);
            ForgetRequest();
        }
        else if (_receiver.Error is { } error)
        {
            Refuse(error switch
            {
                NetstringStatus.TooLong => $"the request is longer than {MaxLength} bytes",
                NetstringStatus.MissingComma => "the request is no netstring: it has no comma at its end",
                _ => "the request is no netstring: it has no length",
            });
        }
        else
        {
            _ = TryHold(_receiver.HeldBytes);
        }
    }

    /// <inheritdoc/>
    private protected override void RequestEnded() => Refuse("the request ended too early");

    /// <inheritdoc/>
    private protected override void ForgetRequest()
    {
        base.ForgetRequest();
        _receiver.Reset();
    }

    /// <summary>Kindly: that there is no netstring tells all.</summary>
    private protected override void EndUnanswered() => Transport.LoseConnection();

    /// <inheritdoc/>
    private protected override ReadOnlyMemory<byte> Frame(TextBuffer text) => text.Frame();

    private void AnswerRequest(ReadOnlySpan<byte> request)
    {
        int point = request.IndexOf((byte)'.');
        if (point < 0)
        {
            Refuse("the request has no point between a name and a text");
            return;
        }

        Answer(request[..point], request[(point + 1)..]);
    }
}
