namespace Poetry.Net;

/// <content>Listening and connecting.</content>
public sealed partial class Reactor
{
    /// <summary>
    /// The maximum number of unsent bytes of a connection in the kernel's buffer. A lower limit means more wake-ups. With a
    /// higher one, clients that read the same large data drift apart, and their parts are no longer in the processor's cache.
    /// Measured with 16 readers of 10 MB, by sendfile, on loopback: the rate is 1.57 with 64 KiB, 1.10 with 128, 0.97 with
    /// 256, 0.81 with 4 MiB.
    /// </summary>
    private const int UnsentLimitBytes = 64 * 1024;

    /// <summary>The maximum wait for another process that binds a Unix socket in the same folder; that takes milliseconds.</summary>
    private const int MaxUnixLockWaitMs = 5000;

    /// <summary>Twisted's default.</summary>
    internal static readonly TimeSpan DefaultConnectTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Listens for TCP connections on a port.</summary>
    /// <param name="port">The port; 0 for a free one that the kernel chooses.</param>
    /// <param name="factory">Builds a protocol for each connection.</param>
    /// <param name="host">An address of this machine, in numbers; not a name. By default only this machine can connect.</param>
    /// <returns>The port, which accepts from the next turn on.</returns>
    /// <exception cref="CannotListenError">The address is in use, or is not an address of this machine.</exception>
    public ListeningPort ListenTcp(int port, Factory factory, string host = Endpoint.DefaultHost)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        return System.Net.IPAddress.TryParse(host, out System.Net.IPAddress? address)
            ? ListenTcp(SocketAddress.Ip(address, (ushort)port), factory)
            : throw new CannotListenError(host, "not an address");
    }

    /// <summary>Connects to a TCP port.</summary>
    /// <param name="host">A name or a numeric address.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="factory">Builds the protocol when the connection is made.</param>
    /// <param name="timeout">The timeout of look-up and connect together; 30 s if null.</param>
    /// <returns>The connector, which has started.</returns>
    public Connector ConnectTcp(string host, int port, ClientFactory factory, TimeSpan? timeout = null) =>
        Connect(Endpoint.Tcp(host, port), factory, timeout ?? DefaultConnectTimeout);

    /// <summary>Connects to a Unix socket.</summary>
    /// <param name="path">The path of the socket.</param>
    /// <param name="factory">Builds the protocol when the connection is made.</param>
    /// <param name="timeout">The timeout of the connect; 30 s if null.</param>
    /// <returns>The connector, which has started.</returns>
    public Connector ConnectUnix(string path, ClientFactory factory, TimeSpan? timeout = null) =>
        Connect(Endpoint.Unix(path), factory, timeout ?? DefaultConnectTimeout);

    /// <summary>The ports that listen, including those that the poller does not watch now. All are stopped at the end.</summary>
    internal List<ListeningPort> Ports { get; } = [];

    /// <summary>Listens for TCP connections.</summary>
    /// <param name="address">The local address; port 0 for a free port that the kernel chooses.</param>
    /// <param name="factory">Builds a protocol for each connection.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The port, which accepts from the next turn on.</returns>
    /// <exception cref="CannotListenError">The address is in use, is not an address of this machine, or is not allowed.</exception>
    public ListeningPort ListenTcp(SocketAddress address, Factory factory, ListenOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(factory);
        ThrowIfEnded();
        options ??= new ListenOptions();
        Errno error = OpenListener(address, options, out nint handle, out SocketAddress bound);
        return error == Errno.None
            ? Accepting(handle, bound, factory, options)
            : throw new CannotListenError(address.ToString(), error);
    }

    /// <summary>
    /// Listens on a Unix socket. A stale socket file, on which no process listens, is replaced; any other file is left
    /// unchanged.
    /// </summary>
    /// <param name="path">The file. It is created here, and removed when the port stops listening.</param>
    /// <param name="factory">Builds a protocol for each connection.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <returns>The port, which accepts from the next turn on.</returns>
    /// <exception cref="CannotListenError">The path is in use, too long, or not allowed.</exception>
    public ListeningPort ListenUnix(string path, Factory factory, ListenOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(factory);
        ThrowIfEnded();
        options ??= new ListenOptions();
        var address = SocketAddress.Unix(path);
        using UnixSocketLock guard = UnixSocketLock.Take(path, MaxUnixLockWaitMs, out bool isTaken);
        nint handle = NativeSocket.Invalid;
        Errno error = isTaken ? OpenListener(address, options, out handle, out _) : Errno.EADDRINUSE;
        if (isTaken && error == Errno.EADDRINUSE && IsStale(address))
        {
            _ = NativeFile.Unlink(path);
            error = OpenListener(address, options, out handle, out _);
        }

        return error == Errno.None
            ? Accepting(handle, address, factory, options)
            : throw new CannotListenError(address.ToString(), error);
    }

    /// <summary>Accepts on a socket that another process has bound, such as systemd.</summary>
    /// <param name="handle">A listening socket. The port owns it from now on.</param>
    /// <param name="factory">Builds a protocol for each connection.</param>
    /// <param name="options">Null for the defaults. The path of a Unix socket is not removed.</param>
    /// <returns>The port, which accepts from the next turn on.</returns>
    /// <exception cref="CannotListenError">The handle is not a socket, or does not listen.</exception>
    public ListeningPort AdoptListener(nint handle, Factory factory, ListenOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(factory);
        ThrowIfEnded();
        options = (options ?? new ListenOptions()) with { RemovesPath = false, IsInherited = true };
        Errno error = NativeSocket.Adopt(handle);
        if (error == Errno.None && !NativeSocket.IsListening(handle))
        {
            error = Errno.EINVAL;
        }

        SocketAddress address = default;
        error = error == Errno.None ? NativeSocket.LocalAddress(handle, out address) : error;
        if (error != Errno.None)
        {
            throw new CannotListenError($"inherited descriptor {handle}", error);
        }

        SetAcknowledgeTimeout(handle, options.SendTimeout);
        return Accepting(handle, address, factory, options);
    }

    /// <summary>Connects to a name or an address; every address of a name is tried.</summary>
    /// <param name="endpoint">The peer.</param>
    /// <param name="factory">Builds the protocol when the connection is made.</param>
    /// <param name="timeout">The timeout of the look-up and all attempts together; Twisted's default is 30 s.</param>
    /// <returns>The connector, which has started.</returns>
    public Connector Connect(Endpoint endpoint, ClientFactory factory, TimeSpan timeout)
    {
        ThrowIfEnded();
        var connector = new Connector(this, endpoint, factory, timeout);
        connector.Connect();
        return connector;
    }

    /// <summary>Makes a socket that listens.</summary>
    /// <param name="address">The local address; port 0 for a free port that the kernel chooses.</param>
    /// <param name="options">The options of the port.</param>
    /// <param name="handle">The socket, owned by the caller; −1 after a failure.</param>
    /// <param name="bound">The address with the port that the kernel chose.</param>
    private static Errno OpenListener(in SocketAddress address, ListenOptions options, out nint handle, out SocketAddress bound)
    {
        bound = address;
        Errno error = NativeSocket.Create(address.Kind, out handle);
        if (error != Errno.None)
        {
            return error;
        }

        if (address.Kind != AddressKind.Unix)
        {
            _ = NativeSocket.AllowAddressReuse(handle);
            if (options.Sharing == PortSharing.Joining)
            {
                _ = NativeSocket.SharePort(handle);
            }

            if (address.Kind == AddressKind.IPv6)
            {
                // [::] accepts both families; any other address accepts one.
                _ = NativeSocket.SetOnlyIPv6(handle, !address.IsAny);
            }

            // Connections inherit all of these, without a further call. TCP_NODELAY: a short last segment does not wait for
            // an acknowledgement.
            _ = NativeSocket.SetNoDelay(handle);
            _ = NativeSocket.SetUnsentLimit(handle, UnsentLimitBytes);
            SetAcknowledgeTimeout(handle, options.SendTimeout);
        }

        error = NativeSocket.Bind(handle, address);
        if (error == Errno.None && options.Sharing == PortSharing.First && address.Kind != AddressKind.Unix)
        {
            // After bind: if the option were set before, bind would succeed beside another process that shares the port.
            error = NativeSocket.SharePort(handle);
        }

        error = error == Errno.None ? NativeSocket.Listen(handle, ListeningPort.Backlog) : error;
        if (error == Errno.None && address.Kind != AddressKind.Unix)
        {
            // The ready line names the port that the kernel chose.
            error = NativeSocket.LocalAddress(handle, out bound);
        }

        if (error != Errno.None)
        {
            NativeSocket.Close(handle);
            handle = NativeSocket.Invalid;
        }

        return error;
    }

    /// <summary>
    /// Ends connections whose peer vanishes while no data is queued in the transport. If data is queued, the transport's own
    /// timeout resets the connection. The kernel does not reset it, so the kernel's timeout is a little longer.
    /// </summary>
    private static void SetAcknowledgeTimeout(nint handle, TimeSpan sendTimeout)
    {
        if (sendTimeout < TimeSpan.MaxValue / 2)
        {
            _ = NativeSocket.SetAcknowledgeTimeout(handle, (sendTimeout * 1.25) + TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>True if the path is a socket that refuses connections, since the process that made it is gone.</summary>
    private static bool IsStale(in SocketAddress address)
    {
        if (NativeFile.StatusOf(address.Path, out FileStatus status) != Errno.None
            || status.Kind != FileKind.Socket
            || NativeSocket.Create(AddressKind.Unix, out nint probe) != Errno.None)
        {
            return false;
        }

        Errno error = NativeSocket.Connect(probe, address);
        NativeSocket.Close(probe);
        return error == Errno.ECONNREFUSED;
    }

    /// <summary>Stops all ports, also those that are paused or at their limit: the poller does not have those.</summary>
    private void StopListening()
    {
        while (Ports.Count > 0)
        {
            Ports[^1].StopListening();
        }
    }

    private ListeningPort Accepting(nint handle, SocketAddress address, Factory factory, ListenOptions options)
    {
        var port = new ListeningPort(this, handle, address, factory, options);
        Ports.Add(port);
        Errno error = port.StartAccepting();
        if (error == Errno.None)
        {
            return port;
        }

        port.StopListening();
        throw new CannotListenError(address.ToString(), error);
    }
}
