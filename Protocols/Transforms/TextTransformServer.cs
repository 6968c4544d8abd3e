using System;

namespace Poetry.Protocols;

/// <summary>
/// The text face of a transform service, for people with <c>nc -N</c>: the first line is the name, everything after it up
/// to the client's end is the text, and what goes back is the bare transformed text.
/// </summary>
internal sealed class TextTransformServer(TransformServerFactory factory) : TransformServer(factory)
{
    /// <summary>Chosen: longer than any name, and short enough to tell early who speaks another protocol.</summary>
    private const int LongestName = 256;

    private TextBuffer? _request;
    private bool _hasName;

    /// <inheritdoc/>
    private protected override bool HasBegun => _request is not null;

    /// <inheritdoc/>
    protected internal override void DataReceived(ReadOnlySpan<byte> data)
    {
        if (!IsReading)
        {
            return;
        }

        _request ??= Buffers.Rent(MaxLength);
        if (data.Length > MaxLength - _request.Length)
        {
            Refuse($"the request is longer than {MaxLength} bytes");
            return;
        }

        _request.Write(data);
        // A buffer that was used before may be larger than a short request needs: that is not the request's doing.
        if ((_request.Length > RequestBudget.FreeBytes && !TryHold(_request.Capacity)) || _hasName)
        {
            return;
        }

        ReadOnlySpan<byte> start = _request.Text.Span;
        _hasName = start[..Math.Min(start.Length, LongestName + 1)].Contains((byte)'\n');
        if (!_hasName && start.Length > LongestName)
        {
            Refuse("the request does not begin with a line that names a transformation");
        }
    }

    /// <summary>Only the client's end tells that all has come.</summary>
    private protected override void RequestEnded()
    {
        ReadOnlySpan<byte> request = _request!.Text.Span;
        int newline = request.IndexOf((byte)'\n');
        if (newline < 0)
        {
            Refuse("the request ended before its first line did");
            return;
        }

        ReadOnlySpan<byte> name = request[..newline];
        Answer(name is [.., (byte)'\r'] ? name[..^1] : name, request[(newline + 1)..]);
        ForgetRequest();
    }

    /// <inheritdoc/>
    private protected override void ForgetRequest()
    {
        base.ForgetRequest();
        _hasName = false;
        if (_request is { } request)
        {
            _request = null;
            Buffers.Return(request);
        }
    }

    /// <summary>By a reset: a clean end is what an answer without any text has, too.</summary>
    private protected override void EndUnanswered() => Transport.AbortConnection();

    /// <inheritdoc/>
    private protected override ReadOnlyMemory<byte> Frame(TextBuffer text) => text.Text;
}
