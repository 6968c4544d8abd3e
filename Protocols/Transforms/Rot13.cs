using System;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Rotates each letter of ASCII by thirteen places in the alphabet: applied twice it gives the original. Every other byte
/// passes.
/// </summary>
internal sealed class Rot13() : Transformation("rot13")
{
    private const int Letters = 26;
    private const int Places = 13;

    /// <summary>The bit that makes an upper-case letter lower-case.</summary>
    private const byte Small = 0x20;

    public override long MaxResultLength(int textLength) => textLength;

    /// <inheritdoc/>
    public override Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output)
    {
        Span<byte> space = output.Reserve(text.Length)[..text.Length];
        ref byte from = ref MemoryMarshal.GetReference(text);
        ref byte to = ref MemoryMarshal.GetReference(space);
        int i = 0;
        for (; i <= text.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            Rotate(Vector128.LoadUnsafe(ref from, (nuint)i)).StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < text.Length; i++)
        {
            space[i] = Rotate(text[i]);
        }

        output.Advance(text.Length);
        return null;
    }

    private static Vector128<byte> Rotate(Vector128<byte> bytes)
    {
        // Values below 'a' wrap around to large ones: one comparison finds the letters, another their first half.
        Vector128<byte> places = (bytes | Vector128.Create(Small)) - Vector128.Create((byte)'a');
        Vector128<byte> isLetter = Vector128.LessThan(places, Vector128.Create((byte)Letters));
        Vector128<byte> isFirstHalf = Vector128.LessThan(places, Vector128.Create((byte)Places));
        Vector128<byte> turn = Vector128.ConditionalSelect(
            isFirstHalf, Vector128.Create((byte)Places), Vector128.Create(unchecked((byte)-Places)));
        return bytes + (turn & isLetter);
    }

    private static byte Rotate(byte value)
    {
        int place = (value | Small) - 'a';
        return (uint)place >= Letters ? value : (byte)(value + (place < Places ? Places : -Places));
    }
}
