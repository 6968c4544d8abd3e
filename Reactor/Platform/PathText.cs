using System;
using System.Buffers;
using System.Text;

namespace Poetry.Net;

/// <summary>
/// Paths as text and back. To the kernel a path is bytes, and those of an old file need not be UTF-8: a byte that belongs to
/// no character is carried as half a surrogate pair, U+DC80 to U+DCFF, which no text has by itself, and comes back as it
/// was. Python does the same (PEP 383).
/// </summary>
internal static class PathText
{
    private const char Carrier = '\uDC00';

    /// <summary>What a byte that is no text was turned into, or −1: for who has to show it.</summary>
    public static int ByteOf(char c) => c is >= '\uDC80' and <= '\uDCFF' ? c - Carrier : -1;

    /// <summary>Bytes as text.</summary>
    public static string Decode(ReadOnlySpan<byte> path)
    {
        var text = new StringBuilder(path.Length);
        while (!path.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(path, out Rune rune, out int length) == OperationStatus.Done)
            {
                _ = text.Append(rune.ToString());
            }
            else
            {
                // One at a time: what follows a wrong byte may be right.
                _ = text.Append((char)(Carrier + path[0]));
                length = 1;
            }

            path = path[length..];
        }

        return text.ToString();
    }

    /// <summary>Text as bytes.</summary>
    /// <param name="text">From <see cref="Decode"/>, or any other.</param>
    /// <param name="path">Where they go.</param>
    /// <param name="written">How many there are.</param>
    /// <returns>False if they do not fit.</returns>
    public static bool TryEncode(ReadOnlySpan<char> text, Span<byte> path, out int written)
    {
        written = 0;
        while (!text.IsEmpty)
        {
            OperationStatus status = Rune.DecodeFromUtf16(text, out Rune rune, out int length);
            int carried = status == OperationStatus.Done ? -1 : ByteOf(text[0]);
            if (carried >= 0 && written < path.Length)
            {
                path[written++] = (byte)carried;
            }
            else if (carried < 0 && rune.TryEncodeToUtf8(path[written..], out int bytes))
            {
                written += bytes;
            }
            else
            {
                return false;
            }

            text = text[length..];
        }

        return true;
    }
}
