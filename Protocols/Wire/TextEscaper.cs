using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Poetry.Protocols;

/// <summary>Where escaped text is written, which decides what has to be escaped.</summary>
internal enum EscapeMode
{
    /// <summary>One line: every control character is escaped.</summary>
    Line,

    /// <summary>Text on a terminal: newline and tab are not escaped.</summary>
    Text,

    /// <summary>The inside of a string of JSON (RFC 8259, 7).</summary>
    Json,
}

/// <summary>
/// Makes bytes from outside harmless to terminals, logs and readers, by escapes: <c>\x1B</c> for one byte, <c>\u202E</c> for a
/// longer character.
/// </summary>
/// <remarks>
/// Escaped are C0 and DEL; C1, in UTF-8 too (C2 80 to C2 9F), because terminals obey those like ESC sequences; what is not
/// UTF-8, because its bytes may be C1 for an eight-bit terminal; bidirectional controls, because they make text read as
/// what it is not (CVE-2021-42574); and the two separators U+2028 and U+2029, because some readers break lines there.
/// </remarks>
internal static class TextEscaper
{
    /// <summary>The longest escape of one character, <c>\u202E</c>.</summary>
    public const int MaxEscapeLength = 6;

    /// <summary>How much of what a peer sent is worth quoting, in bytes before escaping.</summary>
    public const int MaxExcerptLength = 200;

    /// <summary>Quotes what came from outside in a record of the log: escaped, and cut at <see cref="MaxExcerptLength"/>.</summary>
    public static string Excerpt(ReadOnlySpan<byte> outside)
    {
        Span<byte> escaped = stackalloc byte[MaxExcerptLength * MaxEscapeLength];
        ReadOnlySpan<byte> kept = outside[..Math.Min(outside.Length, MaxExcerptLength)];
        EscapeUtf8(kept, escaped, EscapeMode.Line, isFinal: kept.Length == outside.Length, out _, out int written);
        string text = Encoding.UTF8.GetString(escaped[..written]);
        return kept.Length == outside.Length
            ? text
            : string.Create(CultureInfo.InvariantCulture, $"{text}... ({outside.Length} bytes)");
    }

    /// <summary>Escapes a line that is to be shown to the user.</summary>
    public static string EscapeLine(string text)
    {
        StringBuilder? escaped = null;
        Span<byte> ascii = stackalloc byte[MaxEscapeLength];
        int i = 0;
        while (i < text.Length)
        {
            OperationStatus status = Rune.DecodeFromUtf16(text.AsSpan(i), out Rune rune, out int length);
            bool safe = status == OperationStatus.Done && !IsUnsafe(rune.Value, EscapeMode.Line);
            if (safe)
            {
                _ = escaped?.Append(text, i, length);
            }
            else
            {
                escaped ??= new StringBuilder(text, 0, i, text.Length + 32);
                int shown = status == OperationStatus.Done ? rune.Value : text[i];
                int written = WriteEscape(shown, ascii, EscapeMode.Line);
                _ = escaped.Append(Encoding.ASCII.GetString(ascii[..written]));
            }

            i += length;
        }

        return escaped?.ToString() ?? text;
    }

    /// <summary>Copies a short text that needs no escape, as ASCII.</summary>
    /// <param name="text">UTF-16.</param>
    /// <param name="destination">Its beginning is overwritten, whatever is returned.</param>
    /// <param name="mode">What may pass.</param>
    /// <returns>False if it needs an escape or does not fit.</returns>
    public static bool TryCopyPlain(ReadOnlySpan<char> text, Span<byte> destination, EscapeMode mode)
    {
        bool needsEscape = text.ContainsAnyExceptInRange(' ', '~') || (mode == EscapeMode.Json && text.ContainsAny('"', '\\'));
        return !needsEscape && Ascii.FromUtf16(text, destination, out _) == OperationStatus.Done;
    }

    /// <summary>Escapes as much as fits.</summary>
    /// <param name="source">UTF-8, or anything.</param>
    /// <param name="destination">Filled from the front, never with a part of a character or an escape.</param>
    /// <param name="mode">What may pass.</param>
    /// <param name="isFinal">True if nothing follows. Otherwise an unfinished character at the end is left in the source.</param>
    /// <param name="consumed">Bytes of the source that were dealt with.</param>
    /// <param name="written">Bytes of the destination that were filled.</param>
    public static void EscapeUtf8(
        ReadOnlySpan<byte> source,
        Span<byte> destination,
        EscapeMode mode,
        bool isFinal,
        out int consumed,
        out int written)
    {
        consumed = 0;
        written = 0;
        Span<byte> escape = stackalloc byte[MaxEscapeLength];
        while (consumed < source.Length)
        {
            int length = Math.Min(PlainLength(source[consumed..], mode), destination.Length - written);
            scoped ReadOnlySpan<byte> shown = source.Slice(consumed, length);
            if (shown.IsEmpty)
            {
                OperationStatus status = Rune.DecodeFromUtf8(source[consumed..], out Rune rune, out length);
                if (status == OperationStatus.NeedMoreData && !isFinal)
                {
                    return;
                }

                bool valid = status == OperationStatus.Done;
                if (valid && !IsUnsafe(rune.Value, mode))
                {
                    shown = source.Slice(consumed, length);
                }
                else
                {
                    // One byte at a time: what follows a byte that is not UTF-8 may be.
                    length = valid ? length : 1;
                    shown = escape[..WriteEscape(valid ? rune.Value : source[consumed], escape, mode)];
                }
            }

            if (!shown.TryCopyTo(destination[written..]))
            {
                return;
            }

            consumed += length;
            written += shown.Length;
        }
    }

    /// <summary>How many bytes at the front are ASCII that needs no escape: nearly all of most poems.</summary>
    private static int PlainLength(ReadOnlySpan<byte> source, EscapeMode mode)
    {
        int end = source.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        ReadOnlySpan<byte> plain = end < 0 ? source : source[..end];
        end = mode == EscapeMode.Json ? plain.IndexOfAny((byte)'"', (byte)'\\') : -1;
        return end < 0 ? plain.Length : end;
    }

    private static bool IsUnsafe(int value, EscapeMode mode)
    {
        if (value < 0x7F)
        {
            return value < 0x20 ? mode != EscapeMode.Text || value is not ('\n' or '\t')
                : mode == EscapeMode.Json && value is ('"' or '\\');
        }

        return value is <= 0x9F or 0x061C or 0x200E or 0x200F
            or (>= 0x2028 and <= 0x202E) or (>= 0x2066 and <= 0x2069);
    }

    /// <summary>
    /// Writes the escape of a character, or of a byte that is not UTF-8; JSON has no escape for bytes, so the character with
    /// that number is written.
    /// </summary>
    private static int WriteEscape(int value, Span<byte> destination, EscapeMode mode)
    {
        if (mode == EscapeMode.Json && value is ('"' or '\\' or '\n' or '\t'))
        {
            destination[0] = (byte)'\\';
            destination[1] = value switch
            {
                '\n' => (byte)'n',
                '\t' => (byte)'t',
                _ => (byte)value,
            };
            return 2;
        }

        // An interpolated string would bring 15 KB of number formatting into the executable.
        bool isShort = value <= 0xFF && mode != EscapeMode.Json;
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        destination[0] = (byte)'\\';
        destination[1] = isShort ? (byte)'x' : (byte)'u';
        _ = Convert.TryToHexString(isShort ? bytes[1..] : bytes, destination[2..], out int digits);
        return 2 + digits;
    }
}
