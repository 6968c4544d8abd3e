using System.Buffers.Text;

namespace Poetry.Protocols;

/// <summary>The result of reading a netstring.</summary>
public enum NetstringStatus
{
    /// <summary>The netstring is complete.</summary>
    Complete,

    /// <summary>Correct so far; more bytes have to arrive.</summary>
    Incomplete,

    /// <summary>The length is missing or malformed: a leading zero, a sign, or any other byte.</summary>
    BadLength,

    /// <summary>The length exceeds the limit. The digits alone show it; no byte of the string is needed.</summary>
    TooLong,

    /// <summary>The string is not followed by a comma.</summary>
    MissingComma,
}

/// <summary>
/// Netstrings, as in cr.yp.to/proto/netstrings.txt: <c>12:hello world!,</c> is the string <c>hello world!</c>. This is the
/// codec alone, on spans, without state or transport. It is strict, and refuses a malformed netstring as early as possible.
/// </summary>
public static class Netstring
{
    /// <summary>The maximum length of a header: 19 digits and a colon.</summary>
    public const int MaxHeaderLength = 20;

    /// <summary>Reads the netstring that <paramref name="input"/> begins with.</summary>
    /// <param name="input">One netstring with any bytes after it, or the beginning of one.</param>
    /// <param name="maxLengthBytes">The maximum length of the string: 0 or more. Longer strings are refused.</param>
    /// <param name="payload">The string, a slice of the input and valid as long as the input. Empty unless complete.</param>
    /// <param name="consumed">Bytes of the netstring if it is complete, or if the comma is missing (the byte in its place
    /// counts too); otherwise 0.</param>
    public static NetstringStatus Read(
        ReadOnlySpan<byte> input, int maxLengthBytes, out ReadOnlySpan<byte> payload, out int consumed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLengthBytes);
        FrameReader frame = default;
        ReadOnlySpan<byte> rest = input;
        NetstringStatus status = frame.Read(ref rest, maxLengthBytes, out payload);
        consumed = status is NetstringStatus.Complete or NetstringStatus.MissingComma ? input.Length - rest.Length : 0;
        if (status != NetstringStatus.Complete)
        {
            payload = default;
        }

        return status;
    }

    /// <summary>The number of bytes that a string of this length takes as a netstring.</summary>
    public static long EncodedLength(int payloadLength) =>
        WriteHeader(payloadLength, stackalloc byte[MaxHeaderLength]) + (long)payloadLength + 1;

    /// <summary>Writes a string as a netstring.</summary>
    /// <param name="payload">The string.</param>
    /// <param name="destination">The buffer to write to; the netstring needs <see cref="EncodedLength"/> bytes.</param>
    /// <param name="written">The number of bytes written; 0 if the string did not fit.</param>
    /// <returns>False if the destination is too small; its contents are then not defined.</returns>
    public static bool TryWrite(ReadOnlySpan<byte> payload, Span<byte> destination, out int written)
    {
        written = 0;
        if (destination.Length < EncodedLength(payload.Length))
        {
            return false;
        }

        int header = WriteHeader(payload.Length, destination);
        payload.CopyTo(destination[header..]);
        destination[header + payload.Length] = (byte)',';
        written = header + payload.Length + 1;
        return true;
    }

    /// <summary>Writes the length and the colon, for a caller that sends the string and the comma without copying them.</summary>
    /// <param name="payloadLength">The length of the string in bytes: 0 or more.</param>
    /// <param name="destination">The buffer to write to; <see cref="MaxHeaderLength"/> bytes are always enough.</param>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="ArgumentException">The destination is too small.</exception>
    public static int WriteHeader(long payloadLength, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        if (!Utf8Formatter.TryFormat(payloadLength, destination, out int digits) || digits == destination.Length)
        {
            throw new ArgumentException("too small for the length of a netstring", nameof(destination));
        }

        destination[digits] = (byte)':';
        return digits + 1;
    }
}

/// <summary>
/// The length of a netstring, read as its digits arrive. It is checked against the limit after every digit, so a length of
/// any number of digits is refused and can't overflow.
/// </summary>
internal struct NetstringLength
{
    /// <summary>The length, from the digits read so far.</summary>
    public long Value { get; private set; }

    /// <summary>True if a digit has arrived.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Reads further digits, up to the colon.</summary>
    /// <param name="input">Bytes that have arrived since the last call.</param>
    /// <param name="maxLengthBytes">The maximum length: less than 10^18. The first digit that exceeds it is refused.</param>
    /// <param name="consumed">The bytes of digits and colon; the whole input if more has to arrive.</param>
    public NetstringStatus Read(ReadOnlySpan<byte> input, long maxLengthBytes, out int consumed)
    {
        for (consumed = 0; consumed < input.Length; consumed++)
        {
            int digit = input[consumed] - '0';
            if ((uint)digit > 9)
            {
                return input[consumed++] == (byte)':' && HasBegun ? NetstringStatus.Complete : NetstringStatus.BadLength;
            }

            if (HasBegun && Value == 0)
            {
                return NetstringStatus.BadLength;
            }

            ulong value = ((ulong)Value * 10) + (uint)digit;
            if (value > (ulong)maxLengthBytes)
            {
                return NetstringStatus.TooLong;
            }

            Value = (long)value;
            HasBegun = true;
        }

        return NetstringStatus.Incomplete;
    }
}
