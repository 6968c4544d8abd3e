namespace Poetry.Protocols;

/// <summary>
/// The text port of a transform service, for <c>nc -N</c>: the first line is the name, everything after it up to the end of
/// the client's input is the text, and the answer is the bare transformed text.
/// </summary>
internal sealed class TextTransformServer(TransformServerFactory factory) : TransformServer(factory)
{
    private protected override bool HasBegun => KeptLength > 0;

    /// <summary>The length is known only at the end: memory is reserved for the longest request.</summary>
    private protected override int ExpectedLength => MaxLength;

    /// <summary>Chosen: longer than any name, and short enough to refuse other protocols early.</summary>
    private protected override int MaxNameLength => 256;

    private protected override byte Separator => (byte)'\n';

    private protected override string SplitProblem => "the request ended before its first line did";

    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        if (!IsReading)
        {
            return;
        }

        if (data.Length > MaxLength - KeptLength)
        {
            RefuseTooLong();
        }
        else
        {
            Keep(data);
        }
    }

    /// <summary>The end of the client's input completes a request.</summary>
    private protected override void RequestEnded() => Complete(default);

    /// <summary>Closes with RST: FIN would look like an empty answer.</summary>
    private protected override void EndUnanswered() => Transport.AbortConnection();

    private protected override ReadOnlyMemory<byte> Frame(TextBuffer text) => text.TextMemory;
}
