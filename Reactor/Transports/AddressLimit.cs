using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Poetry.Net;

/// <summary>
/// The maximum number of connections of one client address. IPv6 clients count by /64, since one client has all addresses of
/// such a network; Unix sockets have no address and do not count. Shared by the reactors of a server.
/// </summary>
/// <remarks>May be used on any thread: a lock guards the table, and is held for one look-up.</remarks>
/// <param name="max">At least 1.</param>
internal sealed class AddressLimit(int max)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Client, int> _counts = [];

    /// <returns>False if the client has the maximum number of connections.</returns>
    public bool TryEnter(in SocketAddress peer)
    {
        if (!Client.TryCreate(peer, out Client client))
        {
            return true;
        }

        lock (_lock)
        {
            ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, client, out _);
            if (count >= max)
            {
                return false;
            }

            count++;
            return true;
        }
    }

    public void Leave(in SocketAddress peer)
    {
        if (!Client.TryCreate(peer, out Client client))
        {
            return;
        }

        lock (_lock)
        {
            if (--_counts[client] == 0)
            {
                _ = _counts.Remove(client);
            }
        }
    }

    /// <summary>The part of an address that identifies a client.</summary>
    private readonly record struct Client(AddressKind Kind, ulong Bits)
    {
        public static bool TryCreate(in SocketAddress peer, out Client client)
        {
            Span<byte> address = stackalloc byte[16];
            SocketAddress canonical = peer.Unmapped();
            int length = canonical.CopyIpTo(address);
            client = new Client(
                canonical.Kind,
                length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(address) : BinaryPrimitives.ReadUInt64BigEndian(address));
            return length > 0;
        }

        /// <summary>The hash has another seed in each process: clients cannot choose addresses that collide.</summary>
        public override int GetHashCode() => HashCode.Combine(Kind, Bits);
    }
}
