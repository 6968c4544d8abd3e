using System.Buffers;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>Changes letters to lower case. Named after the poet E. E. Cummings.</summary>
internal sealed class Cummingsify() : LetterCase("cummingsify", toUpper: false);

/// <summary>Changes letters to upper case.</summary>
internal sealed class Shout() : LetterCase("shout", toUpper: true);

/// <summary>
/// Changes the case of letters, code point by code point (the simple mappings of Unicode, the same in every culture): ß stays
/// ß, because its upper case is two letters. A letter may become longer or shorter in UTF-8. Bytes that are not UTF-8 pass
/// unchanged.
/// </summary>
/// <remarks>ASCII, which most texts are, is mapped by the runtime's vector code at the speed of a copy.</remarks>
internal abstract class LetterCase(string name, bool toUpper) : Transformation(name)
{
    /// <summary>A letter of two bytes may become one of three; no letter grows more.</summary>
    public sealed override long MaxResultLength(int textLength) => textLength + (textLength / 2);

    /// <inheritdoc/>
    public sealed override Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output)
    {
        while (!text.IsEmpty)
        {
            Span<byte> space = output.Reserve(text.Length);
            _ = toUpper ? Ascii.ToUpper(text, space, out int count) : Ascii.ToLower(text, space, out count);
            output.Advance(count);
            text = MapOthers(text[count..], output);
        }

        return null;
    }

    /// <summary>Maps the letters before the next byte of ASCII.</summary>
    /// <returns>The rest of the text.</returns>
    private ReadOnlySpan<byte> MapOthers(ReadOnlySpan<byte> text, TextBuffer output)
    {
        // The maximum length of a code point in UTF-8.
        const int MaxRuneLength = 4;
        while (!text.IsEmpty && text[0] > 0x7F)
        {
            OperationStatus status = Rune.DecodeFromUtf8(text, out Rune rune, out int consumed);
            if (status == OperationStatus.Done)
            {
                Rune mapped = toUpper ? Rune.ToUpperInvariant(rune) : Rune.ToLowerInvariant(rune);
                output.Advance(mapped.EncodeToUtf8(output.Reserve(MaxRuneLength)));
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
