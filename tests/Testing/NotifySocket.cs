using System.Net.Sockets;
using System.Text;

namespace Poetry.Tests.Testing;

/// <summary>The socket on which systemd hears of a service: <c>NOTIFY_SOCKET</c>, by path or in the abstract space.</summary>
internal sealed class NotifySocket : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    /// <param name="name">A path; one that begins with <c>@</c> is in the abstract space.</param>
    public NotifySocket(string name)
    {
        Name = name;
        _socket.ReceiveTimeout = Patience.Milliseconds;
        _socket.Bind(new UnixDomainSocketEndPoint(name[0] == '@' ? $"\0{name[1..]}" : name));
    }

    /// <summary>As it stands in the environment.</summary>
    public string Name { get; }

    /// <summary>True if no message waits.</summary>
    public bool IsEmpty => _socket.Available == 0;

    /// <summary>Waits for the next message.</summary>
    public string Receive()
    {
        byte[] message = new byte[4096];
        return Encoding.UTF8.GetString(message, 0, _socket.Receive(message));
    }

    public void Dispose() => _socket.Dispose();
}
