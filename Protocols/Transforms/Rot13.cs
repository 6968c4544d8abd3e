using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Rotates each letter of ASCII by thirteen places in the alphabet: applied twice it gives the original. All other bytes
/// pass unchanged.
/// </summary>
internal sealed class Rot13() : Transformation("rot13")
{
    private const int Letters = 26;

    private static readonly byte[] Rotated = MakeTable();

    public override long MaxResultLength(int textLength) => textLength;

    /// <inheritdoc/>
    public override Deferred<TextBuffer>? Apply(ReadOnlySpan<byte> text, TextBuffer output)
    {
        Span<byte> space = output.Reserve(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            space[i] = Rotated[text[i]];
        }

        output.Advance(text.Length);
        return null;
    }

    private static byte[] MakeTable()
    {
        byte[] table = new byte[256];
        for (int value = 0; value < table.Length; value++)
        {
            table[value] = (byte)value;
        }

        for (int place = 0; place < Letters; place++)
        {
            int rotated = (place + (Letters / 2)) % Letters;
            table['a' + place] = (byte)('a' + rotated);
            table['A' + place] = (byte)('A' + rotated);
        }

        return table;
    }
}
