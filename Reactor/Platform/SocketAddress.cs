using System.Buffers.Binary;
using System.Net;

namespace Poetry.Net;

/// <summary>The address family of a socket. The kernels' numbers for the families are in their ABI files.</summary>
public enum AddressKind : byte
{
    /// <summary>No address: the default.</summary>
    None,

    /// <summary>IPv4.</summary>
    IPv4,

    /// <summary>IPv6.</summary>
    IPv6,

    /// <summary>A Unix socket with a path, or an unnamed one.</summary>
    Unix,
}

/// <summary>
/// The numeric address of a socket, in a form that is the same on all systems. A value of 32 bytes that allocates no memory,
/// except for the path of a Unix socket.
/// </summary>
public readonly struct SocketAddress : IEquatable<SocketAddress>, IUtf8SpanFormattable
{
    /// <summary>The bits of the address, in two halves: a UInt128 would align the struct to 16 bytes.</summary>
    private readonly ulong _high;
    private readonly ulong _low;
    private readonly string? _path;
    private readonly uint _scope;
    private readonly ushort _port;
    private readonly AddressKind _kind;

    private SocketAddress(AddressKind kind, UInt128 bits, ushort port, uint scope, string? path)
    {
        _kind = kind;
        _high = (ulong)(bits >> 64);
        _low = (ulong)bits;
        _port = port;
        _scope = scope;
        _path = path;
    }

    /// <summary>The address family.</summary>
    public AddressKind Kind => _kind;

    /// <summary>The port, 0 for a Unix socket.</summary>
    public ushort Port => _port;

    /// <summary>The interface of a link-local IPv6 address.</summary>
    public uint ScopeId => _scope;

    /// <summary>The path of a Unix socket; empty for an unnamed one and for the other kinds.</summary>
    public string Path => _path ?? string.Empty;

    /// <summary>Makes the address of a Unix socket.</summary>
    /// <param name="path">The path, at most 107 bytes in UTF-8 on Linux, 103 on BSD; empty for an unnamed socket.</param>
    public static SocketAddress Unix(string path) => new(AddressKind.Unix, default, 0, 0, path);

    /// <summary>Makes the address of a TCP socket.</summary>
    /// <param name="address">The IP address in network order: 4 bytes for IPv4, 16 for IPv6.</param>
    /// <param name="port">The port, in the byte order of this machine.</param>
    /// <param name="scopeId">The interface of a link-local address.</param>
    /// <exception cref="ArgumentException">The address does not have 4 or 16 bytes.</exception>
    public static SocketAddress Ip(ReadOnlySpan<byte> address, ushort port, uint scopeId = 0) => address.Length switch
    {
        4 => new(AddressKind.IPv4, BinaryPrimitives.ReadUInt32BigEndian(address), port, 0, null),
        16 => new(AddressKind.IPv6, BinaryPrimitives.ReadUInt128BigEndian(address), port, scopeId, null),
        _ => throw new ArgumentException("an address has 4 or 16 bytes", nameof(address)),
    };

    /// <summary>Makes the address of a TCP socket.</summary>
    public static SocketAddress Ip(IPAddress address, ushort port)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out int count);
        return Ip(bytes[..count], port, count == 16 ? (uint)address.ScopeId : 0);
    }

    /// <summary>Makes the same address with another port.</summary>
    public SocketAddress WithPort(ushort port) => new(_kind, new UInt128(_high, _low), port, _scope, _path);

    /// <summary>True for 0.0.0.0 and ::, which mean all addresses of this machine.</summary>
    internal bool IsAny => _kind is AddressKind.IPv4 or AddressKind.IPv6 && (_high | _low) == 0;

    /// <summary>Converts an IPv4-mapped IPv6 address (::ffff:a.b.c.d) to IPv4; returns other addresses unchanged.</summary>
    internal SocketAddress Unmapped() => _kind == AddressKind.IPv6 && _high == 0 && _low >> 32 == 0xFFFF
        ? new(AddressKind.IPv4, (uint)_low, _port, 0, null)
        : this;

    /// <summary>Writes the IP address in network order.</summary>
    /// <param name="destination">The buffer, at least 16 bytes.</param>
    /// <returns>The number of bytes: 4, 16, or 0 if it is not an IP address.</returns>
    public int CopyIpTo(Span<byte> destination)
    {
        switch (_kind)
        {
            case AddressKind.IPv4:
                BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_low);
                return 4;
            case AddressKind.IPv6:
                BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
                BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
                return 16;
            default:
                return 0;
        }
    }

    /// <inheritdoc/>
    public bool Equals(SocketAddress other) =>
        _kind == other._kind && _high == other._high && _low == other._low
        && _port == other._port && _scope == other._scope && Path == other.Path;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is SocketAddress other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_kind, _high, _low, _port, _path);

    /// <summary>True if they are the same address.</summary>
    public static bool operator ==(SocketAddress left, SocketAddress right) => left.Equals(right);

    /// <summary>True if they are different addresses.</summary>
    public static bool operator !=(SocketAddress left, SocketAddress right) => !left.Equals(right);

    /// <summary>The text that a user would type: <c>127.0.0.1:80</c>, <c>[::1]:80</c>, <c>unix:PATH</c>.</summary>
    public override string ToString()
    {
        switch (_kind)
        {
            case AddressKind.Unix:
                return $"unix:{_path}";
            case AddressKind.None:
                return "nowhere";
            default:
                Span<byte> utf8 = stackalloc byte[64];
                _ = TryFormat(utf8, out int written);
                return System.Text.Encoding.ASCII.GetString(utf8[..written]);
        }
    }

    /// <summary>Writes the text of <see cref="ToString"/> without an allocation for an IP address.</summary>
    /// <param name="utf8Destination">The buffer. 64 bytes are enough for any IP address.</param>
    /// <param name="bytesWritten">The number of bytes written.</param>
    /// <param name="format">Ignored.</param>
    /// <param name="provider">Ignored.</param>
    /// <returns>False if it does not fit.</returns>
    public bool TryFormat(
        Span<byte> utf8Destination,
        out int bytesWritten,
        ReadOnlySpan<char> format = default,
        IFormatProvider? provider = null)
    {
        if (_kind is not (AddressKind.IPv4 or AddressKind.IPv6))
        {
            return System.Text.Encoding.UTF8.TryGetBytes(ToString(), utf8Destination, out bytesWritten);
        }

        Span<byte> text = stackalloc byte[64];
        int length = _kind == AddressKind.IPv4 ? FormatIPv4(text) : FormatIPv6(text);
        text[length++] = (byte)':';
        length += AsciiDigits.Write(_port, text[length..]);
        bytesWritten = 0;
        if (!text[..length].TryCopyTo(utf8Destination))
        {
            return false;
        }

        bytesWritten = length;
        return true;
    }

    private int FormatIPv4(Span<byte> text)
    {
        uint bits = (uint)_low;
        int length = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            length += AsciiDigits.Write((byte)(bits >> shift), text[length..]);
            if (shift > 0)
            {
                text[length++] = (byte)'.';
            }
        }

        return length;
    }

    /// <summary>Uses <see cref="IPAddress"/> for the rules of RFC 5952 for zeros. That allocates an object, only for IPv6.</summary>
    private int FormatIPv6(Span<byte> text)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = CopyIpTo(bytes);
        text[0] = (byte)'[';
        _ = new IPAddress(bytes, _scope).TryFormat(text[1..], out int length);
        text[length + 1] = (byte)']';
        return length + 2;
    }
}
