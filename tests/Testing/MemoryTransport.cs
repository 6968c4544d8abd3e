using System;
using System.Collections.Generic;
using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>What a peer has seen of the end of a connection.</summary>
internal enum WireEnd
{
    None,
    Fin,
    Reset,
}

/// <summary>
/// A connection without a kernel, and its peer. It goes through the states of the real one: what is written waits by
/// reference until the peer has room, a graceful close sends what waits and then FIN, a lost connection is reported in a later
/// turn, and a paused reader leaves the peer's bytes where they are.
/// </summary>
internal sealed class MemoryTransport : ITransport
{
    private readonly IClock _clock;
    private readonly Protocol _protocol;
    private readonly Factory? _factory;
    private readonly int _enoughPending;
    private readonly Queue<ReadOnlyMemory<byte>> _outgoing = new();
    private readonly Queue<byte[]> _incoming = new();
    private byte[] _seen = new byte[64];
    private int _seenLength;
    private IProducer? _producer;
    private State _state;
    private long _room = long.MaxValue;
    private bool _readPaused;
    private bool _peerHasEnded;
    private bool _endIsRead;
    private bool _producerPaused;

    /// <param name="clock">Lost connections are reported on it.</param>
    /// <param name="protocol">Is told of the connection by <see cref="Start"/>.</param>
    /// <param name="factory">Is given the protocol back at the end.</param>
    /// <param name="enoughPending">A producer is paused above so many waiting bytes.</param>
    public MemoryTransport(IClock clock, Protocol protocol, Factory? factory = null, int enoughPending = 64 * 1024)
    {
        _clock = clock;
        _protocol = protocol;
        _factory = factory;
        _enoughPending = enoughPending;
    }

    private enum State
    {
        Open,
        Closing,
        Lingering,
        Lost,
        Closed,
    }

    public SocketAddress Peer => SocketAddress.Ip([127, 0, 0, 1], 40000);

    public SocketAddress Host => default;

    public long BytesSent { get; private set; }

    public long BytesPending { get; private set; }

    public bool Disconnecting => _state != State.Open;

    /// <summary>Bytes that the protocol was given.</summary>
    public long BytesRead { get; private set; }

    /// <summary>How the connection ended for the peer; a reset drops what had not reached it.</summary>
    public WireEnd End { get; private set; }

    /// <summary>What has reached the peer.</summary>
    public ReadOnlySpan<byte> Seen => _seen.AsSpan(0, _seenLength);

    /// <summary>Has the protocol the word?</summary>
    public bool IsOpen => _state == State.Open;

    /// <summary>Is it over, and its protocol has been told?</summary>
    public bool IsClosed => _state == State.Closed;

    /// <summary>Is it over, though its protocol may not know yet?</summary>
    public bool IsLost => _state >= State.Lost;

    /// <summary>Does the protocol want no input?</summary>
    public bool ReadPaused => _readPaused;

    public void Start() => _protocol.MakeConnection(this);

    /// <summary>The peer takes so much more, and no more than that.</summary>
    public void Grant(long bytes)
    {
        _room = bytes;
        if (_state is State.Open or State.Closing)
        {
            Flush();
        }
    }

    /// <summary>The peer says something.</summary>
    public void PeerSends(byte[] bytes)
    {
        if (!_peerHasEnded && _state is State.Open or State.Closing or State.Lingering)
        {
            _incoming.Enqueue(bytes);
            ReadIncoming();
        }
    }

    /// <summary>The peer sends its end; it may read on.</summary>
    public void PeerEnds()
    {
        if (!_peerHasEnded && !IsLost)
        {
            _peerHasEnded = true;
            ReadIncoming();
        }
    }

    /// <summary>The peer resets, or the network does.</summary>
    public void PeerResets()
    {
        if (!IsLost)
        {
            End = WireEnd.Reset;
            Lose(ConnectionLost.Because(Errno.ECONNRESET));
        }
    }

    /// <summary>The peer has taken nothing for as long as the send time-out.</summary>
    public void SendingRunsOut()
    {
        if (BytesPending > 0 && !IsLost)
        {
            End = WireEnd.Reset;
            Lose(ConnectionTimedOut.Failure);
        }
    }

    public void Write(ReadOnlySpan<byte> data) => Write((ReadOnlyMemory<byte>)data.ToArray());

    public void Write(ReadOnlyMemory<byte> shared)
    {
        if (_state == State.Open && !shared.IsEmpty)
        {
            _outgoing.Enqueue(shared);
            BytesPending += shared.Length;
            Flush();
            if (BytesPending > _enoughPending && _producer is not null && !_producerPaused)
            {
                _producerPaused = true;
                _producer.PauseProducing();
            }
        }
    }

    public void WriteLast(ReadOnlyMemory<byte> shared)
    {
        Write(shared);
        LoseConnection();
    }

    public void LoseConnection()
    {
        if (_state == State.Open)
        {
            _state = State.Closing;
            ShutDownIfSent();
        }
    }

    public void LoseWriteConnection() => throw new NotSupportedException("no protocol here ends only its own side");

    public void AbortConnection()
    {
        if (!IsLost)
        {
            End = End == WireEnd.None ? WireEnd.Reset : End;
            Lose(ConnectionAborted.Failure);
        }
    }

    public void RegisterProducer(IProducer producer) => _producer = producer;

    public void UnregisterProducer() => _producer = null;

    public void PauseProducing() => _readPaused = true;

    public void ResumeProducing()
    {
        if (_readPaused)
        {
            _readPaused = false;
            _ = _clock.CallLater(TimeSpan.Zero, ReadIncoming);
        }
    }

    private void Flush()
    {
        while (_room > 0 && _outgoing.TryPeek(out ReadOnlyMemory<byte> next))
        {
            int taken = (int)Math.Min(_room, next.Length);
            See(next.Span[..taken]);
            _room -= taken;
            BytesSent += taken;
            BytesPending -= taken;
            _ = _outgoing.Dequeue();
            if (taken < next.Length)
            {
                // What is left goes back to the front.
                ReadOnlyMemory<byte>[] behind = _outgoing.ToArray();
                _outgoing.Clear();
                _outgoing.Enqueue(next[taken..]);
                Array.ForEach(behind, _outgoing.Enqueue);
            }
        }

        ShutDownIfSent();
        if (BytesPending == 0 && _producerPaused && _state == State.Open)
        {
            _producerPaused = false;
            _producer?.ResumeProducing();
        }
    }

    private void See(ReadOnlySpan<byte> bytes)
    {
        if (_seenLength + bytes.Length > _seen.Length)
        {
            Array.Resize(ref _seen, Math.Max(_seen.Length * 2, _seenLength + bytes.Length));
        }

        bytes.CopyTo(_seen.AsSpan(_seenLength));
        _seenLength += bytes.Length;
    }

    private void ShutDownIfSent()
    {
        if (_state == State.Closing && BytesPending == 0)
        {
            End = WireEnd.Fin;
            _state = State.Lingering;
            if (_endIsRead)
            {
                Lose(ConnectionDone.Failure);
            }
        }
    }

    private void ReadIncoming()
    {
        while (!_readPaused && !IsLost && _incoming.TryDequeue(out byte[]? bytes))
        {
            if (_state == State.Open)
            {
                BytesRead += bytes.Length;
                _protocol.DataReceived(bytes);
            }
        }

        if (_peerHasEnded && !_endIsRead && !_readPaused && !IsLost && _incoming.Count == 0)
        {
            _endIsRead = true;
            if (_state == State.Open)
            {
                _protocol.ReadConnectionLost();
            }
            else if (_state == State.Lingering)
            {
                Lose(ConnectionDone.Failure);
            }
        }
    }

    private void Lose(Failure reason)
    {
        _state = State.Lost;
        _outgoing.Clear();
        BytesPending = 0;
        _ = _clock.CallLater(TimeSpan.Zero, () =>
        {
            _protocol.NotifyLost(reason);
            _state = State.Closed;
            _factory?.Release(_protocol);
        });
    }
}
