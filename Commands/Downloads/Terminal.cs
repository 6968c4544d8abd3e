using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>The terminal behind standard error, if there is one.</summary>
internal static class Terminal
{
    private const int DefaultColumns = 80;
    private const int DefaultRows = 24;

    /// <summary>True if there is a terminal that can move its cursor; the terminal type "dumb" can't.</summary>
    public static bool CanRedraw => StandardStreams.IsTerminalAt(StandardStreams.Error)
        && Environment.GetEnvironmentVariable("TERM") is not ("dumb" or "" or null);

    /// <summary>True unless NO_COLOR is present and not empty (no-color.org).</summary>
    public static bool HasColours => CanRedraw && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>The current size, which changes when the window is resized.</summary>
    public static (int Columns, int Rows) Size
    {
        get
        {
            (int columns, int rows) = NativeTerminal.Size(StandardStreams.Error);
            return (columns > 0 ? columns : DefaultColumns, rows > 0 ? rows : DefaultRows);
        }
    }
}

/// <summary>
/// Escapes control characters other than newline and tab, for text from outside that is shown on a terminal. The text may come in any
/// pieces; one escaper for each text.
/// </summary>
internal sealed class TerminalEscaper
{
    /// <summary>The size of a part, in bytes. Chosen: its escaped form fits a small stack.</summary>
    private const int PartBytes = 1024;

    /// <summary>The first bytes of a character whose other bytes have not arrived.</summary>
    private byte[] _unfinished = [];

    /// <summary>Escapes a piece of the text and writes it.</summary>
    /// <param name="piece">The next bytes; a character may be cut at their end.</param>
    /// <param name="isFinal">True for the last piece: an unfinished character at its end is escaped.</param>
    /// <param name="write">Writes, or returns the error that ended it.</param>
    /// <returns>The first error of <paramref name="write"/>, if there was one.</returns>
    public Errno Write(ReadOnlySpan<byte> piece, bool isFinal, Func<ReadOnlySpan<byte>, Errno> write)
    {
        Span<byte> part = stackalloc byte[PartBytes];
        Span<byte> escaped = stackalloc byte[PartBytes * TextEscaper.MaxEscapeLength];
        Errno error = Errno.None;
        do
        {
            int before = _unfinished.Length;
            int taken = Math.Min(piece.Length, PartBytes - before);
            _unfinished.CopyTo(part);
            piece[..taken].CopyTo(part[before..]);
            piece = piece[taken..];
            Span<byte> text = part[..(before + taken)];
            TextEscaper.EscapeUtf8(text, escaped, EscapeMode.Text, isFinal && piece.IsEmpty, out int consumed, out int written);
            _unfinished = text[consumed..].ToArray();
            error = written == 0 ? Errno.None : write(escaped[..written]);
        }
        while (!piece.IsEmpty && error == Errno.None);
        return error;
    }
}
