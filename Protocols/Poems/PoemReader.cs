using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Reads a poem into memory outside the managed heap, with its frame if it has one. A file is read until it no longer
/// changes, so a poem is never half old and half new although its file is rewritten in place. A file that was written
/// recently is read twice, with a pause between, and has to be the same. If a file is open for writing, the reader waits.
/// </summary>
/// <remarks>
/// The time of the last change is not enough: the kernel records it when a write begins, in steps of up to 10 ms. A writer
/// that pauses in the middle for longer than <see cref="Abandoned"/> is not detected. If the system does not report writers,
/// the limit is <see cref="Pause"/>. Such a writer should write another file and rename it.
/// </remarks>
/// <param name="name">The path of a regular file, or <c>-</c> for standard input.</param>
/// <param name="format">The format of the poem on the connection.</param>
internal sealed class PoemReader(string name, PoemFormat format)
{
    /// <summary>The name of standard input.</summary>
    public const string StandardInput = "-";

    private const int MinBufferBytes = 64 * 1024;

    /// <summary>The pause between two readings. Chosen: twice the step of the kernel's clock.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>The age from which a file is read only once. Chosen: no single write takes that long.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The age from which a file counts as unchanging, even if it is open for writing. Chosen: a program may keep a file
    /// open without writing to it, and a write on a busy machine has ended by then.
    /// </summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromSeconds(2);

    /// <summary>The maximum number of readings. Chosen: three seconds in all, longer than <see cref="Abandoned"/>.</summary>
    private const int MaxTries = 150;

    /// <summary>The hash of the last reading, which the next one has to equal. 32 bits are enough, since size and time are
    /// compared as well. With a hash, no second poem is in memory.</summary>
    private int? _hash;
    private FileStatus _status;
    private int _tries;

    /// <summary>The poem, with a reference for the caller; null if it could not be read, or was not read yet.</summary>
    public Poem? Poem { get; private set; }

    /// <summary>The reason why there is no poem.</summary>
    public PoemProblem Problem { get; private set; }

    /// <summary>Reads a poem. Waits for a file that is being written.</summary>
    /// <returns>The poem, with a reference for the caller; null if it can't be read.</returns>
    public static Poem? TryRead(string name, PoemFormat format, out PoemProblem problem)
    {
        var reader = new PoemReader(name, format);
        reader.Finish();
        problem = reader.Problem;
        return reader.Poem;
    }

    /// <summary>Reads, and blocks between two readings. Used at the start of a server, before it has clients.</summary>
    public void Finish()
    {
        while (!Step())
        {
            Thread.Sleep(Pause);
        }
    }

    /// <summary>Reads without blocking the loop between two readings.</summary>
    /// <returns>Fires with this reader, at once if one reading is enough. Cancelling it stops reading.</returns>
    public async Deferred<PoemReader> Finish(IClock clock)
    {
        while (!Step())
        {
            _ = await clock.Sleep(Pause);
        }

        return this;
    }

    /// <summary>Reads once more.</summary>
    /// <returns>True if the reader has finished; false to be called again after <see cref="Pause"/>.</returns>
    private bool Step()
    {
        if (_tries++ == MaxTries)
        {
            Problem = Unreadable(name, "it keeps changing");
            return true;
        }

        FileStatus earlier = _status;
        Poem? poem = ReadOnce(out bool isBeingWritten);
        if (poem is null)
        {
            return true;
        }

        if (!isBeingWritten && (_status.Kind != FileKind.Regular || Age > Settled || EqualsLast(poem, earlier)))
        {
            Poem = poem;
            return true;
        }

        poem.Release();
        return false;
    }

    /// <summary>True if the poem and its file are the same as at the last reading.</summary>
    private bool EqualsLast(Poem poem, in FileStatus earlier)
    {
        var hash = default(HashCode);
        foreach (ReadOnlyMemory<byte> part in poem.Parts)
        {
            hash.AddBytes(part.Span);
        }

        int? last = _hash;
        _hash = hash.ToHashCode();
        return _hash == last && _status.IsUnchangedSince(earlier);
    }

    /// <summary>The time since the file was last written.</summary>
    private TimeSpan Age => _status.AgeAt(DateTime.UtcNow);

    /// <summary>Reads once, and sets <see cref="Problem"/> if that fails.</summary>
    /// <param name="isBeingWritten">True if the poem may be half old and half new.</param>
    private Poem? ReadOnce(out bool isBeingWritten)
    {
        isBeingWritten = false;
        if (name == StandardInput)
        {
            Poem? typed = ReadToEnd(0, MinBufferBytes, out Errno refusal);
            Problem = typed is null ? Unreadable("standard input", refusal.Sentence()) : default;
            return typed;
        }

        // Opened without blocking: opening a FIFO would wait for a writer.
        Errno error = NativeFile.OpenForReading(name, out nint file);
        if (error != Errno.None)
        {
            Problem = error is Errno.ENOENT or Errno.ENOTDIR
                ? new PoemProblem($"no such file: {name}", IsWrongUsage: true)
                : Unreadable(name, error.Sentence());
            return null;
        }

        Poem? poem = null;
        error = NativeFile.Status(file, out _status);
        Problem = ProblemOf(_status.Kind);
        if (error == Errno.None && Problem == default)
        {
            bool hasWriter = NativeFile.HasWriter(file);
            poem = ReadToEnd(file, _status.SizeBytes, out error);
            hasWriter |= NativeFile.HasWriter(file);
            bool changed = NativeFile.Status(file, out FileStatus after) == Errno.None && !after.IsUnchangedSince(_status);
            isBeingWritten = changed || (hasWriter && Age < Abandoned);
        }

        _ = NativeFile.Close(file);
        if (error != Errno.None)
        {
            Problem = Unreadable(name, error.Sentence());
        }

        return poem;
    }

    private static PoemProblem Unreadable(string name, string why) =>
        new($"cannot read {name}: {why}", IsWrongUsage: false);

    private PoemProblem ProblemOf(FileKind kind) => kind switch
    {
        FileKind.Regular => default,
        FileKind.Directory => new PoemProblem($"{name} is a directory, not a poem", IsWrongUsage: true),
        _ => new PoemProblem(
            $"{name} is no regular file; to serve what it yields, pipe it in and name {StandardInput}", IsWrongUsage: true),
    };

    /// <summary>Reads to the end of a file, which may be longer or shorter than expected.</summary>
    /// <param name="file">The file, open for reading.</param>
    /// <param name="sizeHint">The expected size in bytes.</param>
    /// <param name="error">The reason why there is no poem: an error of the file, or ENOMEM.</param>
    private Poem? ReadToEnd(nint file, long sizeHint, out Errno error)
    {
        bool isFramed = format == PoemFormat.Netstring;
        long head = isFramed ? Netstring.MaxHeaderLength : 0;
        long tail = isFramed ? 1 : 0;
        NativeBlock? block = null;
        Poem? poem = null;
        try
        {
            // One byte more than expected, so that the last read can return 0 for the end.
            block = new NativeBlock(head + Math.Max(sizeHint, 0) + 1 + tail);
            error = Fill(block, file, head, tail, out long length);
            poem = error == Errno.None ? Seal(block, head, length, isFramed) : null;
            return poem;
        }
        catch (OutOfMemoryException)
        {
            error = Errno.ENOMEM;
            return null;
        }
        finally
        {
            if (poem is null)
            {
                block?.Free();
            }
        }
    }

    private static unsafe Errno Fill(NativeBlock block, nint file, long head, long tail, out long length)
    {
        length = 0;
        while (true)
        {
            long capacity = block.Capacity - head - tail;
            if (length == capacity)
            {
                capacity = Math.Max(capacity * 2, MinBufferBytes);
                block.Grow(head + capacity + tail);
            }

            var room = new Span<byte>(block.Start + head + length, (int)Math.Min(capacity - length, 1 << 30));
            if (file == 0 && SignalQueue.IsMine && SignalQueue.WaitReadable(file) == Errno.EINTR)
            {
                throw new EndedBySignalError();
            }

            Errno error = NativeFile.Read(file, room, out int read);
            if (error != Errno.None || read == 0)
            {
                return error;
            }

            length += read;
        }
    }

    /// <summary>Writes the header of a frame in front of the poem, and its comma after it.</summary>
    private static unsafe Poem Seal(NativeBlock block, long offset, long length, bool isFramed)
    {
        long end = offset + length;
        if (isFramed)
        {
            Span<byte> header = stackalloc byte[Netstring.MaxHeaderLength];
            header = header[..Netstring.WriteHeader(length, header)];
            offset -= header.Length;
            header.CopyTo(new Span<byte>(block.Start + offset, header.Length));
            block.Start[end++] = (byte)',';
        }

        block.Seal(end);
        return new Poem(block, offset, end - offset, length);
    }
}

/// <summary>The reason why there is no poem.</summary>
/// <param name="Sentence">One line for the user, without a full stop, naming the file.</param>
/// <param name="IsWrongUsage">True if the user has to name another file; false if the right one could not be read.</param>
internal readonly record struct PoemProblem(string Sentence, bool IsWrongUsage);
