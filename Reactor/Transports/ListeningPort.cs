using System;

namespace Poetry.Net;

/// <summary>
/// A socket that listens, and the connections that come through it: Twisted's <c>IListeningPort</c>. It owns the socket;
/// the connections own themselves, and tell it when they end.
/// </summary>
public sealed class ListeningPort : Descriptor, IConnectionOwner
{
    /// <summary>The longest queue of the kernel; it takes less if <c>somaxconn</c> says so.</summary>
    internal const int Backlog = 4096;

    private readonly Reactor _reactor;
    private readonly ListenOptions _options;
    private readonly AcceptPause _pause;
    private readonly FileStatus? _path;
    private AcceptBatch _batch = new();
    private bool _full;

    internal ListeningPort(Reactor reactor, nint handle, SocketAddress address, Factory factory, ListenOptions options)
        : base(handle)
    {
        _reactor = reactor;
        _options = options;
        _pause = new AcceptPause(reactor, this);
        Address = address;
        Factory = factory;
        Sending = reactor.SendingLine(options.SendTimeout);
        if (address.Kind == AddressKind.Unix
            && options.RemovesPath
            && NativeFile.StatusOf(address.Path, out FileStatus path) == Errno.None)
        {
            _path = path;
        }
    }

    /// <summary>What was bound, with the port that the kernel chose.</summary>
    public SocketAddress Address { get; }

    /// <summary>Builds the protocols.</summary>
    public Factory Factory { get; }

    /// <summary>Connections that came through this port and have not ended.</summary>
    public int Connections { get; private set; }

    /// <summary>Connections that came through this port so far.</summary>
    public long Accepted { get; private set; }

    /// <summary>Does it take connections? Not while it is full, and not after <see cref="StopListening"/>.</summary>
    public bool Listening => Handle != NoHandle;

    /// <inheritdoc/>
    Factory IConnectionOwner.Factory => Factory;

    /// <inheritdoc cref="IConnectionOwner.Sending"/>
    internal TransportLine Sending { get; }

    /// <inheritdoc/>
    TransportLine IConnectionOwner.Sending => Sending;

    /// <inheritdoc/>
    TimeSpan IConnectionOwner.SendTimeout => _options.SendTimeout;

    /// <summary>Takes no more connections; those that are there go on. A second call does nothing.</summary>
    public void StopListening()
    {
        if (!Listening)
        {
            return;
        }

        _pause.End();
        _reactor.Unwatch(this);
        NativeSocket.Close(Handle);
        Handle = NoHandle;
        if (_path is { } path
            && NativeFile.StatusOf(Address.Path, out FileStatus now) == Errno.None
            && now.Identity == path.Identity)
        {
            // Still the one that was made here, and not another's that took its name.
            _ = NativeFile.Unlink(Address.Path);
        }
    }

    /// <summary>
    /// Takes those whose connections the kernel has completed already, as far as there is room, and then no more: a close
    /// alone would reset them. One backlog of them at most, or a crowd that keeps coming would keep us from ever ending.
    /// </summary>
    public void FinishListening()
    {
        // Not "as long as somebody was accepted": one who has hung up in the queue must not cost those behind him.
        long most = Accepted + Backlog;
        for (int turn = 0; turn < Backlog && Accepted < most && Listening && !_pause.Active && !_full; turn++)
        {
            if (!AcceptSome())
            {
                break;
            }
        }

        StopListening();
    }

    /// <summary>Begins to accept.</summary>
    /// <returns>Why the kernel will not watch the socket, if it won't.</returns>
    internal Errno StartAccepting() => _reactor.Watch(this, Interest.Read);

    /// <inheritdoc/>
    protected internal override void DoRead()
    {
        long before = Accepted;
        _ = AcceptSome();
        _reactor.Happened((int)(Accepted - before) - 1);
    }

    /// <summary>Accepts those who wait, as many as are good for one turn.</summary>
    /// <returns>May there be more of them, and may they come in?</returns>
    private bool AcceptSome()
    {
        // After a doze it is worth while to look whether they have come together.
        bool dozed = _reactor.HasDozed;
        int most = dozed ? AcceptBatch.Most : _batch.Size;
        for (int accepted = 0; accepted < most; accepted++)
        {
            if (IsFull())
            {
                return false;
            }

            Errno error = NativeSocket.Accept(Handle, out nint handle, out SocketAddress peer);
            switch (error)
            {
                case Errno.None:
                    Welcome(handle, peer);
                    break;
                case Errno.EAGAIN:
                    if (!dozed)
                    {
                        _batch.Emptied(accepted);
                    }

                    return false;
                case Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM:
                    _pause.Begin(error);
                    return false;
                case Errno.EBADF or Errno.EINVAL or Errno.ENOTSOCK or Errno.EOPNOTSUPP or Errno.EFAULT:
                    string reason = error.Sentence();
                    ReactorLog.AcceptFailed(_reactor.Log, Address, reason);
                    StopListening();
                    _options.Broken?.Invoke();
                    return false;
                default:
                    // A connection that ended before it was accepted, or that a firewall forbade: the next, please.
                    break;
            }

            if (!Listening)
            {
                return false;
            }
        }

        _batch.UsedUp();
        return true;
    }

    /// <inheritdoc/>
    protected internal override void DoWrite()
    {
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason) => StopListening();

    /// <inheritdoc/>
    void IConnectionOwner.ConnectionEnded(Failure reason)
    {
        Connections--;
        _reactor.ConnectionsAside -= _options.IsAside ? 1 : 0;
        _options.Limit?.Leave();
        _pause.DescriptorFreed();
    }

    /// <summary>The limit has room for one more: who waits already comes in at once.</summary>
    internal void RoomAgain()
    {
        _full = false;
        Resume();
        if (IsWatched)
        {
            DoRead();
        }
    }

    /// <summary>Goes on accepting after a pause.</summary>
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

    /// <summary>At the limit it waits: the port is not even watched until a connection ends.</summary>
    private bool IsFull()
    {
        if (_options.Limit is not { IsReached: true } limit)
        {
            return false;
        }

        _full = true;
        _reactor.FirstLook.Hurry();
        _reactor.RemoveReader(this);
        limit.Await(this);
        return true;
    }

    private void Welcome(nint handle, in SocketAddress peer)
    {
        Protocol? protocol = null;
        try
        {
            protocol = Factory.BuildProtocol(peer);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
        }

        if (protocol is null)
        {
            NativeSocket.ResetOnClose(handle);
            NativeSocket.Close(handle);
            return;
        }

        Connections++;
        Accepted++;
        _reactor.ConnectionsAside += _options.IsAside ? 1 : 0;
        _options.Limit?.Enter();
        _reactor.Rent().Open(handle, peer, protocol, this);
    }
}
