using System.Text;
using Poetry.Net;

namespace Poetry.Commands;

/// <summary>
/// Writes to standard error what must be said and what may be left out. A terminal that was stopped (Ctrl-S), or a reader
/// that is slow, holds up what must be said, but never progress: that is dropped.
/// </summary>
internal class TerminalWriter
{
    private readonly int _descriptor;
    private readonly nint _offers;
    private byte[] _rest = [];

    /// <summary>A writer on a descriptor.</summary>
    /// <param name="descriptor">Not owned.</param>
    public TerminalWriter(int descriptor)
    {
        _descriptor = descriptor;

        // A terminal opened anew has flags of its own, so it can be non-blocking without making the shell's so. It lives
        // as long as the process.
        _offers = StandardStreams.IsTerminalAt(descriptor)
            && NativeFile.OpenAgainWithoutBlocking(descriptor, out nint own) == Errno.None ? own : descriptor;
    }

    /// <summary>Writes it, however long that takes. If it can't be written there is nobody to tell.</summary>
    public virtual void Write(string text)
    {
        if (_rest.Length > 0)
        {
            _ = StandardStreams.WriteAll(_descriptor, _rest);
            _rest = [];
        }

        _ = StandardStreams.WriteAll(_descriptor, text);
    }

    /// <summary>Writes it if that can be done at once.</summary>
    /// <returns>False if it was dropped. It is all or nothing: the rest of what was taken in part is kept, and written
    /// before anything else.</returns>
    public virtual bool Offer(string text)
    {
        if (_rest.Length > 0)
        {
            int more = StandardStreams.WriteNow(_offers, _rest);
            _rest = _rest[more..];
            if (_rest.Length > 0)
            {
                return false;
            }
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int written = StandardStreams.WriteNow(_offers, bytes);
        _rest = written > 0 ? bytes[written..] : _rest;
        return written > 0;
    }
}
