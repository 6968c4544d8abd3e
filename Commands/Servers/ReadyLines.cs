using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>Writes the ready lines to standard output.</summary>
internal static class ReadyLines
{
    /// <summary>Writes one line a listener.</summary>
    /// <returns>The write error; EINTR if a signal ends the command while nothing reads them. EPIPE and EBADF are not errors
    /// here: the reader has closed its end.</returns>
    public static Errno Write(Listeners listeners)
    {
        foreach (string line in listeners.ReadyLines())
        {
            Errno error = StandardStreams.WriteAll(StandardStreams.Output, $"{TextEscaper.EscapeLine(line)}\n");
            if (error is not (Errno.None or Errno.EPIPE or Errno.EBADF))
            {
                return error;
            }
        }

        return Errno.None;
    }
}
