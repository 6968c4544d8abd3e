using System;
using System.Buffers;

namespace Poetry.Net;

/// <summary>Fetches what a server sends until it closes, which is all that a poetry server does.</summary>
public static class PoetryClient
{
    /// <summary>Chosen: what a program that asks for no other limit can bear in memory.</summary>
    public const int DefaultMaxBytes = 64 * 1024 * 1024;

    /// <summary>Connects and collects everything until the server closes.</summary>
    /// <param name="reactor">The reactor that connects.</param>
    /// <param name="address">As <c>host:port</c>, <c>port</c>, <c>[::1]:port</c> or <c>unix:path</c>.</param>
    /// <param name="timeout">For the connection; 30 s if null. Add a timeout to the deferred for the whole.</param>
    /// <param name="maxBytes">More is refused.</param>
    /// <returns>The bytes; fails with a <see cref="ConnectError"/>, a <see cref="ConnectionLost"/>, or an
    /// <see cref="System.IO.InvalidDataException"/> beyond the limit. Cancelling it closes the connection.</returns>
    public static async Deferred<byte[]> Fetch(
        Reactor reactor, string address, TimeSpan? timeout = null, int maxBytes = DefaultMaxBytes)
    {
        var bytes = new ArrayBufferWriter<byte>();
        await foreach (ReadOnlyMemory<byte> piece in Read(reactor, address, timeout))
        {
            if (bytes.WrittenCount + piece.Length > maxBytes)
            {
                throw new System.IO.InvalidDataException($"more than {maxBytes} bytes");
            }

            bytes.Write(piece.Span);
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>The pieces that a server sends, for <c>await foreach</c>.</summary>
    /// <param name="reactor">The reactor that connects.</param>
    /// <param name="address">As for <see cref="Fetch"/>.</param>
    /// <param name="timeout">For the connection; 30 s if null.</param>
    /// <exception cref="FormatException">It is no address.</exception>
    public static ByteStream Read(Reactor reactor, string address, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        ArgumentNullException.ThrowIfNull(address);
        return Endpoint.TryParse(address, out Endpoint? endpoint, out string? problem)
            ? new ByteStream(reactor, endpoint, timeout)
            : throw new FormatException(problem);
    }
}
