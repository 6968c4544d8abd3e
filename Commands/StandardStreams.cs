using System;
using System.Text;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Standard output and standard error by plain writes. <c>System.Console</c> ignores a closed pipe (EPIPE), aborts on a full
/// disk, and is larger than all of this. Any thread may write. Two at once may mix their lines, so each stream has one owner
/// at a time.
/// </summary>
internal static class StandardStreams
{
    public const int Output = 1;

    public const int Error = 2;

    private const int NoTimeout = -1;

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
                // Another process made it non-blocking: the shell and other programs share the descriptor.
                error = NativeFile.WaitWritable(descriptor, NoTimeout);
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
