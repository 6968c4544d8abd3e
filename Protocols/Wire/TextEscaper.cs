using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Poetry.Protocols;

/// <summary>The target of escaped text, which decides what has to be escaped.</summary>
internal enum EscapeMode
{
    /// <summary>One line: every control character is escaped.</summary>
    Line,

    /// <summary>Text on a terminal: newline and tab are not escaped.</summary>
    Text,

    /// <summary>The contents of a JSON string (RFC 8259, 7).</summary>
    Json,
}

/// <summary>
/// Makes bytes from outside harmless to terminals, logs and readers, by escapes: <c>\x1B</c> for one byte, <c>\u202E</c> for a
/// longer character.
/// </summary>
/// <remarks>
/// It escapes C0 and DEL; C1, in UTF-8 too (C2 80 to C2 9F), because terminals execute them like ESC sequences; bytes that
/// are not UTF-8, because they may be C1 for an eight-bit terminal; bidirectional controls, because they change the
/// order in which text is shown (CVE-2021-42574); and the separators U+2028 and U+2029, because some readers break lines there.
/// </remarks>
internal static class TextEscaper
{
    /// <summary>The longest escape of one character, <c>\u202E</c>.</summary>
    public const int MaxEscapeLength = 6;

    /// <summary>The maximum length of a quotation from a peer, in bytes before escaping.</summary>
    public const int MaxExcerptLength = 200;

    /// <summary>Quotes bytes of a peer for a log record: escaped, and cut at <see cref="MaxExcerptLength"/>.</summary>
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

    /// <summary>Escapes a line that is shown to the user.</summary>
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

    /// <summary>Copies text as ASCII, if it needs no escape.</summary>
    /// <param name="text">The text, in UTF-16.</param>
    /// <param name="destination">The buffer to write to; its beginning may be overwritten even if this returns false.</param>
    /// <param name="mode">The target of the text.</param>
    /// <returns>False if the text needs an escape or does not fit.</returns>
    public static bool TryCopyPlain(ReadOnlySpan<char> text, Span<byte> destination, EscapeMode mode)
    {
        bool needsEscape = text.ContainsAnyExceptInRange(' ', '~') || (mode == EscapeMode.Json && text.ContainsAny('"', '\\'));
        return !needsEscape && Ascii.FromUtf16(text, destination, out _) == OperationStatus.Done;
    }

    /// <summary>Escapes text until the destination is full.</summary>
    /// <param name="source">The bytes: UTF-8 or any other.</param>
    /// <param name="destination">The buffer to write to; it never ends with a part of a character or of an escape.</param>
    /// <param name="mode">The target of the text.</param>
    /// <param name="isFinal">True if no more bytes follow. Otherwise an unfinished character at the end is not consumed.</param>
    /// <param name="consumed">Bytes of the source that were escaped or copied.</param>
    /// <param name="written">Bytes of the destination that were written.</param>
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
                    // One byte at a time: the bytes after one that is not UTF-8 may be UTF-8.
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

    /// <summary>The number of bytes at the front that are ASCII and need no escape: in most poems, nearly all.</summary>
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
    /// Writes the escape of a character, or of a byte that is not UTF-8. JSON has no escape for bytes, so the escape of the
    /// character with that number is written.
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
