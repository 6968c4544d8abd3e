using System;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Reads a poem whole into memory outside the managed heap, with its frame around it if it is to have one. Blocks for as
/// long as the disk does: it is for the start of a server and for SIGHUP.
/// </summary>
internal static unsafe class PoemReader
{
    /// <summary>What stands for standard input.</summary>
    public const string StandardInput = "-";

    private const int MinBufferBytes = 64 * 1024;

    /// <summary>A file that changes under every one of so many readings is not going to hold still.</summary>
    private const int MaxTries = 5;

    /// <summary>Reads a poem.</summary>
    /// <param name="name">A regular file, or <c>-</c> for standard input.</param>
    /// <param name="format">How it travels.</param>
    /// <param name="problem">Why there is none.</param>
    /// <returns>Null if there is none; otherwise held once, for the caller.</returns>
    public static Poem? TryRead(string name, PoemFormat format, out PoemProblem problem)
    {
        if (name == StandardInput)
        {
            Poem? typed = ReadToEnd(0, MinBufferBytes, format, out Errno refusal);
            problem = typed is null ? Unreadable("standard input", refusal.Sentence()) : default;
            return typed;
        }

        for (int tries = 0; tries < MaxTries; tries++)
        {
            Poem? poem = TryReadOnce(name, format, out problem, out bool changed);
            if (!changed)
            {
                return poem;
            }

            poem?.Release();
        }

        problem = Unreadable(name, "it keeps changing");
        return null;
    }

    /// <summary>Reads a file once.</summary>
    /// <param name="name">A file.</param>
    /// <param name="format">How it travels.</param>
    /// <param name="problem">Why there is no poem.</param>
    /// <param name="changed">Did somebody write to it meanwhile? Then the poem may be half of the old and half of the new.</param>
    private static Poem? TryReadOnce(string name, PoemFormat format, out PoemProblem problem, out bool changed)
    {
        changed = false;

        // Without blocking: the open of a FIFO would wait for a writer.
        Errno error = NativeFile.OpenForReading(name, out nint file);
        if (error != Errno.None)
        {
            problem = error is Errno.ENOENT or Errno.ENOTDIR
                ? new PoemProblem($"no such file: {name}", IsWrongUsage: true)
                : Unreadable(name, error.Sentence());
            return null;
        }

        Poem? poem = null;
        error = NativeFile.Status(file, out FileStatus before);
        problem = ProblemOf(name, before.Kind);
        if (error == Errno.None && problem == default)
        {
            poem = ReadToEnd(file, before.SizeBytes, format, out error);
            changed = poem is not null
                && NativeFile.Status(file, out FileStatus after) == Errno.None
                && !after.IsUnchangedSince(before);
        }

        _ = NativeFile.Close(file);
        if (error != Errno.None)
        {
            problem = Unreadable(name, error.Sentence());
        }

        return poem;
    }

    private static PoemProblem ProblemOf(string name, FileKind kind) => kind switch
    {
        FileKind.Regular => default,
        FileKind.Directory => new PoemProblem($"{name} is a directory, not a poem", IsWrongUsage: true),
        _ => new PoemProblem(
            $"{name} is no regular file; to serve what it yields, pipe it in and name {StandardInput}", IsWrongUsage: true),
    };

    private static PoemProblem Unreadable(string name, string why) =>
        new($"cannot read {name}: {why}", IsWrongUsage: false);

    /// <summary>Reads until the end, wherever it is: the size is only a hint.</summary>
    /// <param name="file">Open for reading.</param>
    /// <param name="sizeHint">In bytes; 0 or more.</param>
    /// <param name="format">How it travels.</param>
    /// <param name="error">Why there is no poem: of the file, or ENOMEM.</param>
    private static Poem? ReadToEnd(nint file, long sizeHint, PoemFormat format, out Errno error)
    {
        try
        {
            return ReadBlock(file, sizeHint, format, out error);
        }
        catch (OutOfMemoryException)
        {
            // A limit of this process, as ulimit -v sets it.
            error = Errno.ENOMEM;
            return null;
        }
    }

    private static Poem? ReadBlock(nint file, long sizeHint, PoemFormat format, out Errno error)
    {
        long head = format == PoemFormat.Netstring ? Netstring.MaxHeaderLength : 0;
        long tail = format == PoemFormat.Netstring ? 1 : 0;

        // One byte more than the hint, so that the last read can find the end.
        long capacity = Math.Max(sizeHint, 0) + 1;
        if (!AvailableMemory.HasRoomFor(capacity))
        {
            error = Errno.ENOMEM;
            return null;
        }

        NativeBlock block = NativeBlock.Create(head + capacity + tail);
        long length = 0;
        while (true)
        {
            if (length == capacity)
            {
                long larger = Math.Max(capacity * 2, MinBufferBytes);
                if (!AvailableMemory.HasRoomFor(larger - capacity))
                {
                    block.Free();
                    error = Errno.ENOMEM;
                    return null;
                }

                capacity = larger;
                block.Grow(head + capacity + tail);
            }

            var room = new Span<byte>(block.Start + head + length, (int)Math.Min(capacity - length, 1 << 30));
            if (file == 0 && SignalQueue.IsMine && SignalQueue.WaitReadable(file) == Errno.EINTR)
            {
                block.Free();
                throw new EndedBySignalError();
            }

            error = NativeFile.Read(file, room, out int read);
            if (error != Errno.None)
            {
                block.Free();
                return null;
            }

            if (read == 0)
            {
                return format == PoemFormat.Netstring ? Framed(block, length) : Bare(block, length);
            }

            length += read;
        }
    }

    private static Poem Bare(NativeBlock block, long length)
    {
        block.Seal(length);
        return new Poem(block, 0, length, length);
    }

    /// <summary>Writes the head right before the poem, and the comma behind it.</summary>
    private static Poem Framed(NativeBlock block, long length)
    {
        Span<byte> head = stackalloc byte[Netstring.MaxHeaderLength];
        int count = Netstring.WriteHeader(length, head);
        int offset = head.Length - count;
        head[..count].CopyTo(new Span<byte>(block.Start + offset, count));
        block.Start[head.Length + length] = (byte)',';
        block.Seal(head.Length + length + 1);
        return new Poem(block, offset, count + length + 1, length);
    }
}
