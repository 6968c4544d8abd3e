using System.Diagnostics;

namespace Poetry.Protocols;

/// <summary>
/// Reads one netstring as it arrives, without storing it: a poem may be larger than memory. All other readers of netstrings
/// use it. The format is cr.yp.to/proto/netstrings.txt.
/// </summary>
internal struct FrameReader
{
    /// <summary>The largest number of 18 digits: not all numbers of 19 digits fit into 63 bits.</summary>
    private const long MaxLength = 999_999_999_999_999_999;

    private NetstringLength _length;

    /// <summary>True if a digit has been read.</summary>
    public readonly bool HasBegun => HasLength || _length.HasBegun;

    /// <summary>True if the length has been read.</summary>
    public bool HasLength { get; private set; }

    /// <summary>True if the whole netstring has been read.</summary>
    public bool Complete { get; private set; }

    /// <summary>The length of the string in bytes, from the digits read so far.</summary>
    public readonly long Length => _length.Value;

    /// <summary>Bytes of the string that have not been read; 0 until the length is known.</summary>
    public long Left { get; private set; }

    /// <summary>Counts bytes of the string that were read elsewhere.</summary>
    public void Skip(int count)
    {
        Debug.Assert(count <= Left, "a frame is not longer than announced");
        Left -= count;
    }

    /// <summary>Reads the next part of the netstring.</summary>
    /// <param name="input">Bytes that have arrived; after the call, the unused bytes.</param>
    /// <param name="payload">The next bytes of the string; empty if the input has none.</param>
    /// <returns>False if the input is not a netstring.</returns>
    public bool TryRead(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> payload) =>
        Read(ref input, MaxLength, out payload) is NetstringStatus.Complete or NetstringStatus.Incomplete;

    /// <summary>Reads the next part of a netstring whose length is limited.</summary>
    public NetstringStatus Read(scoped ref ReadOnlySpan<byte> input, long maxLengthBytes, out ReadOnlySpan<byte> payload)
    {
        Debug.Assert(!Complete, "a frame is read once");
        payload = default;
        if (!HasLength)
        {
            NetstringStatus status = _length.Read(input, maxLengthBytes, out int consumed);
            input = input[consumed..];
            if (status != NetstringStatus.Complete)
            {
                return status;
            }

            HasLength = true;
            Left = Length;
        }

        int take = (int)Math.Min(Left, input.Length);
        payload = input[..take];
        input = input[take..];
        Left -= take;
        if (Left > 0 || input.IsEmpty)
        {
            return NetstringStatus.Incomplete;
        }

        Complete = input[0] == (byte)',';
        input = input[1..];
        return Complete ? NetstringStatus.Complete : NetstringStatus.MissingComma;
    }
}
