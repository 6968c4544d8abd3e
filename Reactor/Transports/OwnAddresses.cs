using System.Collections.Generic;

namespace Poetry.Net;

/// <summary>
/// Where this process listens, so that who connects on behalf of clients can tell that he would reach himself: each such
/// connection would cause the next, until there are no descriptors left. Told by number, for a name has many spellings.
/// </summary>
/// <remarks>Crosses threads: filled before the loops turn, and only read from then on.</remarks>
internal sealed class OwnAddresses
{
    /// <summary>For documentation (RFC 5737, RFC 3849), and so of no machine.</summary>
    private static readonly SocketAddress NobodyV4 = SocketAddress.Ip([192, 0, 2, 1], 0);
    private static readonly SocketAddress NobodyV6 = SocketAddress.Ip([0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0);

    private readonly List<Place> _places = [];

    /// <summary>A port listens.</summary>
    public void Add(ListeningPort port)
    {
        SocketAddress address = port.Address;
        if (address.Kind == AddressKind.Unix)
        {
            string path = NativeFile.RealPath(address.Path);
            ulong file = NativeFile.StatusOf(path, out FileStatus status) == Errno.None ? status.Identity : 0;
            _places.Add(new Place { Address = SocketAddress.Unix(path), File = file });
        }
        else
        {
            _places.Add(new Place { Address = address, TakesIPv4 = NativeSocket.TakesIPv4(port.Handle, address.Kind) });
        }
    }

    /// <summary>Who connects there, does he reach this process?</summary>
    public bool Reaches(in SocketAddress destination)
    {
        foreach (Place place in _places)
        {
            if (place.Address.Kind == AddressKind.Unix ? IsSameFile(destination, place)
                : Reaches(destination, place.Address, place.TakesIPv4))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Who connects there, does he reach a TCP port that listens here?</summary>
    /// <param name="destination">In any spelling. 0.0.0.0 and :: mean loopback.</param>
    /// <param name="listener">With its port; on 0.0.0.0 or :: it is reached by every address of this machine.</param>
    /// <param name="takesIPv4">Does it, be it of IPv6?</param>
    public static bool Reaches(in SocketAddress destination, in SocketAddress listener, bool takesIPv4)
    {
        SocketAddress to = destination.Canonical();
        if (to.Kind is not (AddressKind.IPv4 or AddressKind.IPv6) || to.Port != listener.Port)
        {
            return false;
        }

        if (to.IsAny)
        {
            to = to.Kind == AddressKind.IPv4 ? SocketAddress.Ip([127, 0, 0, 1], to.Port)
                : SocketAddress.Ip([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], to.Port);
        }

        SocketAddress at = listener.Canonical();
        return at.IsAny
            ? (to.Kind == at.Kind || (takesIPv4 && to.Kind == AddressKind.IPv4)) && IsOfThisMachine(to)
            : to == at;
    }

    private static bool IsSameFile(in SocketAddress destination, in Place place)
    {
        if (destination.Kind != AddressKind.Unix)
        {
            return false;
        }

        // Under the same name, but is it still the same socket, and not one that took its place?
        string path = NativeFile.RealPath(destination.Path);
        return path == place.Address.Path
            && NativeFile.StatusOf(path, out FileStatus status) == Errno.None && status.Identity == place.File;
    }

    /// <summary>
    /// What a socket can be bound to is an address of this machine. Not so where the system lets anything be bound
    /// (ip_nonlocal_bind): that can be told by an address that nobody has, and then only loopback is certain. It takes four
    /// system calls, and only where the ports are the same: interfaces come and go, so the answer is not kept.
    /// </summary>
    private static bool IsOfThisMachine(in SocketAddress address)
    {
        if (address.IsLoopback)
        {
            return true;
        }

        if (NativeSocket.Create(address.Kind, out nint probe) != Errno.None)
        {
            return false;
        }

        bool isHere = NativeSocket.Bind(probe, address.Kind == AddressKind.IPv4 ? NobodyV4 : NobodyV6) != Errno.None
            && NativeSocket.Bind(probe, address.WithPort(0)) == Errno.None;
        NativeSocket.Close(probe);
        return isHere;
    }

    private readonly struct Place
    {
        /// <summary>With the port that was bound; of a Unix socket its real path.</summary>
        public SocketAddress Address { get; init; }

        /// <summary>Does it take clients of IPv4, be it of IPv6?</summary>
        public bool TakesIPv4 { get; init; }

        /// <summary>Of a Unix socket, the number of its file.</summary>
        public ulong File { get; init; }
    }
}
