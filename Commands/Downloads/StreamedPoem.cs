using System;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>A poem that is written to standard output as it arrives, in constant memory.</summary>
/// <param name="escapes">True to escape control characters, as for a terminal.</param>
internal sealed class StreamedPoem(bool escapes) : PoemOutput
{
    private static readonly Func<ReadOnlySpan<byte>, Errno> ToStandardOutput =
        static bytes => StandardStreams.WriteAll(StandardStreams.Output, bytes);

    private readonly TerminalEscaper? _escaper = escapes ? new TerminalEscaper() : null;
    private bool _hasShown;

    /// <inheritdoc/>
    public override bool HasShown => _hasShown;

    /// <inheritdoc/>
    public override OutputResult Write(ReadOnlySpan<byte> bytes)
    {
        _hasShown = true;
        EndsLine = bytes[^1] == '\n';
        return OutputResult.OfStandardOutput(
            _escaper?.Write(bytes, isFinal: false, ToStandardOutput) ?? ToStandardOutput(bytes));
    }

    /// <inheritdoc/>
    public override OutputResult Commit() =>
        OutputResult.OfStandardOutput(_escaper?.Write([], isFinal: true, ToStandardOutput) ?? Errno.None);

    /// <summary>What was written stays.</summary>
    public override void Abort()
    {
    }
}
