using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Poetry.Net.Native;

namespace Poetry.Net;

/// <summary>
/// Converts a <see cref="SocketAddress"/> to the kernel's bytes, and back. The layouts (netinet/in.h, sys/un.h; ip(7), ipv6(7),
/// unix(7)) are the same on all systems, except for the fields of <see cref="SockaddrLayout"/>: family at 0, port at 2, IPv4
/// at 4; flow at 4, IPv6 at 8, scope at 24; path at 2. Port and addresses are in network order, other numbers are not.
/// </summary>
internal static class SocketAddressCodec
{
    /// <summary>sizeof(struct sockaddr_storage), sys/socket.h: enough for any address, on all systems.</summary>
    public const int MaxLengthBytes = 128;

    private const int IPv4LengthBytes = 16;
    private const int IPv6LengthBytes = 28;
    private const int PathOffset = 2;

    /// <summary>Writes an address, for a system of this layout, into a buffer of <see cref="MaxLengthBytes"/> bytes.</summary>
    /// <returns>EINVAL for no address, an unnamed Unix socket or a path that contains NUL; ENAMETOOLONG.</returns>
    public static Errno Encode(in SocketAddress address, SockaddrLayout layout, Span<byte> sockaddr, out int length)
    {
        Debug.Assert(sockaddr.Length >= MaxLengthBytes, "room for any address");
        sockaddr[..MaxLengthBytes].Clear();
        int family;
        switch (address.Kind)
        {
            case AddressKind.IPv4:
                family = CommonAbi.AF_INET;
                length = IPv4LengthBytes;
                BinaryPrimitives.WriteUInt16BigEndian(sockaddr[2..], address.Port);
                _ = address.CopyIpTo(sockaddr[4..]);
                break;
            case AddressKind.IPv6:
                family = layout.InetV6Family;
                length = IPv6LengthBytes;
                BinaryPrimitives.WriteUInt16BigEndian(sockaddr[2..], address.Port);
                _ = address.CopyIpTo(sockaddr[8..]);
                _ = BitConverter.TryWriteBytes(sockaddr[24..], address.ScopeId);
                break;
            case AddressKind.Unix:
                family = CommonAbi.AF_UNIX;
                Errno error = EncodePath(address.Path, layout, sockaddr, out length);
                if (error != Errno.None)
                {
                    return error;
                }

                break;
            default:
                length = 0;
                return Errno.EINVAL;
        }

        if (layout.LeadsWithLength)
        {
            sockaddr[0] = (byte)length;
            sockaddr[1] = (byte)family;
        }
        else
        {
            sockaddr[BitConverter.IsLittleEndian ? 0 : 1] = (byte)family;
        }

        return Errno.None;
    }

    /// <summary>Reads an address from the bytes that the kernel has written. The path of a Unix socket allocates a string.</summary>
    /// <returns>The address; the default for an unknown family, or for no bytes.</returns>
    public static SocketAddress Decode(ReadOnlySpan<byte> sockaddr, SockaddrLayout layout)
    {
        int family = FamilyOf(sockaddr, layout);
        if (family == CommonAbi.AF_INET && sockaddr.Length >= 8)
        {
            return SocketAddress.Ip(sockaddr.Slice(4, 4), BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..]));
        }

        if (family == layout.InetV6Family && sockaddr.Length >= IPv6LengthBytes)
        {
            ushort port = BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..]);
            return SocketAddress.Ip(sockaddr.Slice(8, 16), port, BitConverter.ToUInt32(sockaddr[24..]));
        }

        return family == CommonAbi.AF_UNIX ? SocketAddress.Unix(DecodePath(sockaddr[PathOffset..])) : default;
    }

    /// <summary>True for the address of a Unix socket.</summary>
    public static bool IsUnix(ReadOnlySpan<byte> sockaddr, SockaddrLayout layout) =>
        FamilyOf(sockaddr, layout) == CommonAbi.AF_UNIX;

    private static int FamilyOf(ReadOnlySpan<byte> sockaddr, SockaddrLayout layout)
    {
        if (sockaddr.Length < PathOffset)
        {
            return 0;
        }

        // All families have small numbers: the upper byte of Linux's 16 bits is zero.
        return layout.LeadsWithLength || !BitConverter.IsLittleEndian ? sockaddr[1] : sockaddr[0];
    }

    /// <summary>Writes a path. If it begins with NUL, it is a name in Linux's abstract namespace, and ends with the address.</summary>
    private static Errno EncodePath(string path, SockaddrLayout layout, Span<byte> sockaddr, out int length)
    {
        length = 0;
        bool isAbstract = path.StartsWith('\0');
        if (path.Length == 0 || path.LastIndexOf('\0') > 0 || (isAbstract && !layout.HasAbstractPaths))
        {
            return Errno.EINVAL;
        }

        Span<byte> room = sockaddr.Slice(PathOffset, layout.PathLength - 1);
        if (!Encoding.UTF8.TryGetBytes(path, room, out int bytes))
        {
            return Errno.ENAMETOOLONG;
        }

        length = PathOffset + bytes + (isAbstract ? 0 : 1);
        return Errno.None;
    }

    private static string DecodePath(ReadOnlySpan<byte> path)
    {
        int end = path.IndexOf((byte)0);
        bool isAbstract = end == 0 && path.Length > 1 && path[1..].IndexOfAnyExcept((byte)0) >= 0;
        return Encoding.UTF8.GetString(end < 0 || isAbstract ? path : path[..end]);
    }
}

/// <summary>The differences between the socket addresses of the systems.</summary>
/// <param name="InetV6Family">AF_INET6.</param>
/// <param name="PathLength">The length of sun_path in bytes.</param>
/// <param name="LeadsWithLength">True if the address begins with its length.</param>
/// <param name="HasAbstractPaths">True if there are names of Unix sockets that begin with NUL and are not files.</param>
internal readonly record struct SockaddrLayout(byte InetV6Family, byte PathLength, bool LeadsWithLength, bool HasAbstractPaths)
{
    public static SockaddrLayout Linux => new(LinuxAbi.AF_INET6, LinuxAbi.SunPathLength, false, true);
    public static SockaddrLayout MacOS => new(DarwinAbi.AF_INET6_macOS, DarwinAbi.SunPathLength, true, false);
    public static SockaddrLayout FreeBSD => new(DarwinAbi.AF_INET6_FreeBSD, DarwinAbi.SunPathLength, true, false);
    public static SockaddrLayout Windows => new(WindowsAbi.AF_INET6, WindowsAbi.SunPathLength, false, false);

    public static SockaddrLayout Current => OperatingSystem.IsLinux() ? Linux
        : OperatingSystem.IsWindows() ? Windows
        : OperatingSystem.IsFreeBSD() ? FreeBSD : MacOS;
}
