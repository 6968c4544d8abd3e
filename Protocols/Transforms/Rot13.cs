using System;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Turns each letter of ASCII into the one thirteen places on, round the alphabet: applied twice it gives the original.
/// Every other byte passes.
/// </summary>
internal sealed class Rot13() : Transformation("rot13")
{
    private const int Letters = 26;
    private const int Places = 13;

    /// <summary>The bit that makes a capital small.</summary>
    private const byte Small = 0x20;

    /// <inheritdoc/>
    public override Deferred<byte[]>? Apply(ReadOnlySpan<byte> text, TextBuffer output)
    {
        Span<byte> room = output.GetSpan(text.Length)[..text.Length];
        ref byte from = ref MemoryMarshal.GetReference(text);
        ref byte to = ref MemoryMarshal.GetReference(room);
        int i = 0;
        for (; i <= text.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            Turn(Vector128.LoadUnsafe(ref from, (nuint)i)).StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < text.Length; i++)
        {
            room[i] = Turn(text[i]);
        }

        output.Advance(text.Length);
        return null;
    }

    private static Vector128<byte> Turn(Vector128<byte> bytes)
    {
        // What is below 'a' wraps to the top: one comparison finds the letters, another their second half.
        Vector128<byte> places = (bytes | Vector128.Create(Small)) - Vector128.Create((byte)'a');
        Vector128<byte> isLetter = Vector128.LessThan(places, Vector128.Create((byte)Letters));
        Vector128<byte> isFirstHalf = Vector128.LessThan(places, Vector128.Create((byte)Places));
        Vector128<byte> turn = Vector128.ConditionalSelect(
            isFirstHalf, Vector128.Create((byte)Places), Vector128.Create(unchecked((byte)-Places)));
        return bytes + (turn & isLetter);
    }

    private static byte Turn(byte value)
    {
        int place = (value | Small) - 'a';
        return (uint)place >= Letters ? value : (byte)(value + (place < Places ? Places : -Places));
    }
}
