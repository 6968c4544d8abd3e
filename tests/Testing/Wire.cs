using System.Net;
using System.Net.Sockets;

namespace Poetry.Tests.Testing;

/// <summary>What a client got, and how it ended: a FIN means that all is well, a reset that it is not.</summary>
internal readonly record struct Delivery(byte[] Bytes, bool WasReset)
{
    /// <summary>All of it, and a clean end.</summary>
    public void AssertIs(ReadOnlySpan<byte> poem, string who = "the client")
    {
        Assert.IsFalse(WasReset, $"{who} was reset after {Bytes.Length} of {poem.Length} bytes");
        Assert.AreEqual(poem.Length, Bytes.Length, $"{who} got another number of bytes");
        Assert.IsTrue(poem.SequenceEqual(Bytes), $"{who} got other bytes, from {poem.CommonPrefixLength(Bytes)} on");
    }
}

/// <summary>Plain sockets: the clients that the servers meet, without any of our own code in them.</summary>
internal static class Wire
{
    public static Socket Connect(int port, int receiveBufferBytes = 0) =>
        Connect(new IPEndPoint(IPAddress.Loopback, port), receiveBufferBytes);

    public static Socket Connect(string unixPath) => Connect(new UnixDomainSocketEndPoint(unixPath), 0);

    public static Delivery Fetch(int port)
    {
        using Socket socket = Connect(port);
        return ReadToEnd(socket);
    }

    public static Delivery Fetch(string unixPath)
    {
        using Socket socket = Connect(unixPath);
        return ReadToEnd(socket);
    }

    /// <summary>True if no server listens there.</summary>
    public static bool IsRefused(int port)
    {
        try
        {
            using Socket socket = Connect(port);
            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
        {
            return true;
        }
    }

    public static Delivery ReadToEnd(Socket socket)
    {
        var bytes = new MemoryStream();
        bool wasReset = ReadToEnd(socket, block => bytes.Write(block));
        return new Delivery(bytes.ToArray(), wasReset);
    }

    /// <summary>Reads to the end without keeping what was read.</summary>
    /// <returns>Was the end a reset?</returns>
    public static bool ReadToEnd(Socket socket, Action<ReadOnlySpan<byte>> onBytes)
    {
        byte[] buffer = new byte[256 * 1024];
        try
        {
            int count;
            while ((count = socket.Receive(buffer)) > 0)
            {
                onBytes(buffer.AsSpan(0, count));
            }

            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    public static byte[] ReadExactly(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int got = socket.Receive(bytes.AsSpan(at), SocketFlags.None);
            Assert.AreNotEqual(0, got, $"the end came after {at} of {count} bytes");
            at += got;
        }

        return bytes;
    }

    /// <summary>Closes with a reset instead of a FIN.</summary>
    public static void Reset(Socket socket)
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.Dispose();
    }

    /// <summary>Waits for a reset without reading anything: only a client that does not read needs this.</summary>
    public static void WaitForReset(Socket socket) =>
        Assert.IsTrue(socket.Poll(Patience.Milliseconds * 1000, SelectMode.SelectError), "no reset came");

    public static Socket Connect(EndPoint address, int receiveBufferBytes = 0)
    {
        ProtocolType protocol = address is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, protocol)
        {
            ReceiveTimeout = Patience.Milliseconds,
            SendTimeout = Patience.Milliseconds,
        };
        try
        {
            if (receiveBufferBytes > 0)
            {
                socket.ReceiveBufferSize = receiveBufferBytes;
            }

            socket.Connect(address);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }
}
