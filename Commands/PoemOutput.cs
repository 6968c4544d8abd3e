using System;
using System.Collections.Generic;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>What came of writing a poem. The default is success.</summary>
internal readonly struct OutputResult
{
    private OutputResult(string? problem, bool readerIsGone)
    {
        Problem = problem;
        ReaderIsGone = readerIsGone;
    }

    /// <summary>What went wrong, in one sentence without a full stop: for <see cref="CommandRunner.Fail"/>. Null if
    /// nothing did, and if only the reader has gone.</summary>
    public string? Problem { get; }

    /// <summary>Whoever read standard output does so no more, as <c>head</c> does; the program then ends quietly.</summary>
    public bool ReaderIsGone { get; }

    /// <summary>Was it written?</summary>
    public bool IsOk => Problem is null && !ReaderIsGone;

    /// <summary>A failure.</summary>
    public static OutputResult Failed(string problem) => new(problem, readerIsGone: false);

    /// <summary>The end of a pipe.</summary>
    public static OutputResult Gone() => new(null, readerIsGone: true);
}

/// <summary>
/// Where one poem goes: it gets the bytes as they arrive, then either <see cref="Commit"/> or <see cref="Abort"/>, once.
/// After a failure only <see cref="Abort"/> is of use. Errors are return values.
/// </summary>
internal abstract class PoemOutput
{
    /// <summary>Takes the next bytes.</summary>
    public abstract OutputResult Write(ReadOnlySpan<byte> bytes);

    /// <summary>The poem is whole.</summary>
    public abstract OutputResult Commit();

    /// <summary>The poem will never be whole: leaves no trace of it where that can be.</summary>
    public abstract void Abort();

    /// <summary>Has anything been shown that can't be taken back? Then the download can't be tried again.</summary>
    public virtual bool HasShown => false;
}

/// <summary>
/// A poem for standard output. It is held until it is whole, for poems of several servers may not be mixed, unless it is
/// the only one: then it goes through as it comes.
/// </summary>
internal sealed class StandardOutputPoem : PoemOutput
{
    /// <summary>As much as one read brings at most.</summary>
    private const int PartLength = 64 * 1024;

    private readonly bool _isAlone;
    private readonly Func<ReadOnlySpan<byte>, Errno> _write;
    private readonly TerminalEscaper? _escaper;
    private readonly List<byte[]> _parts = [];
    private int _lastPartLength;
    private bool _hasShown;
    private byte _lastByte = (byte)'\n';

    /// <summary>A poem for standard output.</summary>
    /// <param name="isAlone">Is it the only one, and need it not be whole before its first byte is seen?</param>
    /// <param name="escapes">Are control characters to be escaped, as on a terminal?</param>
    public StandardOutputPoem(bool isAlone, bool escapes)
        : this(isAlone, escapes, static bytes => StandardStreams.WriteAll(StandardStreams.Output, bytes))
    {
    }

    /// <summary>The same with another writer, which writes all or returns the error that ended it.</summary>
    internal StandardOutputPoem(bool isAlone, bool escapes, Func<ReadOnlySpan<byte>, Errno> write)
    {
        _isAlone = isAlone;
        _escaper = escapes ? new TerminalEscaper() : null;
        _write = write;
    }

    /// <inheritdoc/>
    public override bool HasShown => _hasShown;

    /// <summary>Does what was shown end with a newline, or is nothing shown yet?</summary>
    public bool EndsLine => !_hasShown || _lastByte == '\n';

    /// <inheritdoc/>
    public override OutputResult Write(ReadOnlySpan<byte> bytes)
    {
        if (_isAlone)
        {
            return Show(bytes, isFinal: false);
        }

        while (!bytes.IsEmpty)
        {
            if (_parts.Count == 0 || _lastPartLength == _parts[^1].Length)
            {
                // A short poem gets a short part.
                _parts.Add(new byte[_parts.Count == 0 ? Math.Min(bytes.Length, PartLength) : PartLength]);
                _lastPartLength = 0;
            }

            byte[] part = _parts[^1];
            int count = Math.Min(bytes.Length, part.Length - _lastPartLength);
            bytes[..count].CopyTo(part.AsSpan(_lastPartLength));
            _lastPartLength += count;
            bytes = bytes[count..];
        }

        return default;
    }

    /// <inheritdoc/>
    public override OutputResult Commit()
    {
        for (int i = 0; i < _parts.Count; i++)
        {
            int length = i == _parts.Count - 1 ? _lastPartLength : _parts[i].Length;
            OutputResult result = Show(_parts[i].AsSpan(0, length), isFinal: false);
            if (!result.IsOk)
            {
                return result;
            }
        }

        _parts.Clear();
        return Show([], isFinal: true);
    }

    /// <inheritdoc/>
    public override void Abort() => _parts.Clear();

    private OutputResult Show(ReadOnlySpan<byte> bytes, bool isFinal)
    {
        if (!bytes.IsEmpty)
        {
            _hasShown = true;
            _lastByte = bytes[^1];
        }

        Errno error = _escaper is not null ? _escaper.Write(bytes, isFinal, _write)
            : bytes.IsEmpty ? Errno.None : _write(bytes);
        return error == Errno.None ? default
            : error == Errno.EPIPE ? OutputResult.Gone()
            : OutputResult.Failed($"cannot write standard output: {error.Sentence()}");
    }
}
