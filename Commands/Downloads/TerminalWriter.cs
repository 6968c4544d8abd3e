using System.Text;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Writes to standard error: messages, for which it waits, and progress, which is dropped while a terminal is stopped (Ctrl-S) or a reader
/// is slow.
/// </summary>
internal class TerminalWriter
{
    /// <summary>The number of bytes that a writable pipe takes without blocking: PIPE_BUF of Linux is 4096, POSIX guarantees 512.</summary>
    private const int MaxPart = 512;

    /// <summary>The maximum time that a message waits for a reader when the command has to end.</summary>
    private const int LastWaitMs = 1000;

    private readonly int _descriptor;
    private readonly Func<bool> _isInterrupted;
    private readonly nint _nonBlocking;
    private byte[] _rest = [];
    private bool _isStuck;

    /// <summary>Creates a writer on a descriptor.</summary>
    /// <param name="descriptor">The descriptor; it stays open.</param>
    /// <param name="isInterrupted">True if a signal ends the command.</param>
    public TerminalWriter(int descriptor, Func<bool> isInterrupted)
    {
        _descriptor = descriptor;
        _isInterrupted = isInterrupted;

        // A terminal that is opened again has its own flags: non-blocking does not change the shell's. It stays open until the
        // process ends.
        _nonBlocking = StandardStreams.IsTerminalAt(descriptor)
            && NativeFile.OpenAgainWithoutBlocking(descriptor, out nint own) == Errno.None ? own : descriptor;
    }

    /// <summary>
    /// Writes a message, and waits for the reader. Once a signal ends the command, a reader that takes nothing for a second gets no
    /// more messages. Other errors are ignored: they cannot be reported anywhere.
    /// </summary>
    public virtual void Write(string text)
    {
        ReadOnlySpan<byte> left = [.. _rest, .. Encoding.UTF8.GetBytes(text)];
        _rest = [];
        if (!_isInterrupted())
        {
            bool wasInterrupted = StandardStreams.WriteAll(_descriptor, left, out int written) == Errno.EINTR;
            left = wasInterrupted ? left[written..] : default;
        }

        while (!left.IsEmpty && !_isStuck)
        {
            int written = 0;
            Errno error = NativeFile.WaitWritable(_nonBlocking, LastWaitMs);
            error = error == Errno.None ? NativeFile.Write(_nonBlocking, left[..Math.Min(left.Length, MaxPart)], out written) : error;
            _isStuck = error != Errno.None;
            left = left[written..];
        }
    }

    /// <summary>Writes progress if that is possible at once.</summary>
    /// <returns>False if it was dropped. The rest of a partial write is kept, and written before anything else.</returns>
    public virtual bool TryWrite(string text)
    {
        if (_rest.Length > 0)
        {
            int more = StandardStreams.WriteNow(_nonBlocking, _rest);
            _rest = _rest[more..];
            if (_rest.Length > 0)
            {
                return false;
            }
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int written = StandardStreams.WriteNow(_nonBlocking, bytes);
        _rest = written > 0 ? bytes[written..] : _rest;
        return written > 0;
    }
}
