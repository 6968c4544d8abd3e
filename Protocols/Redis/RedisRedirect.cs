using System.Buffers.Text;
using System.Text;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// The answer of a node of a cluster that does not have the slot of a key: <c>MOVED 3999 10.0.0.1:6381</c>, for all
/// commands, or <c>ASK 3999 10.0.0.1:6381</c>, for this command.
/// </summary>
/// <param name="Slot">0 to 16383.</param>
/// <param name="Host">A name or an address; empty for the host of the node that answered.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="IsAsk">True if the slot is moving, and this key has moved already.</param>
internal sealed record RedisRedirect(int Slot, string Host, int Port, bool IsAsk)
{
    /// <summary>Reads an error line.</summary>
    /// <returns>Null if it is another error.</returns>
    public static RedisRedirect? Parse(ReadOnlySpan<byte> line)
    {
        bool isAsk = line.StartsWith("ASK "u8);
        if (!isAsk && !line.StartsWith("MOVED "u8))
        {
            return null;
        }

        ReadOnlySpan<byte> rest = line[(isAsk ? 4 : 6)..];
        int colon = rest.LastIndexOf((byte)':');
        if (!Utf8Parser.TryParse(rest, out uint slot, out int digits)
            || slot >= RedisSlot.Count
            || digits == rest.Length || rest[digits] != (byte)' ' || colon <= digits
            || !Utf8Parser.TryParse(rest[(colon + 1)..], out ushort port, out int portDigits)
            || port == 0 || portDigits != rest.Length - colon - 1)
        {
            return null;
        }

        string host = Encoding.UTF8.GetString(rest[(digits + 1)..colon]);
        return host is "" or "?" ? new RedisRedirect((int)slot, string.Empty, port, isAsk)
            : Endpoint.TryParseHost(host, out string? valid, out _) ? new RedisRedirect((int)slot, valid, port, isAsk)
            : null;
    }
}

/// <summary>The state of a command's routing. Belongs to the client.</summary>
internal struct RedisRoute
{
    /// <summary>The number of redirects, retries after TRYAGAIN, and unreachable nodes that are not in the address.</summary>
    public int Hops { get; set; }

    /// <summary>The number of servers in the address that could not be reached.</summary>
    public int ServersTried { get; set; }

    /// <summary>True if it was sent once more because its connection was closed without a reply.</summary>
    public bool IsRepeated { get; set; }

    /// <summary>True if each of its commands is preceded by ASKING.</summary>
    public bool IsAsking { get; set; }

    /// <summary>The last node that could not be reached, and the reason.</summary>
    public (RedisNode Node, Failure Reason)? Unreachable { get; set; }

    /// <summary>The server that it was last sent to.</summary>
    public RedisNode? Node { get; set; }
}

/// <summary>The slot of a key in a cluster, see redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec.</summary>
internal static class RedisSlot
{
    /// <summary>The number of slots.</summary>
    public const int Count = 16384;

    /// <summary>The slot of a key. If there is text between its first braces, only that text counts.</summary>
    public static int Of(ReadOnlySpan<byte> key)
    {
        int open = key.IndexOf((byte)'{');
        if (open >= 0)
        {
            int length = key[(open + 1)..].IndexOf((byte)'}');
            key = length > 0 ? key.Slice(open + 1, length) : key;
        }

        return Crc16(key) % Count;
    }

    /// <summary>CRC-16/XMODEM: polynomial 0x1021, initial value 0.</summary>
    private static ushort Crc16(ReadOnlySpan<byte> bytes)
    {
        int crc = 0;
        foreach (byte next in bytes)
        {
            crc ^= next << 8;
            for (int i = 0; i < 8; i++)
            {
                crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
            }
        }

        return (ushort)crc;
    }
}
