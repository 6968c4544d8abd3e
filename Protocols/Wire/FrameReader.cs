using System;
using System.Diagnostics;

namespace Poetry.Protocols;

/// <summary>
/// Reads one netstring as it arrives, without keeping any of it: a poem may be longer than memory. For netstrings that are
/// needed as a whole there is <see cref="NetstringDecoder"/>. The format is cr.yp.to/proto/netstrings.txt.
/// </summary>
internal struct FrameReader
{
    /// <summary>More digits do not fit a length of 63 bits.</summary>
    private const int MaxDigits = 18;

    private int _digits;

    /// <summary>True if the length has been read.</summary>
    public bool HasLength { get; private set; }

    /// <summary>True if the whole netstring has been read.</summary>
    public bool Complete { get; private set; }

    /// <summary>Length of the string in bytes, as far as its digits have been read.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes of the string that have not been read, once the length is known.</summary>
    public long Left { get; private set; }

    /// <summary>Bytes of the string were read elsewhere.</summary>
    public void Skip(int count)
    {
        Debug.Assert(count <= Left, "a frame is not longer than announced");
        Left -= count;
    }

    /// <summary>Reads on.</summary>
    /// <param name="input">Bytes that have arrived; afterwards, those that were not used.</param>
    /// <param name="payload">The next bytes of the string; empty if the input has none.</param>
    /// <returns>False if the input is no netstring.</returns>
    public bool TryRead(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> payload)
    {
        Debug.Assert(!Complete, "a frame is read once");
        payload = default;
        while (!HasLength)
        {
            if (input.IsEmpty)
            {
                return true;
            }

            byte next = input[0];
            input = input[1..];
            if (!TryReadLength(next))
            {
                return false;
            }
        }

        int take = (int)Math.Min(Left, input.Length);
        payload = input[..take];
        input = input[take..];
        Left -= take;
        if (Left > 0 || input.IsEmpty)
        {
            return true;
        }

        Complete = input[0] == (byte)',';
        input = input[1..];
        return Complete;
    }

    private bool TryReadLength(byte next)
    {
        if (next == (byte)':' && _digits > 0)
        {
            HasLength = true;
            Left = Length;
            return true;
        }

        bool leadingZero = _digits > 0 && Length == 0;
        if (next is < (byte)'0' or > (byte)'9' || leadingZero || _digits == MaxDigits)
        {
            return false;
        }

        _digits++;
        Length = (Length * 10) + (next - '0');
        return true;
    }
}
