namespace Poetry.Net;

/// <summary>
/// A listening socket: Twisted's <c>IListeningPort</c>. It owns the socket and counts its connections; each connection owns
/// its own socket, and notifies the port when it has ended.
/// </summary>
public sealed partial class ListeningPort : Descriptor, IConnectionOwner
{
    /// <summary>Length of the kernel's queue of completed connections; <c>somaxconn</c> may make it shorter.</summary>
    internal const int Backlog = 4096;

    private readonly Reactor _reactor;
    private readonly ListenOptions _options;
    private readonly AcceptPause _pause;
    private readonly TimeoutList _sending;
    private readonly FileStatus? _path;
    private AcceptBatch _batch = new();
    private bool _full;
    private bool _refusesNew;

    internal ListeningPort(Reactor reactor, nint handle, SocketAddress address, Factory factory, ListenOptions options)
        : base(handle)
    {
        _reactor = reactor;
        _options = options;
        _pause = new AcceptPause(reactor, this);
        _headers = new Spares<ProxyHeaderProtocol>(() => new ProxyHeaderProtocol(this, reactor.Log));
        Address = address;
        Factory = factory;
        _sending = reactor.Connections.Sending(options.SendTimeout);
        if (address.Kind == AddressKind.Unix
            && options.RemovesPath
            && NativeFile.StatusOf(address.Path, out FileStatus path) == Errno.None)
        {
            _path = path;
        }
    }

    /// <summary>The bound address, with the port that the kernel chose.</summary>
    public SocketAddress Address { get; }

    /// <summary>Builds the protocols.</summary>
    public Factory Factory { get; }

    /// <summary>Connections of this port that have not ended.</summary>
    public int Connections { get; private set; }

    /// <summary>Connections accepted so far.</summary>
    public long Accepted { get; private set; }

    /// <summary>Connections that were reset because their client had too many.</summary>
    internal long RejectedByAddress { get; private set; }

    /// <summary>Connections that were reset because their PROXY header was wrong, late or incomplete.</summary>
    internal long RejectedByHeader { get; private set; }

    /// <summary>Connections that ended before the first byte of their PROXY header: health checks.</summary>
    internal long ClosedWithoutHeader { get; set; }

    /// <summary>True until <see cref="StopListening"/>, also while the port is at its limit.</summary>
    public bool Listening => Handle != NoHandle;

    TimeoutList IConnectionOwner.Sending => _sending;

    /// <summary>Closes the listening socket. Open connections stay open. A second call does nothing.</summary>
    public void StopListening()
    {
        if (!Listening)
        {
            return;
        }

        _pause.Stop();
        _reactor.Unwatch(this);
        if (_path is { } path)
        {
            using UnixSocketLock guard = UnixSocketLock.Take(Address.Path, maxWaitMs: 0, out _);
            if (NativeFile.StatusOf(Address.Path, out FileStatus now) == Errno.None && now.Identity == path.Identity)
            {
                // It is still the file of this port, and not another process's file under the same name.
                _ = NativeFile.Unlink(Address.Path);
            }
        }

        _ = _reactor.Ports.Remove(this);

        // Last: while the socket is open, no other file can get its identity.
        NativeSocket.Close(Handle);
        Handle = NoHandle;
    }

    /// <summary>
    /// Moves the socket, with the clients in its queue, to a new port. The open connections stay with this port, since their
    /// protocols go back to its factory.
    /// </summary>
    /// <param name="factory">Builds the protocols of the new port.</param>
    /// <returns>The new port, which listens.</returns>
    internal ListeningPort Replace(Factory factory)
    {
        _pause.Stop();
        _reactor.Unwatch(this);
        _ = _reactor.Ports.Remove(this);
        var port = new ListeningPort(_reactor, Handle, Address, factory, _options);
        Handle = NoHandle;
        _reactor.Ports.Add(port);
        port.Resume();
        return port;
    }

    /// <summary>
    /// Keeps new connections out of the kernel's queue, accepts the connections in it (closing would reset them), at most
    /// <see cref="Backlog"/> and within the limits, then stops listening.
    /// </summary>
    internal void AcceptQueuedThenStop()
    {
        if (!Listening)
        {
            return;
        }

        if (!_options.IsInherited)
        {
            _refusesNew = true;
            _ = NativeSocket.RefuseNewConnections(Handle, Address.Kind);
        }

        // A client that has reset its connection in the queue must not end the loop: others may follow it.
        long max = Accepted + Backlog;
        for (int turn = 0; turn < Backlog && Accepted < max && Listening && !_pause.Active && !_full; turn++)
        {
            if (!AcceptBatchOfTurn())
            {
                break;
            }
        }

        StopListening();
    }

    /// <summary>Registers the socket with the poller.</summary>
    internal Errno StartAccepting() => _reactor.Watch(this, Interest.Read);

    /// <inheritdoc/>
    protected internal override void DoRead()
    {
        long before = Accepted;
        _ = AcceptBatchOfTurn();
        _reactor.AddEvents((int)(Accepted - before) - 1);
    }

    /// <inheritdoc/>
    protected internal override void DoWrite()
    {
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason) => StopListening();

    void IConnectionOwner.ConnectionEnded(Protocol protocol, in SocketAddress peer, Failure reason)
    {
        if (protocol is ProxyHeaderProtocol header)
        {
            _headers.Return(header);
        }
        else
        {
            _options.AddressLimit?.Leave(peer);
            _reactor.Guard(static ended => ended.Factory.Release(ended.protocol), (Factory, protocol));
        }

        Connections--;
        _reactor.Connections.Ignored -= _options.IgnoredByDrain ? 1 : 0;
        _options.Limit?.Leave();
        _pause.OnDescriptorFreed();
    }

    /// <summary>The limit has a free slot: accepts a waiting client at once.</summary>
    internal void OnLimitFreed()
    {
        _full = false;
        Resume();
        if (IsWatched)
        {
            DoRead();
        }
    }

    internal void Resume()
    {
        if (!Listening || _pause.Active || _full)
        {
            return;
        }

        Errno error = _reactor.Watch(this, Interest.Read);
        if (error != Errno.None)
        {
            _pause.Begin(error);
        }
    }
}
