using System;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Turns the order of the lines round; applied twice it gives the original, byte for byte.
/// </summary>
/// <remarks>
/// <para>A text that ends with a newline still does afterwards, and one that does not still does not:
/// <c>"a\nb\n"</c> becomes <c>"b\na\n"</c>, and <c>"a\nb"</c> becomes <c>"b\na"</c>.</para>
/// <para>One case needs a rule, or the way back would be lost: in a text without a final newline, empty lines at its very
/// beginning stay there, since at the end they would be that final newline. <c>"\na\nb"</c> becomes <c>"\nb\na"</c>.</para>
/// <para>Lines end with LF; the CR of a CRLF is a part of its line and goes with it.</para>
/// </remarks>
internal sealed class ReverseLines() : Transformation("reverse-lines")
{
    private const byte Newline = (byte)'\n';

    /// <inheritdoc/>
    public override Deferred<byte[]>? Apply(ReadOnlySpan<byte> text, TextBuffer output)
    {
        if (text.IsEmpty)
        {
            return null;
        }

        Span<byte> room = output.GetSpan(text.Length)[..text.Length];
        if (text[^1] == Newline)
        {
            Reverse(text[..^1], room);
            room[^1] = Newline;
        }
        else
        {
            int start = text.IndexOfAnyExcept(Newline);
            text[..start].CopyTo(room);
            Reverse(text[start..], room[start..]);
        }

        output.Advance(text.Length);
        return null;
    }

    /// <summary>Writes the lines of a text backwards.</summary>
    /// <param name="lines">Lines with newlines between them, and none behind the last.</param>
    /// <param name="room">At least as long.</param>
    private static void Reverse(ReadOnlySpan<byte> lines, Span<byte> room)
    {
        while (true)
        {
            int newline = lines.LastIndexOf(Newline);
            ReadOnlySpan<byte> last = lines[(newline + 1)..];
            last.CopyTo(room);
            if (newline < 0)
            {
                return;
            }

            room[last.Length] = Newline;
            room = room[(last.Length + 1)..];
            lines = lines[..newline];
        }
    }
}
