using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// Makes a connection and can close it: Twisted's <c>IConnector</c>. It looks up the name, tries its addresses and
/// calls its factory with the result. It can connect again after a failure or after the connection has ended.
/// </summary>
/// <remarks>
/// A name with several addresses is connected to as RFC 8305 (Happy Eyeballs) describes: the families alternate, the next
/// address is tried after <see cref="NextAddressDelay"/> or a failure while the earlier attempts go on, and the first
/// connection wins. One timeout covers the look-up and all addresses.
/// </remarks>
public sealed class Connector : IConnectionOwner
{
    /// <summary>The delay before the next address, as RFC 8305, section 5, recommends (Connection Attempt Delay).</summary>
    internal static readonly TimeSpan NextAddressDelay = TimeSpan.FromMilliseconds(250);

    private readonly Reactor _reactor;
    private readonly ClientFactory _factory;
    private readonly TimeSpan _timeout;
    private readonly DelayedCall _deadline;
    private readonly DelayedCall _nextStep;
    private readonly TimeoutList _sending;
    private readonly List<Attempt> _attempts = [];
    private Deferred<SocketAddress[]>? _lookup;
    private SocketAddress[] _addresses = [];
    private int _next;
    private StreamTransport? _transport;
    private Errno _lastError;
    private bool _isConnecting;

    internal Connector(Reactor reactor, Endpoint destination, ClientFactory factory, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(factory);
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        _reactor = reactor;
        _factory = factory;
        _timeout = timeout;
        _deadline = reactor.Timers.Create(this, static connector => connector.OnTimeout());
        _nextStep = reactor.Timers.Create(this, static connector => connector.OnNextStep());
        _sending = reactor.Connections.Sending(TimeSpan.MaxValue);
        Destination = destination;
    }

    internal IClock Clock => _reactor;

    /// <summary>The address to connect to.</summary>
    public Endpoint Destination { get; }

    Factory IConnectionOwner.Factory => _factory;

    TimeoutList IConnectionOwner.Sending => _sending;

    /// <summary>
    /// Starts to connect, also after a failure or after the connection has ended. The result comes in a later turn: the
    /// protocol's <see cref="Protocol.ConnectionMade"/>, or <see cref="ClientFactory.ClientConnectionFailed"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The connector is connecting or connected.</exception>
    public void Connect()
    {
        if (_isConnecting || _transport is not null)
        {
            throw new InvalidOperationException("the connector is not disconnected");
        }

        _isConnecting = true;
        _lastError = Errno.None;
        _addresses = [];
        _next = 0;
        _deadline.Rearm(_timeout);
        _nextStep.Rearm(TimeSpan.Zero);
    }

    /// <summary>Closes the connection, or stops connecting.</summary>
    /// <param name="reset">True to drop unsent data and to reset the connection.</param>
    public void Disconnect(bool reset = false)
    {
        if (_transport is not { } transport)
        {
            StopConnecting();
        }
        else if (reset)
        {
            transport.AbortConnection();
        }
        else
        {
            transport.LoseConnection();
        }
    }

    /// <summary>Stops connecting, which then fails with <see cref="CancelledError"/>. Does nothing in other states.</summary>
    public void StopConnecting()
    {
        if (_isConnecting)
        {
            Fail(Failure.Cancelled);
        }
    }

    void IConnectionOwner.ConnectionEnded(Protocol protocol, in SocketAddress peer, Failure reason)
    {
        _reactor.Guard(static ended => ended._factory.Release(ended.protocol), (_factory, protocol));
        _transport = null;
        _factory.ClientConnectionLost(this, reason);
    }

    /// <summary>Orders the addresses so that the families alternate, beginning with the first address: RFC 8305, section 4.</summary>
    internal static void Interleave(SocketAddress[] addresses)
    {
        for (int i = 1; i < addresses.Length; i++)
        {
            AddressKind last = addresses[i - 1].Kind;
            int other = Array.FindIndex(addresses, i, address => address.Kind != last);
            if (other > i)
            {
                SocketAddress moved = addresses[other];
                Array.Copy(addresses, i, addresses, i + 1, other - i);
                addresses[i] = moved;
            }
        }
    }

    private void OnNextStep()
    {
        if (_addresses.Length == 0)
        {
            _lookup = Resolver.Resolve(_reactor, Destination).AddCallbacks(OnFound, OnNotFound);
        }
        else
        {
            TryNextAddress();
        }
    }

    private void OnFound(SocketAddress[] addresses)
    {
        Interleave(addresses);
        _addresses = addresses;
        TryNextAddress();
    }

    private void OnNotFound(Failure failure)
    {
        // Otherwise the look-up was cancelled, because connecting has failed.
        if (_isConnecting)
        {
            Fail(failure);
        }
    }

    /// <summary>Starts an attempt with the next address. If it fails at once, tries those after it.</summary>
    private void TryNextAddress()
    {
        while (_next < _addresses.Length)
        {
            _lastError = Start(_addresses[_next++]);
            if (_lastError == Errno.EINPROGRESS)
            {
                if (_next < _addresses.Length)
                {
                    _nextStep.Rearm(NextAddressDelay);
                }

                return;
            }

            if (_lastError == Errno.None)
            {
                return;
            }
        }

        if (_attempts.Count == 0)
        {
            Fail(new Failure(new ConnectError(_lastError, _lastError.Sentence())));
        }
    }

    /// <returns>None if the socket is connected, EINPROGRESS if the attempt has started.</returns>
    private Errno Start(in SocketAddress address)
    {
        Errno error = NativeSocket.Create(address.Kind, out nint handle);
        if (error != Errno.None)
        {
            return error;
        }

        error = NativeSocket.Connect(handle, address);
        if (error == Errno.EINPROGRESS)
        {
            var attempt = new Attempt(this, handle, address);
            Errno refusal = _reactor.Watch(attempt, Interest.Write);
            if (refusal == Errno.None)
            {
                _attempts.Add(attempt);
                return error;
            }

            error = refusal;
        }

        return Finish(handle, address, error);
    }

    private void OnAttemptEnded(Attempt attempt, Errno error)
    {
        _ = _attempts.Remove(attempt);
        error = Finish(attempt.Detach(_reactor), attempt.Address, error);
        if (error != Errno.None)
        {
            _lastError = error;
            TryNextAddress();
        }
    }

    /// <summary>Uses the socket if it is connected, and closes it otherwise.</summary>
    private Errno Finish(nint handle, in SocketAddress address, Errno error)
    {
        if (error == Errno.None && IsConnectedToItself(handle, address))
        {
            error = Errno.ECONNREFUSED;
        }

        if (error == Errno.None)
        {
            Succeed(handle, address);
        }
        else
        {
            _ = NativeSocket.Close(handle);
        }

        return error;
    }

    /// <summary>
    /// True if both ends are one socket. The kernel may choose the destination port as the local port of the connection; if
    /// there is no listener, TCP then connects the socket to itself (simultaneous open, RFC 9293, 3.5).
    /// </summary>
    private static bool IsConnectedToItself(nint handle, in SocketAddress address) =>
        address.Kind != AddressKind.Unix
        && NativeSocket.LocalAddress(handle, out SocketAddress local) == Errno.None
        && local.Port == address.Port
        && NativeSocket.PeerAddress(handle, out SocketAddress peer) == Errno.None
        && local == peer;

    private void OnTimeout() =>
        Fail(new Failure(new ConnectError(Errno.ETIMEDOUT, $"connecting timed out after {_timeout.TotalSeconds:0.###} s")));

    private void Succeed(nint handle, in SocketAddress address)
    {
        StopAttempts();
        Protocol? protocol = null;
        Exception? thrown = null;
        try
        {
            protocol = _factory.BuildUnconnected(address);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
            thrown = exception;
        }

        if (!_isConnecting)
        {
            // The factory has stopped the connector, and its ClientConnectionFailed was called.
            _ = NativeSocket.Close(handle);
            return;
        }

        if (protocol is null)
        {
            _ = NativeSocket.Close(handle);
            Fail(new Failure(thrown ?? new ConnectError(Errno.ECONNABORTED, "the factory built no protocol")));
            return;
        }

        if (address.Kind != AddressKind.Unix)
        {
            _ = NativeSocket.SetNoDelay(handle);
        }

        _isConnecting = false;
        _transport = _reactor.Connections.Transports.Rent();
        _transport.Open(handle, address, protocol, this);
        _factory.ConnectionOpened(protocol);
    }

    private void Fail(Failure reason)
    {
        Debug.Assert(_isConnecting, "only a started connect can fail");
        _isConnecting = false;
        StopAttempts();
        _lookup?.Cancel();
        _reactor.Guard(
            static failed => failed.connector._factory.ClientConnectionFailed(failed.connector, failed.reason),
            (connector: this, reason));
    }

    /// <summary>Closes the sockets of the attempts, and stops the timers.</summary>
    private void StopAttempts()
    {
        _ = _deadline.CancelIfActive();
        _ = _nextStep.CancelIfActive();
        foreach (Attempt attempt in _attempts)
        {
            _ = NativeSocket.Close(attempt.Detach(_reactor));
        }

        _attempts.Clear();
    }

    /// <summary>A connect to one address. It owns the socket until it is detached.</summary>
    private sealed class Attempt(Connector connector, nint handle, SocketAddress address) : Descriptor(handle)
    {
        public SocketAddress Address => address;

        public nint Detach(Reactor reactor)
        {
            nint detached = Handle;
            reactor.Unwatch(this);
            Handle = NoHandle;
            return detached;
        }

        protected internal override void DoRead()
        {
        }

        protected internal override void DoWrite() => connector.OnAttemptEnded(
            this, NativeSocket.TakeError(Handle) is var error and not Errno.None ? error : PendingError);

        protected internal override void ConnectionLost(Failure reason) => connector.StopConnecting();
    }
}
