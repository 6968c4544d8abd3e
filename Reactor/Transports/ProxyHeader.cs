using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;

namespace Poetry.Net;

/// <summary>
/// The header in which a load balancer sends the address of its client, before all other data: HAProxy's PROXY
/// protocol, version 1 (a line of text) and version 2 (binary).
/// </summary>
/// <param name="length">The length of the header in bytes; the client's data follows.</param>
/// <param name="source">The client; null for the connection's own peer (LOCAL, UNKNOWN and UNSPEC).</param>
internal readonly struct ProxyHeader(int length, in SocketAddress? source)
{
    /// <summary>The longest header of version 1, with CRLF.</summary>
    public const int MaxTextBytes = 107;

    /// <summary>The longest header of version 2 that is accepted, with its TLVs.</summary>
    public const int MaxBinaryBytes = 4096;

    private const int BinaryHeadBytes = 16;
    private const int BinaryUnixBytes = 216;

    /// <summary>The result of reading the bytes that have arrived.</summary>
    public enum Status
    {
        Incomplete,
        Complete,
        Invalid,
    }

    public int Length { get; } = length;

    public SocketAddress? Source { get; } = source;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    private static ReadOnlySpan<byte> TextPrefix => "PROXY "u8;

    /// <summary>Parses the header that the data begins with.</summary>
    public static Status Parse(ReadOnlySpan<byte> data, out ProxyHeader header)
    {
        header = default;
        return data.IsEmpty ? Status.Incomplete
            : data[0] == TextPrefix[0] ? ParseText(data, out header)
            : ParseBinary(data, out header);
    }

    /// <summary>Parses <c>PROXY TCP4 192.0.2.1 198.51.100.2 56324 443</c> and CRLF; or <c>PROXY UNKNOWN</c>, any text and CRLF.</summary>
    private static Status ParseText(ReadOnlySpan<byte> data, out ProxyHeader header)
    {
        header = default;
        ReadOnlySpan<byte> line = data[..Math.Min(data.Length, MaxTextBytes)];
        int known = Math.Min(line.Length, TextPrefix.Length);
        if (!line[..known].SequenceEqual(TextPrefix[..known]))
        {
            return Status.Invalid;
        }

        int end = line.IndexOf("\r\n"u8);
        if (end < 0)
        {
            return data.Length < MaxTextBytes ? Status.Incomplete : Status.Invalid;
        }

        ReadOnlySpan<byte> rest = line[TextPrefix.Length..end];
        ReadOnlySpan<byte> family = TakeWord(ref rest);
        if (family.SequenceEqual("UNKNOWN"u8))
        {
            header = new ProxyHeader(end + 2, null);
            return Status.Complete;
        }

        bool isIPv4 = family.SequenceEqual("TCP4"u8);
        if ((!isIPv4 && !family.SequenceEqual("TCP6"u8))
            || !TryParseAddress(TakeWord(ref rest), isIPv4, out SocketAddress source)
            || !TryParseAddress(TakeWord(ref rest), isIPv4, out _)
            || !TryParsePort(TakeWord(ref rest), out ushort port)
            || !TryParsePort(rest, out _))
        {
            return Status.Invalid;
        }

        header = new ProxyHeader(end + 2, source.WithPort(port).Unmapped());
        return Status.Complete;
    }

    /// <summary>Parses 12 bytes of signature, version and command, family, length; then addresses, then TLVs, which are skipped.</summary>
    private static Status ParseBinary(ReadOnlySpan<byte> data, out ProxyHeader header)
    {
        const byte Local = 0x20;
        const byte Proxy = 0x21;
        const byte Unspecified = 0x00;
        const byte Tcp4 = 0x11;
        const byte Tcp6 = 0x21;
        const byte UnixStream = 0x31;
        header = default;
        int known = Math.Min(data.Length, Signature.Length);
        if (!data[..known].SequenceEqual(Signature[..known]) || (data.Length > 12 && data[12] is not (Local or Proxy)))
        {
            return Status.Invalid;
        }

        if (data.Length < BinaryHeadBytes)
        {
            return Status.Incomplete;
        }

        int length = BinaryHeadBytes + BinaryPrimitives.ReadUInt16BigEndian(data[14..]);
        byte family = data[12] == Local ? Unspecified : data[13];
        int addressBytes = family switch
        {
            Unspecified => 0,
            Tcp4 => 12,
            Tcp6 => 36,
            UnixStream => BinaryUnixBytes,
            _ => MaxBinaryBytes,
        };
        if (length > MaxBinaryBytes || length < BinaryHeadBytes + addressBytes)
        {
            return Status.Invalid;
        }

        if (data.Length < length)
        {
            return Status.Incomplete;
        }

        ReadOnlySpan<byte> addresses = data[BinaryHeadBytes..length];
        header = new ProxyHeader(length, family switch
        {
            Tcp4 => SocketAddress.Ip(addresses[..4], BinaryPrimitives.ReadUInt16BigEndian(addresses[8..])),
            Tcp6 => SocketAddress.Ip(addresses[..16], BinaryPrimitives.ReadUInt16BigEndian(addresses[32..])).Unmapped(),
            UnixStream => SocketAddress.Unix(string.Empty),
            _ => null,
        });
        return Status.Complete;
    }

    /// <summary>Takes the text before the next space.</summary>
    private static ReadOnlySpan<byte> TakeWord(ref ReadOnlySpan<byte> rest)
    {
        int space = rest.IndexOf((byte)' ');
        ReadOnlySpan<byte> word = space < 0 ? rest : rest[..space];
        rest = space < 0 ? default : rest[(space + 1)..];
        return word;
    }

    /// <summary>Parses digits without leading zeros, up to 65535.</summary>
    private static bool TryParsePort(ReadOnlySpan<byte> text, out ushort port) =>
        Utf8Parser.TryParse(text, out port, out int used) && IsWholeNumber(text, used);

    private static bool IsWholeNumber(ReadOnlySpan<byte> text, int used) => used == text.Length && (used == 1 || text[0] != (byte)'0');

    /// <summary>Parses an address. IPv6 allocates an object here; a header of version 2 needs none.</summary>
    private static bool TryParseAddress(ReadOnlySpan<byte> text, bool isIPv4, out SocketAddress address)
    {
        address = default;
        Span<byte> ipv4 = stackalloc byte[4];
        if (isIPv4 && TryParseIPv4(text, ipv4))
        {
            address = SocketAddress.Ip(ipv4, 0);
        }
        else if (!isIPv4 && text.Contains((byte)':') && text.IndexOfAny("[]/%"u8) < 0 && IPAddress.TryParse(text, out IPAddress? ipv6))
        {
            address = SocketAddress.Ip(ipv6, 0);
        }

        return address.Kind != AddressKind.None;
    }

    private static bool TryParseIPv4(ReadOnlySpan<byte> text, Span<byte> address)
    {
        for (int i = 0; i < 4; i++)
        {
            int dot = text.IndexOf((byte)'.');
            bool isLast = i == 3;
            ReadOnlySpan<byte> part = isLast ? text : text[..Math.Max(dot, 0)];
            if ((dot < 0) != isLast || !Utf8Parser.TryParse(part, out address[i], out int used) || !IsWholeNumber(part, used))
            {
                return false;
            }

            text = isLast ? default : text[(dot + 1)..];
        }

        return true;
    }
}
