using System.Diagnostics;

namespace Poetry.Net;

/// <summary>The maker of a connection: a listening port or a connector. It outlives its connections.</summary>
internal interface IConnectionOwner
{
    /// <summary>The factory that built the protocols of its connections.</summary>
    Factory Factory { get; }

    /// <summary>The list of its connections that have data to send; see <see cref="Connections.Sending"/>.</summary>
    TimeoutList Sending { get; }

    /// <summary>A connection is closed, and its protocol was notified: the protocol may be used again.</summary>
    void ConnectionEnded(Protocol protocol, in SocketAddress peer, Failure reason);
}

/// <summary>
/// One connection: it owns the socket and the bytes not yet sent, and calls one protocol. Every close goes through
/// <see cref="BeginClose"/>, which queues the transport; the reactor calls <see cref="CompleteClose"/> at the end of the turn.
/// </summary>
/// <remarks>
/// <para>A connection is registered with the poller only when it has to wait. If the kernel takes all data at once, the
/// connection is accepted, written, shut down, probed once a little later and closed without the poller.</para>
/// <para>The next state for each call ("RST": the socket will be closed with a reset; "–": ignored):</para>
/// <code>
/// call                        by              Open                     Flushing      Lingering        Closing
/// LoseConnection              protocol        Flushing, or Lingering¹  –             –                –
/// LoseWriteConnection         protocol        Open; sends FIN²         –             –                –
/// AbortConnection             protocol        Closing, RST             Closing, RST  Closing          –
/// (queue is empty again)      DoWrite         Open                     Lingering¹    –                –
/// (peer sent FIN)             DoRead          ReadConnectionLost²      Flushing      Closing          –
/// (peer reset, other errors)  DoRead, HungUp  Closing, RST             Closing³      Closing          –
/// OnHeaderTimeout             header list     Closing, RST             –             –                –
/// OnSendTimeout               send list       Closing, RST⁶            Closing, RST⁶ –                –
/// ProbePeerClosed             probe list      –                        –             Lingering⁴       –
/// OnLingerTimeout             linger list     –                        –             Closing⁵         –
/// ConnectionLost              callback threw  Closing, RST             Closing, RST  Closing          –
/// CloseNow                    reactor ends    Closing, RST             Closing, RST  Closing          –
/// CompleteClose               end of turn     –                        –             –                Closed
///
/// ¹ sends FIN; Closing at once if the peer's FIN has arrived already
/// ² Closing, without RST, once both sides have sent FIN
/// ³ RST if data is queued, which it is except in the middle of a write
/// ⁴ reads once: Closing if the peer has closed, else registered with the poller
/// ⁶ if the peer took nothing for the send timeout; otherwise its next check begins
/// ⁵ while the peer still takes data from the kernel's buffer: Lingering; if it has stalled for the send timeout: Closing, RST
/// </code>
/// <para>Reading is in StreamTransport.Reading.cs, writing in StreamTransport.Writing.cs, the graceful close in
/// StreamTransport.Closing.cs.</para>
/// </remarks>
internal sealed partial class StreamTransport : Descriptor, ITransport, IListElement<StreamTransport>
{
    private readonly Reactor _reactor;
    private IConnectionOwner _owner = null!;
    private Protocol? _protocol;
    private Failure? _reason;
    private SocketAddress _peer;
    private State _state;
    private Flags _flags;
    private ListLinks<StreamTransport> _links;

    internal StreamTransport(Reactor reactor)
        : base(NoHandle)
    {
        _reactor = reactor;
    }

    private enum State : byte
    {
        /// <summary>Not in use; perhaps a spare.</summary>
        Closed,

        /// <summary>The protocol reads and writes.</summary>
        Open,

        /// <summary>The protocol has finished, but some of its data is not sent yet.</summary>
        Flushing,

        /// <summary>All data and FIN are sent; the peer has not closed yet.</summary>
        Lingering,

        /// <summary>Ended: the socket is closed at the end of this turn.</summary>
        Closing,
    }

    [Flags]
    private enum Flags : byte
    {
        None = 0,

        /// <summary>ConnectionMade is running: the interest is passed to the poller after it, once.</summary>
        Making = 1,

        /// <summary>The protocol has paused reading.</summary>
        ReadPaused = 2,

        /// <summary>The peer has sent FIN.</summary>
        ReadEnded = 4,

        /// <summary>The protocol has asked for FIN, which follows the queued data.</summary>
        WriteEnding = 8,

        /// <summary>FIN was sent.</summary>
        WriteEnded = 16,

        /// <summary>The socket is to be closed with a reset.</summary>
        Reset = 32,

        /// <summary>The producer is paused.</summary>
        ProducerPaused = 64,
    }

    public SocketAddress Peer => _peer;

    public SocketAddress Host => NativeSocket.LocalAddress(Handle, out SocketAddress host) == Errno.None ? host : default;

    public bool Disconnecting => _state != State.Open;

    ref ListLinks<StreamTransport> IListElement<StreamTransport>.Links => ref _links;

    /// <summary>The list with this transport; null only while it is closed.</summary>
    internal IntrusiveList<StreamTransport>? List => _links.List;

    /// <summary>The start of the timeout. Only the list uses it.</summary>
    internal long TimeoutStartTicks { get; set; }

    /// <summary>Takes over a connected, non-blocking socket. The transport closes it.</summary>
    internal void Open(nint handle, in SocketAddress peer, Protocol protocol, IConnectionOwner owner)
    {
        Debug.Assert(_state == State.Closed, "a transport has one connection at a time");
        Handle = handle;
        _peer = peer;
        _protocol = protocol;
        _owner = owner;
        _state = State.Open;
        _flags = Flags.Making;
        BytesSent = 0;
        try
        {
            protocol.MakeConnection(this);
            if (owner.Factory.PeerSpeaksFirst || protocol is ProxyHeaderProtocol)
            {
                DoRead();
            }
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(this, exception);
        }

        _flags &= ~Flags.Making;
        if (List is null)
        {
            // Most connections are served at this point, and are in a list already.
            (_protocol is ProxyHeaderProtocol ? _reactor.Connections.AwaitingHeader : _reactor.Connections.Open).Add(this);
        }

        UpdateInterest();
    }

    /// <summary>The PROXY header has named the client: gives the connection, and the data after the header, to its protocol.</summary>
    internal void Switch(in SocketAddress peer, Protocol protocol, ReadOnlySpan<byte> rest)
    {
        _protocol!.DropTransport();
        _protocol = protocol;
        _peer = peer;
        if (List is not null)
        {
            _reactor.Connections.Open.Add(this);
        }

        protocol.MakeConnection(this);
        if (!rest.IsEmpty && _state == State.Open)
        {
            protocol.DataReceived(rest);
        }
    }

    /// <summary>The PROXY header did not come in time.</summary>
    internal void OnHeaderTimeout() => ConnectionLost(ConnectionTimedOut.Failure);

    internal override string Description => _protocol?.GetType().Name ?? nameof(StreamTransport);

    /// <summary>Begins the close, with RST. May run inside any call; the protocol's <see cref="Protocol.ConnectionLost"/> is
    /// called later, by <see cref="CompleteClose"/>.</summary>
    protected internal override void ConnectionLost(Failure reason)
    {
        if (_state != State.Lingering)
        {
            _flags |= Flags.Reset;
        }

        BeginClose(reason);
    }

    /// <summary>Ends the connection. Data that is still queued is dropped.</summary>
    private void BeginClose(Failure reason)
    {
        if (_state is State.Closing or State.Closed)
        {
            return;
        }

        if (!_queue.IsEmpty || (_state == State.Open && reason != ConnectionDone.Failure))
        {
            // After a local error the peer may still work: FIN alone would mean that it has received everything.
            _flags |= Flags.Reset;
        }

        _state = State.Closing;
        _reason = reason;
        _queue.Clear();
        _reactor.Connections.Closing.Add(this);
    }

    /// <summary>Ends the connection because of an error of the kernel.</summary>
    private void CloseForError(Errno error)
    {
        if (error is Errno.ECONNRESET or Errno.EPIPE && BytesSent > 0 && _state is not (State.Closing or State.Closed))
        {
            // Bytes that the peer has not acknowledged do not count as sent. FIN counts as one byte.
            long unacknowledged = NativeSocket.UnsentBytes(Handle) - (Has(Flags.WriteEnded) ? 1 : 0);
            BytesSent -= Math.Clamp(unacknowledged, 0, BytesSent);
        }

        // ETIMEDOUT: the peer has acknowledged nothing for the send timeout.
        BeginClose(error == Errno.ETIMEDOUT ? ConnectionTimedOut.Failure : Net.ConnectionLost.Because(error));
    }

    /// <summary>The last step, called by the loop: leaves the poller, closes the socket, notifies protocol and owner.</summary>
    internal void CompleteClose()
    {
        Debug.Assert(_state == State.Closing, "BeginClose comes first");
        _reactor.Connections.Closing.Remove(this);
        _reactor.Unwatch(this, closesNext: true);
        if (_protocol!.ReadsLastInput)
        {
            ReadLastInput();
        }

        if (Has(Flags.Reset))
        {
            NativeSocket.ResetOnClose(Handle);
        }

        NativeSocket.Close(Handle);
        Handle = NoHandle;
        Protocol protocol = _protocol;
        Failure reason = _reason!;
        SocketAddress peer = _peer;
        IConnectionOwner owner = _owner;
        _protocol = null;
        _reason = null;
        _producer = null;
        _reactor.Guard(static lost => lost.protocol.NotifyLost(lost.reason), (protocol, reason));
        _state = State.Closed;
        if (owner.Factory.ReusesConnections)
        {
            _reactor.Connections.Transports.Return(this);
        }

        _reactor.Guard(
            static ended => ended.owner.ConnectionEnded(ended.protocol, ended.peer, ended.reason), (owner, protocol, peer, reason));
    }

    /// <summary>Tests a flag. Enum.HasFlag boxes both sides in code that is not optimised.</summary>
    private bool Has(Flags flag) => (_flags & flag) != 0;

    /// <summary>Passes to the poller what the connection waits for, if that has changed.</summary>
    private void UpdateInterest()
    {
        if (Has(Flags.Making) || _state is State.Closing or State.Closed || (_state == State.Lingering && !IsWatched))
        {
            return;
        }

        Errno error = _reactor.Watch(
            this, (WantsInput ? Interest.Read : Interest.None) | (_queue.IsEmpty ? Interest.None : Interest.Write));
        if (error != Errno.None)
        {
            _reactor.Connections.LogWatchRefused(error);
            ConnectionLost(Net.ConnectionLost.Because(error));
        }
    }
}
