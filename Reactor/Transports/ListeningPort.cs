using System;

namespace Poetry.Net;

/// <summary>
/// A listening socket: Twisted's <c>IListeningPort</c>. It owns the socket and counts its connections; each connection owns
/// its own socket, and tells the port when it has ended.
/// </summary>
public sealed class ListeningPort : Descriptor, IConnectionOwner
{
    /// <summary>Length of the kernel's queue of completed connections; <c>somaxconn</c> may make it shorter.</summary>
    internal const int Backlog = 4096;

    /// <summary>Denied accepts in a row that are tried again at once.</summary>
    private const int MaxDenials = 64;

    /// <summary>A port whose accepts are denied for longer has failed.</summary>
    private static readonly TimeSpan DenialTimeout = TimeSpan.FromMilliseconds(300);

    private readonly Reactor _reactor;
    private readonly ListenOptions _options;
    private readonly AcceptPause _pause;
    private readonly FileStatus? _path;
    private AcceptBatch _batch = new();
    private bool _full;
    private bool _refusesNew;
    private int _denials;
    private TimeSpan _deniedSince;

    internal ListeningPort(Reactor reactor, nint handle, SocketAddress address, Factory factory, ListenOptions options)
        : base(handle)
    {
        _reactor = reactor;
        _options = options;
        _pause = new AcceptPause(reactor, this);
        Address = address;
        Factory = factory;
        Sending = reactor.Connections.Sending(options.SendTimeout);
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

    /// <summary>True until <see cref="StopListening"/>, also while the port is at its limit.</summary>
    public bool Listening => Handle != NoHandle;

    /// <inheritdoc/>
    Factory IConnectionOwner.Factory => Factory;

    /// <inheritdoc cref="IConnectionOwner.Sending"/>
    internal TimeoutList Sending { get; }

    /// <inheritdoc/>
    TimeoutList IConnectionOwner.Sending => Sending;

    /// <inheritdoc/>
    TimeSpan IConnectionOwner.SendTimeout => _options.SendTimeout;

    /// <summary>Closes the listening socket. Open connections stay open. A second call does nothing.</summary>
    public void StopListening()
    {
        if (!Listening)
        {
            return;
        }

        _pause.Stop();
        _reactor.Unwatch(this);
        NativeSocket.Close(Handle);
        Handle = NoHandle;
        _reactor.Forget(this);
        if (_path is { } path
            && NativeFile.StatusOf(Address.Path, out FileStatus now) == Errno.None
            && now.Identity == path.Identity)
        {
            // It is still the file that was made here, not another process's under the same name.
            _ = NativeFile.Unlink(Address.Path);
        }
    }

    /// <summary>
    /// Keeps new connections out of the kernel's queue, accepts those in it (closing would reset them), at most
    /// <see cref="Backlog"/> of them and within the limits, then stops listening.
    /// </summary>
    public void AcceptQueuedThenStop()
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

    /// <summary>Accepts as many connections as are due in one turn.</summary>
    /// <returns>True if there may be more, and the limits allow them.</returns>
    private bool AcceptBatchOfTurn()
    {
        // After the loop has slept, several clients may have come together.
        bool slept = _reactor.SleptBeforeTurn;
        int max = slept ? AcceptBatch.MaxSize : _batch.Size;
        for (int accepted = 0; accepted < max; accepted++)
        {
            if (StopAtLimit())
            {
                return false;
            }

            Errno error = NativeSocket.Accept(Handle, out nint handle, out SocketAddress peer);
            switch (error)
            {
                case Errno.None:
                    _denials = 0;
                    OpenConnection(handle, peer);
                    break;
                case Errno.EAGAIN:
                    if (!slept)
                    {
                        _batch.RecordDrained(accepted);
                    }

                    return false;
                case Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM:
                    _pause.Begin(error);
                    return false;
                case Errno.EINVAL when _refusesNew:
                    return false;
                case Errno.EBADF or Errno.EINVAL or Errno.ENOTSOCK or Errno.EOPNOTSUPP or Errno.EFAULT:
                    Fail(error);
                    return false;
                case Errno.ECONNABORTED or Errno.ECONNRESET or Errno.EPROTO or Errno.ENOPROTOOPT or Errno.ETIMEDOUT or Errno.EINTR
                    or Errno.ENETDOWN or Errno.ENETUNREACH or Errno.EHOSTDOWN or Errno.EHOSTUNREACH:
                    // This connection has ended before it was accepted: go on with the next.
                    break;
                default:
                    if (!MayRetryDenied(error))
                    {
                        return false;
                    }

                    break;
            }

            if (!Listening)
            {
                return false;
            }
        }

        _batch.RecordFull();
        return true;
    }

    /// <summary>
    /// The system forbids accept: a seccomp filter, a security module. The client stays in the queue, and would wake the loop
    /// again and again. So after some attempts the port pauses, and after some pauses it fails.
    /// </summary>
    /// <returns>True to try again at once.</returns>
    private bool MayRetryDenied(Errno error)
    {
        if (++_denials == 1)
        {
            _deniedSince = _reactor.Now;
        }

        if (_denials <= MaxDenials)
        {
            return true;
        }

        if (_reactor.Now - _deniedSince < DenialTimeout)
        {
            _pause.Begin(error, log: false);
        }
        else
        {
            Fail(error);
        }

        return false;
    }

    private void Fail(Errno error)
    {
        ReactorLog.AcceptFailed(_reactor.Log, Address, error.Sentence());
        StopListening();
        _options.Failed?.Invoke();
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

    /// <summary>Accepts again after a pause.</summary>
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

    /// <summary>At the limit, takes the port out of the poller until a connection ends.</summary>
    /// <returns>True at the limit.</returns>
    private bool StopAtLimit()
    {
        if (_options.Limit is not { IsReached: true } limit)
        {
            return false;
        }

        _full = true;
        _reactor.Connections.ProbeDelay.UseMinimum();
        _reactor.RemoveReader(this);
        limit.Await(this);
        return true;
    }

    private void OpenConnection(nint handle, in SocketAddress peer)
    {
        Protocol? protocol = null;
        StreamTransport? transport = null;
        try
        {
            transport = _reactor.Connections.Rent();
            protocol = Factory.BuildProtocol(peer);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
        }

        if (transport is null || protocol is null)
        {
            if (transport is not null)
            {
                _reactor.Connections.Return(transport);
            }

            NativeSocket.ResetOnClose(handle);
            NativeSocket.Close(handle);
            return;
        }

        Connections++;
        Accepted++;
        _reactor.Connections.Ignored += _options.IgnoredByDrain ? 1 : 0;
        _options.Limit?.Enter();
        transport.Open(handle, peer, protocol, this);
    }
}
