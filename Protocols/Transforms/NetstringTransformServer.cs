namespace Poetry.Protocols;

/// <summary>
/// The netstring port of a transform service: the client sends one netstring, the name and the text with a point between them,
/// and receives one. Input after that netstring is ignored.
/// </summary>
internal sealed class NetstringTransformServer(TransformServerFactory factory) : TransformServer(factory)
{
    private FrameReader _frame;

    private protected override bool HasBegun => _frame.HasBegun;

    private protected override int ExpectedLength => (int)_frame.Length;

    /// <summary>The name may be as long as the request, because an upstream may have long names.</summary>
    private protected override int MaxNameLength => TextBuffer.MaxBytes - 1;

    private protected override byte Separator => (byte)'.';

    private protected override string SplitProblem => "the request has no point between a name and a text";

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        if (!IsReading)
        {
            return;
        }

        NetstringStatus status = _frame.Read(ref data, MaxLength, out ReadOnlySpan<byte> part);
        if (status == NetstringStatus.TooLong)
        {
            RefuseTooLong();
        }
        else if (status == NetstringStatus.BadLength)
        {
            Refuse("the request is no netstring: it has no length");
        }
        else if (_frame.HasLength && !Lease.CanHold(_frame.Length))
        {
            RefuseTooLarge();
        }
        else if (status == NetstringStatus.MissingComma)
        {
            Refuse("the request is no netstring: it has no comma at its end");
        }
        else if (status == NetstringStatus.Complete)
        {
            Complete(part);
        }
        else
        {
            Keep(part);
        }
    }

    private protected override void RequestEnded() => Refuse("the request ended too early");

    private protected override void DropRequest()
    {
        base.DropRequest();
        _frame = default;
    }

    /// <summary>Closes with FIN: without a netstring, the client cannot mistake it for an answer.</summary>
    private protected override void EndUnanswered() => Transport.LoseConnection();

    private protected override ReadOnlyMemory<byte> Frame(TextBuffer text) => text.Frame();
}
