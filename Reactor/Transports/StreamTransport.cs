using System;
using System.Diagnostics;

namespace Poetry.Net;

/// <summary>Whoever a connection came through: a listening port or a connector. It outlives its connections.</summary>
internal interface IConnectionOwner
{
    /// <summary>Whose protocols they are.</summary>
    Factory Factory { get; }

    /// <summary>Where those wait that have something to send, to be looked at several times within the time-out.</summary>
    TransportLine Sending { get; }

    /// <summary>How long a peer may take nothing; <see cref="TimeSpan.MaxValue"/> for ever.</summary>
    TimeSpan SendTimeout { get; }

    /// <summary>A connection is over, and its protocol knows.</summary>
    void ConnectionEnded(Failure reason);
}

/// <summary>
/// A connection's life: made, read, written, half-closed, lost. It owns the socket and the bytes not yet sent, and calls
/// one protocol. There is one door out: <see cref="Lose"/> takes it to the line of the lost, and the reactor shows it out
/// at the end of the turn, by <see cref="Finish"/>.
/// </summary>
/// <remarks>
/// <para>A transport meets the poller only when it has to wait: a poem that the kernel takes whole is accepted, sent,
/// shut down, looked at once a little later and closed, without it.</para>
/// <para>Reading is in StreamTransport.Reading.cs, writing in StreamTransport.Writing.cs, the kind close in
/// StreamTransport.Closing.cs.</para>
/// </remarks>
internal sealed partial class StreamTransport : Descriptor, ITransport
{
    private readonly Reactor _reactor;
    private IConnectionOwner _owner = null!;
    private Protocol? _protocol;
    private Failure? _reason;
    private SocketAddress _peer;
    private State _state;
    private Flags _flags;

    internal StreamTransport(Reactor reactor)
        : base(NoHandle)
    {
        _reactor = reactor;
    }

    private enum State : byte
    {
        /// <summary>Not in use, or waiting in the pool.</summary>
        Closed,

        /// <summary>The protocol has its say.</summary>
        Open,

        /// <summary>The protocol has said its last word, and not all of it is sent.</summary>
        Closing,

        /// <summary>All is sent, the end too; the peer has not closed yet.</summary>
        Lingering,

        /// <summary>Over: in the line of the lost.</summary>
        Lost,
    }

    [Flags]
    private enum Flags : byte
    {
        None = 0,

        /// <summary>The protocol is being made: interest is settled when it has done.</summary>
        Making = 1,

        /// <summary>The protocol wants no input for now.</summary>
        ReadPaused = 2,

        /// <summary>The peer has sent its end.</summary>
        ReadEnded = 4,

        /// <summary>The protocol has asked for its end to be sent, behind what is queued.</summary>
        WriteEnding = 8,

        /// <summary>The end was sent.</summary>
        WriteEnded = 16,

        /// <summary>To be closed with a reset.</summary>
        Reset = 32,

        /// <summary>The producer was told to pause.</summary>
        ProducerPaused = 64,
    }

    /// <inheritdoc/>
    public SocketAddress Peer => _peer;

    /// <inheritdoc/>
    public SocketAddress Host => NativeSocket.LocalAddress(Handle, out SocketAddress host) == Errno.None ? host : default;

    /// <inheritdoc/>
    public bool Disconnecting => _state != State.Open;

    /// <summary>The line it stands in, and its neighbours there: the line's own business.</summary>
    internal TransportLine? Line { get; set; }

    internal StreamTransport? Ahead { get; set; }

    internal StreamTransport? Behind { get; set; }

    internal long WaitingSinceTicks { get; set; }

    /// <summary>Begins a life with a connected socket.</summary>
    /// <param name="handle">Not blocking. The transport's from now on.</param>
    /// <param name="peer">The other side.</param>
    /// <param name="protocol">Built for this connection.</param>
    /// <param name="owner">Is told of the end.</param>
    internal void Open(nint handle, in SocketAddress peer, Protocol protocol, IConnectionOwner owner)
    {
        Debug.Assert(_state == State.Closed, "a transport lives one life at a time");
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
            if (owner.Factory.PeerSpeaksFirst)
            {
                DoRead();
            }
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(this, exception);
        }

        _flags &= ~Flags.Making;
        if (Line is null)
        {
            // Most have had their poem by now, and stand in a line already.
            _reactor.OpenLine.Join(this);
        }

        UpdateInterest();
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason)
    {
        if (_state != State.Lingering)
        {
            _flags |= Flags.Reset;
        }

        Lose(reason);
    }

    /// <summary>The one door out. What the peer has not got by now it will not get.</summary>
    private void Lose(Failure reason)
    {
        if (_state is State.Lost or State.Closed)
        {
            return;
        }

        if (!_queue.IsEmpty || (_state == State.Open && reason != ConnectionDone.Failure))
        {
            // An error of this side's kernel leaves a peer that is well: a mere close would tell it that it has all.
            _flags |= Flags.Reset;
        }

        _state = State.Lost;
        _reason = reason;
        _queue.Clear();
        _reactor.LostLine.Join(this);
    }

    /// <summary>The last steps, from the loop: out of the poller, close, tell the protocol, tell the owner.</summary>
    internal void Finish()
    {
        Debug.Assert(_state == State.Lost, "only the lost are shown out");
        _reactor.LostLine.Leave(this);
        _reactor.UnwatchToClose(this);
        if (Has(Flags.Reset))
        {
            NativeSocket.ResetOnClose(Handle);
        }

        NativeSocket.Close(Handle);
        Handle = NoHandle;
        Protocol protocol = _protocol!;
        Failure reason = _reason!;
        IConnectionOwner owner = _owner;
        _protocol = null;
        _reason = null;
        _producer = null;
        try
        {
            protocol.LoseTransport(reason);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
        }

        _state = State.Closed;
        try
        {
            owner.Factory.Release(protocol);
        }
        catch (Exception exception)
        {
            _reactor.CallbackThrew(null, exception);
        }

        if (owner.Factory.ReusesConnections)
        {
            _reactor.Return(this);
        }

        owner.ConnectionEnded(reason);
    }

    /// <summary>Is it so? Without HasFlag, which boxes both sides wherever the compiler does not optimise.</summary>
    private bool Has(Flags flag) => (_flags & flag) != 0;

    /// <summary>Watches for what is waited for, and for nothing while nothing is.</summary>
    private void UpdateInterest()
    {
        if (Has(Flags.Making) || _state is State.Lost or State.Closed)
        {
            return;
        }

        bool wantsInput = _state == State.Open ? !Has(Flags.ReadPaused) : _state == State.Closing || IsWatched;
        Interest interest = wantsInput && !Has(Flags.ReadEnded) ? Interest.Read : Interest.None;
        if (!_queue.IsEmpty)
        {
            interest |= Interest.Write;
        }

        if (_state == State.Lingering && !IsWatched)
        {
            return;
        }

        Errno error = _reactor.Watch(this, interest);
        if (error != Errno.None)
        {
            _reactor.CannotWatch(error);
            ConnectionLost(Net.ConnectionLost.Because(error));
        }
    }
}
