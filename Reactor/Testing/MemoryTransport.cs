using System;
using System.Collections.Generic;
using System.Text;

namespace Poetry.Net.Testing;

/// <summary>How a connection ended for the peer.</summary>
public enum WireEnd
{
    /// <summary>It has not ended.</summary>
    None,

    /// <summary>By a FIN, after all data.</summary>
    Fin,

    /// <summary>By a reset: data may be missing.</summary>
    Reset,
}

/// <summary>
/// A connection without a kernel, and its peer. It goes through the states of a real one: bytes wait until the peer has
/// room, <see cref="LoseConnection"/> sends what waits and then the end, a paused transport leaves input unread, and
/// <c>ConnectionLost</c> comes once, last, and never from inside another call.
/// </summary>
/// <remarks>
/// With a clock the loop's part happens by itself, in the next turn of the clock. Without one the test plays the loop:
/// <see cref="Finish"/>. A transport that is opened again allocates nothing for a protocol that does not.
/// </remarks>
public sealed partial class MemoryTransport : ITransport
{
    private readonly IClock? _clock;
    private readonly Factory? _factory;
    private readonly Queue<ReadOnlyMemory<byte>> _outgoing = new();
    private readonly Queue<byte[]> _incoming = new();
    private Protocol? _protocol;
    private IProducer? _producer;
    private Failure? _reason;
    private byte[] _sent = new byte[64];
    private int _sentLength;
    private State _state = State.Closed;
    private long _room;
    private bool _writeEnding;
    private bool _peerHasEnded;
    private bool _endIsRead;
    private bool _producerPaused;

    /// <summary>Makes a transport without a connection: <see cref="Open"/> begins one.</summary>
    /// <param name="clock">Its next turn reports a lost connection; null leaves that to <see cref="Finish"/>.</param>
    /// <param name="factory">Gets the protocol back at the end.</param>
    public MemoryTransport(IClock? clock = null, Factory? factory = null)
    {
        _clock = clock;
        _factory = factory;
    }

    private enum State
    {
        Open,

        /// <summary>The protocol has said its last word, and bytes wait.</summary>
        Closing,

        /// <summary>This side's end is sent, and the peer's is not read.</summary>
        Lingering,

        /// <summary>It is over, and the protocol does not know yet.</summary>
        Lost,
        Closed,
    }

    /// <inheritdoc/>
    public SocketAddress Peer { get; } = SocketAddress.Ip([127, 0, 0, 1], 40_000);

    /// <inheritdoc/>
    public SocketAddress Host { get; } = SocketAddress.Ip([127, 0, 0, 1], 10_000);

    /// <inheritdoc/>
    public long BytesSent { get; private set; }

    /// <inheritdoc/>
    public long BytesPending { get; private set; }

    /// <inheritdoc/>
    public bool Disconnecting => _state != State.Open;

    /// <summary>A producer is paused above so many waiting bytes.</summary>
    public int MaxPendingBytes { get; init; } = 64 * 1024;

    /// <summary>Bytes that the protocol was given.</summary>
    public long BytesRead { get; private set; }

    /// <summary>How often the protocol wrote something.</summary>
    public int WriteCount { get; private set; }

    /// <summary>What was last written without a copy.</summary>
    public ReadOnlyMemory<byte> LastShared { get; private set; }

    /// <summary>How the connection ended for the peer.</summary>
    public WireEnd End { get; private set; }

    /// <summary>What has reached the peer.</summary>
    public ReadOnlySpan<byte> Sent => _sent.AsSpan(0, _sentLength);

    /// <summary>The same as text.</summary>
    public string SentText => Encoding.UTF8.GetString(Sent);

    /// <summary>True if the connection is over, even if its protocol does not know yet.</summary>
    public bool IsLost => _state >= State.Lost;

    /// <summary>True if the connection is over and its protocol has been told.</summary>
    public bool IsClosed => _state == State.Closed;

    /// <summary>True if the protocol wants no input for now.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>A transport with an open connection, for a test that plays the loop.</summary>
    public static MemoryTransport Connect(Protocol protocol, long room = long.MaxValue)
    {
        var transport = new MemoryTransport();
        transport.Open(protocol, room);
        return transport;
    }

    /// <summary>Begins a connection, the first or the next after one that is over, and tells the protocol.</summary>
    /// <param name="protocol">What a factory built.</param>
    /// <param name="room">How many bytes the peer takes before it stops reading.</param>
    public void Open(Protocol protocol, long room = long.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        if (_state != State.Closed)
        {
            throw new InvalidOperationException("a transport has one connection at a time");
        }

        _outgoing.Clear();
        _incoming.Clear();
        _protocol = protocol;
        _producer = null;
        _reason = null;
        _sentLength = 0;
        _state = State.Open;
        _room = room;
        _writeEnding = false;
        _peerHasEnded = false;
        _endIsRead = false;
        _producerPaused = false;
        BytesSent = 0;
        BytesPending = 0;
        BytesRead = 0;
        WriteCount = 0;
        LastShared = default;
        End = WireEnd.None;
        IsPaused = false;
        protocol.MakeConnection(this);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> data)
    {
        if (MayWrite(data.Length))
        {
            Enqueue(data[Take(data)..].ToArray());
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlyMemory<byte> shared)
    {
        if (MayWrite(shared.Length))
        {
            LastShared = shared;
            Enqueue(shared[Take(shared.Span)..]);
        }
    }

    /// <inheritdoc/>
    public void WriteLast(ReadOnlyMemory<byte> shared)
    {
        Write(shared);
        LoseConnection();
    }

    /// <inheritdoc/>
    public void LoseConnection()
    {
        if (_state == State.Open)
        {
            _state = State.Closing;
            EndIfSent();
        }
    }

    /// <inheritdoc/>
    public void LoseWriteConnection()
    {
        if (_state == State.Open)
        {
            _writeEnding = true;
            EndIfSent();
        }
    }

    /// <inheritdoc/>
    public void AbortConnection()
    {
        if (!IsLost)
        {
            End = End == WireEnd.None ? WireEnd.Reset : End;
            Lose(ConnectionAborted.Failure);
        }
    }

    /// <inheritdoc/>
    public void RegisterProducer(IProducer producer)
    {
        ITransport.ThrowIfOther(_producer, producer);
        _producer = producer;
    }

    /// <inheritdoc/>
    public void UnregisterProducer() => _producer = null;

    /// <inheritdoc/>
    public void PauseProducing() => IsPaused = true;

    /// <summary>Input that has waited is read in the next turn of the clock, or with the test's next call: what the peer
    /// sends, or <see cref="Finish"/>.</summary>
    public void ResumeProducing()
    {
        if (IsPaused)
        {
            IsPaused = false;
            _ = _clock?.CallLater(TimeSpan.Zero, this, static transport => transport.ReadIncoming());
        }
    }

    private bool MayWrite(int count)
    {
        bool may = _state == State.Open && !_writeEnding && count > 0;
        WriteCount += may ? 1 : 0;
        return may;
    }

    /// <summary>The peer takes as much as it has room for.</summary>
    private int Take(ReadOnlySpan<byte> data)
    {
        int taken = BytesPending > 0 ? 0 : (int)Math.Min(_room, data.Length);
        if (_sentLength + taken > _sent.Length)
        {
            Array.Resize(ref _sent, Math.Max(_sent.Length * 2, _sentLength + taken));
        }

        data[..taken].CopyTo(_sent.AsSpan(_sentLength));
        _sentLength += taken;
        _room -= taken;
        BytesSent += taken;
        return taken;
    }

    private void Enqueue(ReadOnlyMemory<byte> rest)
    {
        if (rest.IsEmpty)
        {
            return;
        }

        _outgoing.Enqueue(rest);
        BytesPending += rest.Length;
        if (BytesPending > MaxPendingBytes && _producer is not null && !_producerPaused)
        {
            _producerPaused = true;
            _producer.PauseProducing();
        }
    }

    private void Flush()
    {
        BytesPending = 0;
        for (int count = _outgoing.Count; count > 0; count--)
        {
            ReadOnlyMemory<byte> next = _outgoing.Dequeue();
            Enqueue(next[Take(next.Span)..]);
        }

        EndIfSent();
        if (BytesPending == 0 && _producerPaused && _state == State.Open)
        {
            _producerPaused = false;
            _producer?.ResumeProducing();
        }
    }

    private void EndIfSent()
    {
        if (BytesPending > 0 || (_state != State.Closing && !_writeEnding))
        {
            return;
        }

        End = WireEnd.Fin;
        if (_state == State.Closing)
        {
            _state = State.Lingering;
            if (_endIsRead)
            {
                Lose(ConnectionDone.Failure);
            }
        }
    }

    private void Read(ReadOnlySpan<byte> bytes)
    {
        if (_state == State.Open && !bytes.IsEmpty)
        {
            BytesRead += bytes.Length;
            _protocol!.DataReceived(bytes);
        }
    }

    private void ReadIncoming()
    {
        while (!IsPaused && !IsLost && _incoming.TryDequeue(out byte[]? bytes))
        {
            Read(bytes);
        }

        if (!_peerHasEnded || _endIsRead || IsPaused || IsLost || _incoming.Count > 0)
        {
            return;
        }

        _endIsRead = true;
        if (_state == State.Open)
        {
            _protocol!.ReadConnectionLost();
        }
        else if (_state == State.Lingering)
        {
            Lose(ConnectionDone.Failure);
        }
    }

    private void Lose(Failure reason)
    {
        _state = State.Lost;
        _reason = reason;
        _outgoing.Clear();
        BytesPending = 0;
        _ = _clock?.CallLater(TimeSpan.Zero, this, static transport => transport.Finish());
    }
}
