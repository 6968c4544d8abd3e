using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
/// Where one poem goes: it gets the bytes as they arrive, then either <see cref="Commit"/> or <see cref="Abort"/>, once;
/// between the two may be <see cref="Seal"/>, if it is to wait. After a failure only <see cref="Abort"/> is of use. Errors are return values.
/// </summary>
internal abstract class PoemOutput
{
    /// <summary>Where the next bytes may be put before they are written, to save a copy; none if it saves none.</summary>
    public virtual Span<byte> GetBuffer() => default;

    /// <summary>Takes the next bytes.</summary>
    public abstract OutputResult Write(ReadOnlySpan<byte> bytes);

    /// <summary>All bytes have been written. From here on it holds no descriptor, so that any number can wait.</summary>
    public virtual OutputResult Seal() => default;

    /// <summary>The poem is whole.</summary>
    public abstract OutputResult Commit();

    /// <summary>The poem will never be whole: leaves no trace of it where that can be.</summary>
    public abstract void Abort();

    /// <summary>Has anything been shown that can't be taken back? Then the download can't be tried again.</summary>
    public virtual bool HasShown => false;
}

/// <summary>
/// A poem for standard output. It is held until it is whole, outside the managed heap: poems of several servers may not be
/// mixed, and of a poem that fails nothing is shown.
/// </summary>
internal sealed unsafe class StandardOutputPoem : PoemOutput
{
    /// <summary>A poem is mostly short, and doubling soon makes it long.</summary>
    private const long SmallestCapacity = 4096;

    /// <summary>Where memory is short: few calls for a long poem, and little that may stay unused.</summary>
    private const long SmallGrowth = 4 * 1024 * 1024;

    /// <summary>Room for one read: what a fast server sends while others are read from.</summary>
    private const int ReadBytes = 256 * 1024;

    private readonly Func<ReadOnlySpan<byte>, Errno> _write;
    private readonly TerminalEscaper? _escaper;
    private byte* _memory;
    private long _capacity;
    private long _length;
    private bool _hasShown;
    private byte _lastByte = (byte)'\n';

    /// <summary>A poem for standard output.</summary>
    /// <param name="escapes">Are control characters to be escaped, as on a terminal?</param>
    public StandardOutputPoem(bool escapes)
        : this(escapes, static bytes => StandardStreams.WriteAll(StandardStreams.Output, bytes))
    {
    }

    /// <summary>The same with another writer, which writes all or returns the error that ended it.</summary>
    internal StandardOutputPoem(bool escapes, Func<ReadOnlySpan<byte>, Errno> write)
    {
        _escaper = escapes ? new TerminalEscaper() : null;
        _write = write;
    }

    /// <inheritdoc/>
    public override bool HasShown => _hasShown;

    /// <summary>Does what was shown end with a newline, or is nothing shown yet?</summary>
    public bool EndsLine => !_hasShown || _lastByte == '\n';

    /// <inheritdoc/>
    public override Span<byte> GetBuffer()
    {
        try
        {
            Reserve(ReadBytes);
        }
        catch (OutOfMemoryException)
        {
            // It only saves a copy: the write that finds no room is the one to fail.
            return default;
        }

        return new Span<byte>(_memory + _length, ReadBytes);
    }

    /// <inheritdoc/>
    /// <exception cref="OutOfMemoryException">There is no room for them; what was written before is still there.</exception>
    public override OutputResult Write(ReadOnlySpan<byte> bytes)
    {
        bool isInPlace = bytes.Length <= _capacity - _length
            && Unsafe.AreSame(ref MemoryMarshal.GetReference(bytes), ref *(_memory + _length));
        if (!isInPlace)
        {
            Reserve(bytes.Length);
            bytes.CopyTo(new Span<byte>(_memory + _length, bytes.Length));
        }

        _length += bytes.Length;
        return default;
    }

    /// <inheritdoc/>
    public override OutputResult Commit()
    {
        OutputResult result = default;
        for (long shown = 0; shown < _length && result.IsOk;)
        {
            int count = (int)Math.Min(_length - shown, 1 << 30);
            result = Show(new ReadOnlySpan<byte>(_memory + shown, count), isFinal: false);
            shown += count;
        }

        Abort();
        return result.IsOk ? Show([], isFinal: true) : result;
    }

    /// <inheritdoc/>
    public override void Abort()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        _capacity = _length = 0;
    }

    /// <summary>The C library moves large blocks by their pages, so growing by doubling copies next to nothing.</summary>
    private void Reserve(int count)
    {
        if (count > _capacity - _length)
        {
            // If there is none for so much, what there is stays as it is.
            long capacity = Math.Max(Math.Max(_capacity * 2, _length + count), SmallestCapacity);
            if (!AvailableMemory.HasRoomFor(capacity - _capacity))
            {
                // Twice as much may be far more than the poem needs.
                capacity = Math.Max(_length + count, _capacity + SmallGrowth);
                if (!AvailableMemory.HasRoomFor(capacity - _capacity))
                {
                    throw new InsufficientMemoryException();
                }
            }

            _memory = (byte*)NativeMemory.Realloc(_memory, (nuint)capacity);
            _capacity = capacity;
        }
    }

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
