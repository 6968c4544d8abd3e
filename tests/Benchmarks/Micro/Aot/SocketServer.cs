using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Poetry.Benchmarks.Aot;

/// <summary>
/// The poem server that one would write with .NET's own sockets: a peer for the big benchmarks. Native like ours, on
/// the thread pool, as that is how those sockets work.
/// </summary>
internal static class SocketServer
{
    private const int Backlog = 4096;

    /// <summary>Serves until it is killed.</summary>
    public static async Task Run(string port, string file)
    {
        byte[] poem = await File.ReadAllBytesAsync(file).ConfigureAwait(false);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture)));
        listener.Listen(Backlog);
        while (true)
        {
            Socket client = await listener.AcceptAsync().ConfigureAwait(false);
            _ = Send(client, poem);
        }
    }

    private static async Task Send(Socket client, ReadOnlyMemory<byte> poem)
    {
        using (client)
        {
            try
            {
                while (!poem.IsEmpty)
                {
                    poem = poem[await client.SendAsync(poem).ConfigureAwait(false)..];
                }
            }
            catch (SocketException)
            {
                // The client has gone.
            }
        }
    }
}
