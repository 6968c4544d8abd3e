using Poetry.Net;

namespace Poetry.Tests.Net;

/// <summary>A listening socket of any family on the loopback interface, or on a path of its own.</summary>
internal sealed class TestListener : IDisposable
{
    public TestListener(AddressKind kind, int backlog = 512)
    {
        Errno created = NativeSocket.Create(kind, out nint handle);
        if (created == Errno.EAFNOSUPPORT)
        {
            Assert.Inconclusive($"this system has no {kind} sockets");
        }

        Assert.AreEqual(Errno.None, created);
        Handle = handle;
        SocketAddress address = kind switch
        {
            AddressKind.IPv4 => SocketAddress.Ip(new byte[] { 127, 0, 0, 1 }, 0),
            AddressKind.IPv6 => SocketAddress.Ip(System.Net.IPAddress.IPv6Loopback, 0),
            _ => SocketAddress.Unix(FreshPath()),
        };
        Assert.AreEqual(Errno.None, NativeSocket.Bind(Handle, address));
        Assert.AreEqual(Errno.None, NativeSocket.Listen(Handle, backlog));
        Assert.AreEqual(Errno.None, NativeSocket.LocalAddress(Handle, out address));
        Address = address;
    }

    public nint Handle { get; }

    public SocketAddress Address { get; }

    /// <summary>A short path in the directory for temporary files that nothing has.</summary>
    public static string FreshPath() => Path.Combine(Path.GetTempPath(), $"poetry-{Guid.NewGuid():N}.sock");

    public void Dispose()
    {
        _ = NativeSocket.Close(Handle);
        if (Address.Kind == AddressKind.Unix)
        {
            File.Delete(Address.Path);
        }
    }
}

/// <summary>Two connected sockets and the listener they came from; all of them non-blocking.</summary>
internal sealed class SocketPair : IDisposable
{
    private readonly TestListener _listener;
    private nint _client;
    private nint _server;

    public SocketPair(AddressKind kind)
    {
        _listener = new TestListener(kind);
        Assert.AreEqual(Errno.None, NativeSocket.Create(kind, out _client));
        Errno error = NativeSocket.Connect(_client, _listener.Address);
        Assert.IsTrue(error is Errno.None or Errno.EINPROGRESS, error.Sentence());
        WaitFor(_listener.Handle, Interest.Read);
        Assert.AreEqual(Errno.None, NativeSocket.Accept(_listener.Handle, out _server, out SocketAddress peer));
        PeerOnAccept = peer;
        WaitFor(_client, Interest.Write);
        Assert.AreEqual(Errno.None, NativeSocket.TakeError(_client));
    }

    public nint Client => _client;

    public nint Server => _server;

    public SocketAddress ListenerAddress => _listener.Address;

    public SocketAddress PeerOnAccept { get; }

    /// <summary>Waits for the event itself, on a poller of its own; a minute without it fails the test.</summary>
    public static void WaitFor(nint handle, Interest interest)
    {
        using Poller poller = PollerChoice.Create();
        Assert.AreEqual(Errno.None, poller.Add(handle, 1, interest));
        Assert.AreEqual(1, poller.Wait(new ReadyEvent[1], 60_000), $"no {interest} within a minute");
        poller.Remove(handle, interest);
    }

    /// <summary>Receives just so many bytes.</summary>
    public static byte[] Receive(nint handle, int count)
    {
        byte[] bytes = new byte[count];
        for (int have = 0; have < count;)
        {
            WaitFor(handle, Interest.Read);
            Assert.AreEqual(Errno.None, NativeSocket.Receive(handle, bytes.AsSpan(have), out int received));
            Assert.AreNotEqual(0, received, "the end came early");
            have += received;
        }

        return bytes;
    }

    public byte[] ReceiveOnServer(int count) => Receive(_server, count);

    public void CloseClient() => Close(ref _client);

    public void CloseServer() => Close(ref _server);

    public void Dispose()
    {
        CloseClient();
        CloseServer();
        _listener.Dispose();
    }

    private static void Close(ref nint handle)
    {
        if (handle != NativeSocket.Invalid)
        {
            _ = NativeSocket.Close(handle);
            handle = NativeSocket.Invalid;
        }
    }
}
