using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Reverses the order of the lines. Applied twice it gives the original, byte for byte.
/// </summary>
/// <remarks>
/// <para>The result ends with a newline if the text does, and only then: <c>"a\nb\n"</c> becomes <c>"b\na\n"</c>, and
/// <c>"a\nb"</c> becomes <c>"b\na"</c>.</para>
/// <para>One case needs a rule to be reversible: in a text without a final newline, empty lines at its beginning stay there,
/// because at the end they would become a final newline. <c>"\na\nb"</c> becomes <c>"\nb\na"</c>.</para>
/// <para>Lines end with LF. The CR of a CRLF is a part of its line and moves with it.</para>
/// </remarks>
internal sealed class ReverseLines() : Transformation("reverse-lines")
{
    private const byte Newline = (byte)'\n';

    public override long MaxResultLength(int textLength) => textLength;

    /// <inheritdoc/>
    public override Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output)
    {
        if (text.IsEmpty)
        {
            return null;
        }

        Span<byte> space = output.Reserve(text.Length)[..text.Length];
        if (text[^1] == Newline)
        {
            Reverse(text[..^1], space);
            space[^1] = Newline;
        }
        else
        {
            int start = text.IndexOfAnyExcept(Newline);
            text[..start].CopyTo(space);
            Reverse(text[start..], space[start..]);
        }

        output.Advance(text.Length);
        return null;
    }

    /// <summary>Writes the lines of a text in reverse order.</summary>
    /// <param name="lines">Lines with newlines between them, and none after the last.</param>
    /// <param name="space">The output, at least as long as <paramref name="lines"/>.</param>
    private static void Reverse(ReadOnlySpan<byte> lines, Span<byte> space)
    {
        while (true)
        {
            int newline = lines.LastIndexOf(Newline);
            ReadOnlySpan<byte> last = lines[(newline + 1)..];
            last.CopyTo(space);
            if (newline < 0)
            {
                return;
            }

            space[last.Length] = Newline;
            space = space[(last.Length + 1)..];
            lines = lines[..newline];
        }
    }
}
