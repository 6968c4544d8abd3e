using System;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Reads poems into memory outside the managed heap, with the frame around them if they have one. Blocks as long as the disk
/// does.
/// </summary>
internal static unsafe class PoemReader
{
    /// <summary>Stands for standard input.</summary>
    public const string StandardInput = "-";

    private const int MinBufferBytes = 64 * 1024;

    /// <summary>Reads a poem. Waits for a file that is being written.</summary>
    /// <param name="name">A regular file, or <c>-</c> for standard input.</param>
    /// <param name="format">How it travels.</param>
    /// <param name="problem">Why there is none.</param>
    /// <returns>Null if there is none; otherwise with a reference for the caller.</returns>
    public static Poem? TryRead(string name, PoemFormat format, out PoemProblem problem)
    {
        var reading = new PoemReading(name, format);
        reading.Finish();
        problem = reading.Problem;
        return reading.Poem;
    }

    /// <summary>Reads a file once.</summary>
    /// <param name="name">A regular file, or <c>-</c> for standard input.</param>
    /// <param name="format">How the poem travels.</param>
    /// <param name="problem">Why there is no poem.</param>
    /// <param name="status">Of the file before it was read.</param>
    /// <param name="isWritten">True if the file is open for writing, as far as the system tells.</param>
    /// <param name="changed">True if the file was written meanwhile: the poem may be half old and half new.</param>
    public static Poem? TryReadOnce(
        string name, PoemFormat format, out PoemProblem problem, out FileStatus status, out bool isWritten, out bool changed)
    {
        isWritten = false;
        changed = false;
        status = default;
        if (name == StandardInput)
        {
            Poem? typed = ReadToEnd(0, MinBufferBytes, format, out Errno refusal);
            problem = typed is null ? Unreadable("standard input", refusal.Sentence()) : default;
            return typed;
        }

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
        error = NativeFile.Status(file, out status);
        problem = ProblemOf(name, status.Kind);
        if (error == Errno.None && problem == default)
        {
            isWritten = NativeFile.HasWriter(file);
            poem = ReadToEnd(file, status.SizeBytes, format, out error);
            isWritten |= NativeFile.HasWriter(file);
            changed = poem is not null
                && NativeFile.Status(file, out FileStatus after) == Errno.None
                && !after.IsUnchangedSince(status);
        }

        _ = NativeFile.Close(file);
        if (error != Errno.None)
        {
            problem = Unreadable(name, error.Sentence());
        }

        return poem;
    }

    /// <summary>The problem of a file that can't be read.</summary>
    public static PoemProblem Unreadable(string name, string why) =>
        new($"cannot read {name}: {why}", IsWrongUsage: false);

    private static PoemProblem ProblemOf(string name, FileKind kind) => kind switch
    {
        FileKind.Regular => default,
        FileKind.Directory => new PoemProblem($"{name} is a directory, not a poem", IsWrongUsage: true),
        _ => new PoemProblem(
            $"{name} is no regular file; to serve what it yields, pipe it in and name {StandardInput}", IsWrongUsage: true),
    };

    /// <summary>Reads to the end of a file, which may be longer or shorter than expected.</summary>
    /// <param name="file">Open for reading.</param>
    /// <param name="sizeHint">The expected size in bytes.</param>
    /// <param name="format">How it travels.</param>
    /// <param name="error">Why there is no poem: an error of the file, or ENOMEM.</param>
    private static Poem? ReadToEnd(nint file, long sizeHint, PoemFormat format, out Errno error)
    {
        long head = format == PoemFormat.Netstring ? Netstring.MaxHeaderLength : 0;
        long tail = format == PoemFormat.Netstring ? 1 : 0;
        NativeBlock? block = null;
        Poem? poem = null;
        try
        {
            // One byte more than expected, so that the last read can return 0 for the end.
            block = new NativeBlock(head + Math.Max(sizeHint, 0) + 1 + tail);
            error = Fill(block, file, head, tail, out long length);
            poem = error != Errno.None ? null : format == PoemFormat.Netstring ? Framed(block, length) : Bare(block, length);
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

    private static Errno Fill(NativeBlock block, nint file, long head, long tail, out long length)
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

    private static Poem Bare(NativeBlock block, long length)
    {
        block.Seal(length);
        return new Poem(block, 0, length, length);
    }

    /// <summary>Writes the header right before the poem, and the comma after it.</summary>
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
