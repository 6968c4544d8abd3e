using System.Text;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Writes to standard output and standard error with plain write(2). <c>System.Console</c> ignores a closed pipe (EPIPE), aborts
/// on a full disk, and is larger than this class. Any thread may write. Two at once may mix their lines, so each stream has one
/// owner at a time.
/// </summary>
internal static class StandardStreams
{
    public const int Output = 1;

    public const int Error = 2;

    /// <summary>PIPE_BUF of Linux: the free bytes of a pipe that poll(2) reports writable.</summary>
    private const int PipeBytes = 4096;

    /// <summary>The time between two attempts to open a FIFO that has no reader.</summary>
    private const int ReaderPollMs = 50;

    /// <summary>No timeout: only the descriptor ends the wait.</summary>
    private const int WithoutEnd = -1;

    public static bool IsTerminalAt(int descriptor) => NativeTerminal.IsTerminal(descriptor);

    /// <summary>Writes text as UTF-8.</summary>
    /// <returns>The error that ended it, if there was one.</returns>
    public static Errno WriteAll(nint descriptor, string text) => WriteAll(descriptor, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes all bytes. Waits also if the descriptor is non-blocking.</summary>
    /// <returns>The error that ended it, if there was one; some of the bytes may have been written.</returns>
    public static Errno WriteAll(nint descriptor, ReadOnlySpan<byte> bytes) => WriteAll(descriptor, bytes, out _);

    /// <summary>
    /// Writes all bytes. Waits also if the descriptor is non-blocking. On the main thread, a signal that ends the command ends
    /// the wait for the reader of a pipe or a terminal. The descriptor itself must not become non-blocking for that, because
    /// other processes share it. A long text is written to the pipe or terminal opened a second time, or in parts that fit when
    /// poll(2) reports free space.
    /// </summary>
    /// <param name="descriptor">The descriptor; it stays open.</param>
    /// <param name="bytes">The bytes to write.</param>
    /// <param name="written">The number of bytes written.</param>
    /// <returns>The error that ended it, if there was one; EINTR for such a signal.</returns>
    public static Errno WriteAll(nint descriptor, ReadOnlySpan<byte> bytes, out int written)
    {
        written = 0;
        nint own = -1;
        bool canReopen = false;
        bool heedsSignals = SignalQueue.IsMine && !IsFile(descriptor, out canReopen);
        bool hasOwn = heedsSignals
            && canReopen
            && bytes.Length > PipeBytes
            && NativeFile.OpenAgainWithoutBlocking(descriptor, out own) == Errno.None;
        nint target = hasOwn ? own : descriptor;
        Errno error = Errno.None;
        while (written < bytes.Length && error == Errno.None)
        {
            ReadOnlySpan<byte> part = bytes[written..];
            if (heedsSignals && !hasOwn)
            {
                part = part[..Math.Min(part.Length, PipeBytes)];
                error = SignalQueue.WaitWritable(target);
            }

            if (error == Errno.None)
            {
                error = NativeFile.Write(target, part, out int count);
                written += count;
            }

            if (error == Errno.EAGAIN)
            {
                // We opened it, or another process that shares the descriptor, such as the shell, made it non-blocking.
                error = heedsSignals ? SignalQueue.WaitWritable(target) : NativeFile.WaitWritable(target, WithoutEnd);
            }
        }

        if (hasOwn)
        {
            _ = NativeFile.Close(own);
        }

        return error;
    }

    /// <summary>Opens an existing device, FIFO or file for writing; waits for the reader of a FIFO.</summary>
    /// <returns>EINTR if a signal ends the command meanwhile.</returns>
    public static Errno OpenForWriting(string path, out nint handle)
    {
        while (true)
        {
            Errno error = NativeFile.OpenForWriting(path, out handle);
            bool isFifo = error == Errno.ENXIO
                && NativeFile.StatusOf(path, out FileStatus status) == Errno.None
                && status.Kind == FileKind.Fifo;
            if (!isFifo)
            {
                return error;
            }

            if (SignalQueue.Sleep(ReaderPollMs) == Errno.EINTR)
            {
                return Errno.EINTR;
            }
        }
    }

    /// <summary>True for files and block devices: a write to them does not wait for a reader.</summary>
    private static bool IsFile(nint descriptor, out bool canReopen)
    {
        bool isKnown = NativeFile.Status(descriptor, out FileStatus status) == Errno.None;
        canReopen = isKnown && status.Kind is FileKind.Fifo or FileKind.CharacterDevice;
        return isKnown && status.Kind is FileKind.Regular or FileKind.Other;
    }

    /// <summary>Writes the part of the bytes that can be written without waiting.</summary>
    /// <param name="descriptor">If it is blocking, writing more bytes than fit may still wait.</param>
    /// <param name="bytes">The bytes to write.</param>
    /// <returns>The number of bytes written; 0 after any error.</returns>
    public static int WriteNow(nint descriptor, ReadOnlySpan<byte> bytes) =>
        NativeFile.WaitWritable(descriptor, timeoutMs: 0) == Errno.None
        && NativeFile.Write(descriptor, bytes, out int written) == Errno.None ? written : 0;
}
