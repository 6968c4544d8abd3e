using System;
using System.Buffers;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Lower case, as E. E. Cummings would have it.</summary>
internal sealed class Cummingsify() : LetterCase("cummingsify")
{
    private protected override OperationStatus MapAscii(ReadOnlySpan<byte> text, Span<byte> space, out int count) =>
        Ascii.ToLower(text, space, out count);

    private protected override Rune Map(Rune rune) => Rune.ToLowerInvariant(rune);
}

/// <summary>Upper case.</summary>
internal sealed class Shout() : LetterCase("shout")
{
    private protected override OperationStatus MapAscii(ReadOnlySpan<byte> text, Span<byte> space, out int count) =>
        Ascii.ToUpper(text, space, out count);

    private protected override Rune Map(Rune rune) => Rune.ToUpperInvariant(rune);
}

/// <summary>
/// Changes the case of letters, code point by code point (the simple mappings of Unicode, the same in every culture): ß stays
/// ß, because its upper case is two letters. A character may become longer or shorter in UTF-8. Bytes that are not UTF-8 pass.
/// </summary>
/// <remarks>Runs of ASCII, which most texts are, go through the runtime's vectors at the speed of a copy.</remarks>
internal abstract class LetterCase(string name) : Transformation(name)
{
    /// <summary>A letter of two bytes may become one of three; none grows more.</summary>
    public sealed override long MaxResultLength(int textLength) => textLength + (textLength / 2);

    /// <inheritdoc/>
    public sealed override Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output)
    {
        while (!text.IsEmpty)
        {
            _ = MapAscii(text, output.Reserve(text.Length), out int count);
            output.Advance(count);
            text = MapOthers(text[count..], output);
        }

        return null;
    }

    /// <summary>Maps ASCII up to the first byte that is not ASCII.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="space">At least as long as the text.</param>
    /// <param name="count">How many bytes were mapped.</param>
    private protected abstract OperationStatus MapAscii(ReadOnlySpan<byte> text, Span<byte> space, out int count);

    private protected abstract Rune Map(Rune rune);

    /// <summary>Maps up to the next byte of ASCII.</summary>
    /// <returns>The rest.</returns>
    private ReadOnlySpan<byte> MapOthers(ReadOnlySpan<byte> text, TextBuffer output)
    {
        // The longest code point in UTF-8.
        const int MaxRuneLength = 4;
        while (!text.IsEmpty && text[0] > 0x7F)
        {
            OperationStatus status = Rune.DecodeFromUtf8(text, out Rune rune, out int consumed);
            if (status == OperationStatus.Done)
            {
                output.Advance(Map(rune).EncodeToUtf8(output.Reserve(MaxRuneLength)));
            }
            else
            {
                output.Write(text[..consumed]);
            }

            text = text[consumed..];
        }

        return text;
    }
}
