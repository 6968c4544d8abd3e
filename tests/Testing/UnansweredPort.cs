using System.Net;
using System.Net.Sockets;
using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>
/// A port that lets connects hang: its backlog is full, and no server accepts. Linux drops what comes then, as a firewall
/// would.
/// </summary>
internal sealed class UnansweredPort : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _fillers = [];

    public UnansweredPort()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(0);
        while (Fills())
        {
            // Until one hangs: kernels take one or two more than they are told.
        }
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public Endpoint Endpoint => Endpoint.Tcp("127.0.0.1", Port);

    public void Dispose()
    {
        _listener.Dispose();
        _fillers.ForEach(filler => filler.Dispose());
    }

    private bool Fills()
    {
        var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        _fillers.Add(filler);
        try
        {
            filler.Connect(_listener.LocalEndPoint!);
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // On the loopback interface a connect that is answered is answered within the call that begins it, or a little
            // later when the machine is busy; the wait only bounds that.
            return filler.Poll(50_000, SelectMode.SelectWrite);
        }

        return true;
    }
}
