using System.Buffers;

namespace Poetry.Net;

/// <summary>Fetches the bytes that a server sends until it closes. A poetry server does nothing else.</summary>
public static class PoetryClient
{
    /// <summary>The default limit. Chosen: a program that sets no limit can hold this much in memory.</summary>
    public const int DefaultMaxBytes = 64 * 1024 * 1024;

    /// <summary>Connects and collects everything until the server closes.</summary>
    /// <param name="reactor">The reactor that connects.</param>
    /// <param name="address">The server: <c>host:port</c>, <c>port</c>, <c>[::1]:port</c> or <c>unix:path</c>.</param>
    /// <param name="timeout">The time limit for connecting; 30 s if null. For the whole fetch, add a timeout to the deferred.</param>
    /// <param name="maxBytes">The maximum number of bytes.</param>
    /// <returns>The bytes; fails with a <see cref="ConnectError"/>, a <see cref="ConnectionLost"/>, or an
    /// <see cref="System.IO.InvalidDataException"/> if there are more. Cancelling it closes the connection.</returns>
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
    /// <param name="address">The server, in the form that <see cref="Fetch"/> takes.</param>
    /// <param name="timeout">The time limit for connecting; 30 s if null.</param>
    /// <exception cref="FormatException">The text is not an address.</exception>
    public static ByteStream Read(Reactor reactor, string address, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        ArgumentNullException.ThrowIfNull(address);
        return Endpoint.TryParse(address, out Endpoint? endpoint, out string? problem)
            ? new ByteStream(reactor, endpoint, timeout)
            : throw new FormatException(problem);
    }
}
