using Poetry.Net;

namespace Poetry.Commands;

/// <summary>A poem that is written to standard output as it arrives, in constant memory.</summary>
internal class StreamedPoem : PoemOutput
{
    /// <summary>The name of standard output in messages.</summary>
    public const string StandardOutput = "standard output";

    private readonly Func<ReadOnlySpan<byte>, Errno> _write;
    private readonly TerminalEscaper? _escaper;
    private bool _hasShown;

    /// <param name="escapes">True to escape control characters, as for a terminal.</param>
    /// <param name="write">Writes all or returns the error that ended it; null for standard output.</param>
    public StreamedPoem(bool escapes, Func<ReadOnlySpan<byte>, Errno>? write = null)
    {
        _write = write ?? (static bytes => StandardStreams.WriteAll(StandardStreams.Output, bytes));
        _escaper = escapes ? new TerminalEscaper() : null;
    }

    public override string Name => StandardOutput;

    public override bool HasShown => _hasShown;

    public override Errno Write(ReadOnlySpan<byte> bytes)
    {
        _hasShown = true;
        EndsLine = bytes[^1] == '\n';
        return _escaper?.Write(bytes, isFinal: false, _write) ?? _write(bytes);
    }

    public override Errno Commit() => _escaper?.Write([], isFinal: true, _write) ?? Errno.None;

    /// <summary>Does nothing: written bytes stay.</summary>
    public override void Abort()
    {
    }
}
