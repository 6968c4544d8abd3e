using System;
using System.Text;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Standard output and standard error by plain writes. <c>System.Console</c> hides a reader that has gone (EPIPE), dies on
/// a full disk, and weighs more than all of this. Any thread may write; two at once may mix their lines, so each stream
/// has one owner at a time.
/// </summary>
internal static class StandardStreams
{
    /// <summary>The descriptor of standard output.</summary>
    public const int Output = 1;

    /// <summary>The descriptor of standard error.</summary>
    public const int Error = 2;

    /// <summary>A wait that only the descriptor ends.</summary>
    private const int WithoutEnd = -1;

    /// <summary>Is the descriptor a terminal?</summary>
    public static bool IsTerminalAt(int descriptor) => NativeTerminal.IsTerminal(descriptor);

    /// <summary>Writes text as UTF-8.</summary>
    /// <returns>The error that ended it, if there was one.</returns>
    public static Errno WriteAll(nint descriptor, string text) => WriteAll(descriptor, Encoding.UTF8.GetBytes(text));

    /// <summary>Writes all of the bytes, waiting where the descriptor does not block.</summary>
    /// <returns>The error that ended it, if there was one; some of the bytes may have been written.</returns>
    public static Errno WriteAll(nint descriptor, ReadOnlySpan<byte> bytes) => WriteAll(descriptor, bytes, out _);

    /// <summary>Writes all of the bytes, waiting where the descriptor does not block.</summary>
    /// <param name="descriptor">Not owned.</param>
    /// <param name="bytes">What to write.</param>
    /// <param name="written">How many of them were written.</param>
    /// <returns>The error that ended it, if there was one.</returns>
    public static Errno WriteAll(nint descriptor, ReadOnlySpan<byte> bytes, out int written)
    {
        written = 0;
        while (written < bytes.Length)
        {
            Errno error = NativeFile.Write(descriptor, bytes[written..], out int count);
            written += count;
            if (error == Errno.EAGAIN)
            {
                // Somebody else made it non-blocking: descriptors are shared with the shell and with other processes.
                error = NativeFile.WaitWritable(descriptor, WithoutEnd);
            }

            if (error != Errno.None)
            {
                return error;
            }
        }

        return Errno.None;
    }

    /// <summary>Writes what can be written without waiting.</summary>
    /// <param name="descriptor">If it blocks, a write of more than it has room for may wait all the same.</param>
    /// <param name="bytes">What to write.</param>
    /// <returns>How many bytes were written; 0 after any error.</returns>
    public static int WriteNow(nint descriptor, ReadOnlySpan<byte> bytes) =>
        NativeFile.WaitWritable(descriptor, timeoutMs: 0) == Errno.None
        && NativeFile.Write(descriptor, bytes, out int written) == Errno.None ? written : 0;
}
