using System;
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

    /// <summary>The present size: windows are resized.</summary>
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
    /// <summary>The longest character of UTF-8.</summary>
    private const int MaxCharacterLength = 4;

    private readonly byte[] _unfinished = new byte[MaxCharacterLength];
    private int _unfinishedLength;

    /// <summary>Escapes a piece of the text and writes it.</summary>
    /// <param name="piece">The next bytes; a character may be cut at their end.</param>
    /// <param name="isFinal">True for the last piece: an unfinished character at its end is escaped.</param>
    /// <param name="write">Writes, or returns the error that ended it.</param>
    /// <returns>The first error of <paramref name="write"/>, if there was one.</returns>
    public Errno Write(ReadOnlySpan<byte> piece, bool isFinal, Func<ReadOnlySpan<byte>, Errno> write)
    {
        if (_unfinishedLength > 0)
        {
            Span<byte> head = stackalloc byte[2 * MaxCharacterLength];
            int borrowed = Math.Min(piece.Length, MaxCharacterLength);
            int before = _unfinishedLength;
            _unfinished.AsSpan(0, before).CopyTo(head);
            piece[..borrowed].CopyTo(head[before..]);
            Errno error = WritePart(head[..(before + borrowed)], isFinal && borrowed == piece.Length, write, out int consumed);
            if (error != Errno.None)
            {
                return error;
            }

            if (consumed < before)
            {
                // The piece was too short to complete the character.
                Keep(head[consumed..(before + borrowed)]);
                return Errno.None;
            }

            _unfinishedLength = 0;
            piece = piece[(consumed - before)..];
        }

        Errno result = WritePart(piece, isFinal, write, out int used);
        if (result == Errno.None)
        {
            Keep(piece[used..]);
        }

        return result;
    }

    private static Errno WritePart(ReadOnlySpan<byte> part, bool isFinal, Func<ReadOnlySpan<byte>, Errno> write, out int consumed)
    {
        consumed = 0;
        Span<byte> escaped = stackalloc byte[4096];
        while (true)
        {
            TextEscaper.EscapeUtf8(part[consumed..], escaped, EscapeMode.Text, isFinal, out int count, out int written);
            Errno error = written == 0 ? Errno.None : write(escaped[..written]);
            consumed += count;
            if (error != Errno.None || count == 0)
            {
                return error;
            }
        }
    }

    private void Keep(ReadOnlySpan<byte> unfinished)
    {
        unfinished.CopyTo(_unfinished);
        _unfinishedLength = unfinished.Length;
    }
}
