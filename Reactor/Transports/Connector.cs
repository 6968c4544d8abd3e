using System;
using System.Diagnostics;

namespace Poetry.Net;

/// <summary>
/// Brings a connection about and keeps hold of it: Twisted's <c>IConnector</c>. It asks for the addresses of a name, tries
/// them in turn, each for its share of the time that is left, and tells its factory how it went. It may connect again
/// after a failure or an end.
/// </summary>
public sealed class Connector : IConnectionOwner
{
    private readonly Reactor _reactor;
    private readonly ClientFactory _factory;
    private readonly TimeSpan _timeout;
    private readonly DelayedCall _timer;
    private readonly DelayedCall _beginning;
    private readonly TimeoutList _sending;
    private Deferred<SocketAddress[]>? _lookup;
    private SocketAddress[] _addresses = [];
    private int _next;
    private Attempt? _attempt;
    private StreamTransport? _transport;
    private TimeSpan _deadline;
    private Errno _lastError;
    private bool _isOwn;
    private State _state;

    internal Connector(Reactor reactor, Endpoint destination, ClientFactory factory, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(factory);
        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        _reactor = reactor;
        _factory = factory;
        _timeout = timeout;
        _timer = reactor.Timers.Create(this, static connector => connector.TimedOut());
        _beginning = reactor.Timers.Create(this, static connector => connector.LookUp());
        _sending = reactor.Connections.Sending(TimeSpan.MaxValue);
        Destination = destination;
    }

    private enum State : byte
    {
        Disconnected,
        Connecting,
        Connected,
    }

    /// <summary>Where to.</summary>
    public Endpoint Destination { get; }

    /// <inheritdoc/>
    Factory IConnectionOwner.Factory => _factory;

    /// <inheritdoc/>
    TimeoutList IConnectionOwner.Sending => _sending;

    /// <inheritdoc/>
    TimeSpan IConnectionOwner.SendTimeout => TimeSpan.MaxValue;

    /// <summary>
    /// Begins, or begins anew. Whatever comes of it, it comes in a later turn: the protocol's
    /// <see cref="Protocol.ConnectionMade"/>, or <see cref="ClientFactory.ClientConnectionFailed"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">It is connecting or connected.</exception>
    public void Connect()
    {
        if (_state != State.Disconnected)
        {
            throw new InvalidOperationException("the connector is not disconnected");
        }

        _state = State.Connecting;
        _lastError = Errno.None;
        _isOwn = false;
        _next = 0;
        _deadline = SaturatedTime.Add(_reactor.Now, _timeout);
        _beginning.Rearm(TimeSpan.Zero);
    }

    /// <summary>
    /// Gives up: a connection under way fails with <see cref="CancelledError"/>, one that is there is reset.
    /// </summary>
    public void Abort()
    {
        if (_state == State.Connected)
        {
            _transport!.AbortConnection();
        }
        else
        {
            StopConnecting();
        }
    }

    /// <summary>Closes kindly what is there, or stops what is under way.</summary>
    public void Disconnect()
    {
        if (_state == State.Connected)
        {
            _transport!.LoseConnection();
        }
        else
        {
            StopConnecting();
        }
    }

    /// <summary>Stops connecting: it fails with <see cref="CancelledError"/>. Does nothing if it is not under way.</summary>
    public void StopConnecting()
    {
        if (_state == State.Connecting)
        {
            Fail(Failure.Cancelled);
        }
    }

    /// <inheritdoc/>
    void IConnectionOwner.ConnectionEnded(Failure reason)
    {
        _transport = null;
        _state = State.Disconnected;
        try
        {
            _factory.ClientConnectionLost(this, reason);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
        }
    }

    private void LookUp()
    {
        _timer.RearmAt(_deadline.Ticks);
        _lookup = Resolver.Resolve(_reactor, Destination);
        _lookup.AddCallbacks(Found, NotFound);
    }

    private SocketAddress[] Found(SocketAddress[] addresses)
    {
        _lookup = null;
        if (_state == State.Connecting)
        {
            _addresses = addresses;
            TryNext();
        }

        return addresses;
    }

    private SocketAddress[] NotFound(Failure failure)
    {
        _lookup = null;
        if (_state == State.Connecting)
        {
            Fail(failure);
        }

        return [];
    }

    /// <summary>Tries the addresses that are left, until one is under way.</summary>
    private void TryNext()
    {
        while (_next < _addresses.Length)
        {
            int left = _addresses.Length - _next;
            SocketAddress address = _addresses[_next++];
            if (_factory.Avoided?.Reaches(address) == true)
            {
                // Another of the name's addresses may be another server.
                _isOwn = true;
                continue;
            }

            Errno error = NativeSocket.Create(address.Kind, out nint handle);
            if (error == Errno.None)
            {
                error = Begin(handle, address, left);
                if (error is Errno.None or Errno.EINPROGRESS)
                {
                    return;
                }

                NativeSocket.Close(handle);
            }

            _lastError = error;
        }

        Fail(new Failure(_isOwn
            ? new ConnectError(Errno.ELOOP, "the upstream is this server itself")
            : new ConnectError(_lastError, _lastError.Sentence())));
    }

    private Errno Begin(nint handle, in SocketAddress address, int addressesLeft)
    {
        Errno error = NativeSocket.Connect(handle, address);
        if (error == Errno.None)
        {
            Succeed(handle, address);
        }
        else if (error == Errno.EINPROGRESS)
        {
            _attempt = new Attempt(this, handle, address);
            Errno refusal = _reactor.Watch(_attempt, Interest.Write);
            if (refusal != Errno.None)
            {
                _attempt = null;
                return refusal;
            }

            long remaining = Math.Max(0, _deadline.Ticks - _reactor.Now.Ticks);
            _ = _timer.CancelIfActive();
            _timer.RearmAt(SaturatedTime.Add(_reactor.Now.Ticks, remaining / addressesLeft));
        }

        return error;
    }

    private void AttemptEnded(Errno error)
    {
        Attempt attempt = _attempt!;
        _attempt = null;
        nint handle = attempt.Detach(_reactor);
        if (error == Errno.None)
        {
            Succeed(handle, attempt.Address);
            return;
        }

        NativeSocket.Close(handle);
        _lastError = error;
        TryNext();
    }

    private void TimedOut()
    {
        if (_attempt is not null && _next < _addresses.Length)
        {
            AttemptEnded(Errno.ETIMEDOUT);
            return;
        }

        Fail(new Failure(new ConnectError(Errno.ETIMEDOUT, $"connecting timed out after {_timeout.TotalSeconds:0.###} s")));
    }

    private void Succeed(nint handle, in SocketAddress address)
    {
        _ = _timer.CancelIfActive();
        Protocol? protocol = null;
        Failure refusal = Failure.Cancelled;
        try
        {
            protocol = _factory.BuildProtocol(address);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
            refusal = new Failure(exception);
        }

        if (protocol is null)
        {
            NativeSocket.Close(handle);
            Fail(refusal);
            return;
        }

        if (address.Kind != AddressKind.Unix)
        {
            _ = NativeSocket.SetNoDelay(handle);
        }

        _state = State.Connected;
        _transport = _reactor.Connections.Rent();
        _transport.Open(handle, address, protocol, this);
    }

    private void Fail(Failure reason)
    {
        Debug.Assert(_state == State.Connecting, "only what is under way can fail");
        _state = State.Disconnected;
        _ = _timer.CancelIfActive();
        _ = _beginning.CancelIfActive();
        if (_attempt is { } attempt)
        {
            _attempt = null;
            NativeSocket.Close(attempt.Detach(_reactor));
        }

        _lookup?.Cancel();
        _lookup = null;
        try
        {
            _factory.ClientConnectionFailed(this, reason);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
        }
    }

    /// <summary>A socket on its way to one address. It owns the socket until it is detached.</summary>
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

        protected internal override void DoWrite() => connector.AttemptEnded(NativeSocket.TakeError(Handle));

        protected internal override void ConnectionLost(Failure reason) => connector.StopConnecting();
    }
}
