using System;

namespace Poetry.Protocols;

/// <summary>
/// The netstring port of a transform service: the client sends one netstring, the name and the text with a point between them,
/// and receives one. Input after it is ignored.
/// </summary>
internal sealed class NetstringTransformServer(TransformServerFactory factory) : TransformServer(factory)
{
    private NetstringLength _length;
    private bool _hasLength;

    private protected override bool HasBegun => _hasLength || _length.HasBegun;

    private protected override int ExpectedLength => (int)_length.Value;

    /// <summary>As long as the request: an upstream may have long names.</summary>
    private protected override int MaxNameLength => TextBuffer.MaxBytes - 1;

    private protected override string SplitProblem => "the request has no point between a name and a text";

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        if (!IsReading || (!_hasLength && !TryReadLength(ref data)))
        {
            return;
        }

        int missing = ExpectedLength - KeptLength;
        if (data.Length <= missing)
        {
            Keep(data);
        }
        else if (data[missing] != (byte)',')
        {
            Refuse("the request is no netstring: it has no comma at its end");
        }
        else
        {
            Complete(data[..missing]);
        }
    }

    private protected override void RequestEnded() => Refuse("the request ended too early");

    private protected override bool TrySplit(ReadOnlySpan<byte> request, out int nameLength, out int textStart)
    {
        nameLength = request.IndexOf((byte)'.');
        textStart = nameLength + 1;
        return nameLength >= 0;
    }

    private protected override void DropRequest()
    {
        base.DropRequest();
        _length = default;
        _hasLength = false;
    }

    /// <summary>With FIN: without a netstring it cannot be taken for an answer.</summary>
    private protected override void EndUnanswered() => Transport.LoseConnection();

    private protected override ReadOnlyMemory<byte> Frame(TextBuffer text) => text.Frame();

    private bool TryReadLength(ref ReadOnlySpan<byte> data)
    {
        NetstringStatus status = _length.Read(data, MaxLength, out int consumed);
        data = data[consumed..];
        _hasLength = status == NetstringStatus.Complete;
        if (status == NetstringStatus.TooLong)
        {
            Refuse($"the request is longer than {MaxLength} bytes");
        }
        else if (status == NetstringStatus.BadLength)
        {
            Refuse("the request is no netstring: it has no length");
        }
        else if (_hasLength && !Lease.CanHold(_length.Value))
        {
            RefuseTooLarge();
            return false;
        }

        return _hasLength;
    }
}
