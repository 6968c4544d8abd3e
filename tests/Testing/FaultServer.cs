using System.Net;
using System.Net.Sockets;

namespace Poetry.Tests.Testing;

/// <summary>
/// A server that does to its clients what the test says: answers, hangs, breaks off, resets. One client at a time, on a
/// thread of its own; the first client has number 1.
/// </summary>
internal sealed class FaultServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _clients = [];
    private readonly SemaphoreSlim _arrivals = new(0);
    private readonly Action<Socket, int> _onClient;
    private readonly Thread _thread;
    private volatile Exception? _failure;

    /// <param name="onClient">Given the client and its number. It may leave the client open: the server's end closes it.</param>
    public FaultServer(Action<Socket, int> onClient)
    {
        _onClient = onClient;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _thread = new Thread(Accept) { IsBackground = true, Name = "fault server" };
        _thread.Start();
    }

    public int Port { get; }

    public string Address => $"127.0.0.1:{Port}";

    /// <summary>Sends bytes and a FIN to each.</summary>
    public static FaultServer Sending(byte[] bytes) => new((client, _) =>
    {
        _ = client.Send(bytes);
        client.Shutdown(SocketShutdown.Send);
    });

    /// <summary>Sends bytes and then resets each.</summary>
    public static FaultServer Resetting(byte[] bytes) => new((client, _) => SendAndReset(client, bytes));

    /// <summary>Sends bytes and nothing more, and never closes.</summary>
    public static FaultServer Hanging(byte[] bytes) => new((client, _) => client.Send(bytes));

    /// <summary>Sends bytes, waits until the test lets it go on, and then sends the rest and a FIN.</summary>
    public static FaultServer Pausing(byte[] first, byte[] rest, WaitHandle go) => new((client, _) =>
    {
        _ = client.Send(first);
        Assert.IsTrue(go.WaitOne(Patience.Milliseconds), "the test did not let the server go on");
        _ = client.Send(rest);
        client.Shutdown(SocketShutdown.Send);
    });

    /// <summary>A port without a listener: it was free a moment ago.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public static void SendAndReset(Socket client, byte[] bytes)
    {
        // Linux lets the client read what had arrived before the reset, and only then tells it.
        _ = client.Send(bytes);
        Wire.Reset(client);
    }

    /// <summary>Waits for the next client.</summary>
    public void WaitForClient() => Assert.IsTrue(_arrivals.Wait(Patience.Milliseconds), "no client came");

    public void Dispose()
    {
        _listener.Dispose();
        _thread.Join();
        lock (_clients)
        {
            foreach (Socket client in _clients)
            {
                client.Dispose();
            }
        }

        _arrivals.Dispose();
        Assert.IsNull(_failure, $"the fault server failed: {_failure}");
    }

    private void Accept()
    {
        for (int number = 1; ; number++)
        {
            Socket client;
            try
            {
                client = _listener.Accept();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Disposed.
                return;
            }

            lock (_clients)
            {
                _clients.Add(client);
            }

            _ = _arrivals.Release();
            Serve(client, number);
        }
    }

    private void Serve(Socket client, int number)
    {
        try
        {
            client.SendTimeout = Patience.Milliseconds;
            client.ReceiveTimeout = Patience.Milliseconds;
            _onClient(client, number);
        }
        catch (SocketException)
        {
            // The client hung up, as some do.
        }
        catch (Exception e)
        {
            // It fails the test; on a thread of its own it would end the process of all tests.
            _failure = e;
        }
    }
}
