using System.Text;

namespace Poetry.Net.Testing;

/// <summary>The kinds of end of a connection that the peer can see.</summary>
public enum WireEnd
{
    /// <summary>The connection has not ended.</summary>
    None,

    /// <summary>The peer got a FIN, after all data.</summary>
    Fin,

    /// <summary>The connection was reset: data may be missing.</summary>
    Reset,
}

/// <summary>
/// A connection without a kernel, and its peer. It has the states of a real connection: bytes wait until the peer has
/// room, <see cref="LoseConnection"/> sends the bytes that wait and then the end, a paused transport leaves input unread, and
/// <c>ConnectionLost</c> is called once, last, and never from inside another call of the protocol.
/// </summary>
/// <remarks>
/// With a clock, the next turn of the clock does the work of the loop. Without one the test does it: it calls
/// <see cref="Finish"/>. Opening a transport again allocates nothing, unless its protocol does.
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

    /// <summary>Makes a transport without a connection. <see cref="Open"/> opens one.</summary>
    /// <param name="clock">The clock whose next turn reports a lost connection; null if <see cref="Finish"/> does.</param>
    /// <param name="factory">The factory that gets the protocol back at the end; null for none.</param>
    public MemoryTransport(IClock? clock = null, Factory? factory = null)
    {
        _clock = clock;
        _factory = factory;
    }

    private enum State
    {
        Open,

        /// <summary>The protocol has closed, and bytes wait to be sent.</summary>
        Closing,

        /// <summary>This side's end is sent, and the peer's end is not read.</summary>
        Lingering,

        /// <summary>The connection is over, and the protocol is not notified yet.</summary>
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

    /// <summary>The producer is paused when more bytes than this wait to be sent.</summary>
    public int MaxPendingBytes { get; init; } = 64 * 1024;

    /// <summary>The number of bytes that the protocol has received.</summary>
    public long BytesRead { get; private set; }

    /// <summary>The number of writes of the protocol. Empty writes, and writes after its end, do not count.</summary>
    public int WriteCount { get; private set; }

    /// <summary>The last data that was written without a copy.</summary>
    public ReadOnlyMemory<byte> LastShared { get; private set; }

    /// <summary>The end of the connection that the peer has seen.</summary>
    public WireEnd End { get; private set; }

    /// <summary>The bytes that have reached the peer.</summary>
    public ReadOnlySpan<byte> Sent => _sent.AsSpan(0, _sentLength);

    /// <summary>The bytes that have reached the peer, as text.</summary>
    public string SentText => Encoding.UTF8.GetString(Sent);

    /// <summary>True if the connection is over, even if its protocol is not notified yet.</summary>
    public bool IsLost => _state >= State.Lost;

    /// <summary>True if the connection is over and its protocol has been notified.</summary>
    public bool IsClosed => _state == State.Closed;

    /// <summary>True if the protocol has paused its input.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Makes a transport with an open connection, for a test that calls <see cref="Finish"/> itself.</summary>
    public static MemoryTransport Connect(Protocol protocol, long room = long.MaxValue)
    {
        var transport = new MemoryTransport();
        transport.Open(protocol, room);
        return transport;
    }

    /// <summary>Opens a connection, the first or the next after one that is over, and notifies the protocol.</summary>
    /// <param name="protocol">The protocol, which a factory built.</param>
    /// <param name="room">The number of bytes that the peer takes before it stops reading.</param>
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

    /// <summary>Resumes reading. Input that waits is read in the next turn of the clock, or in the test's next call of
    /// <see cref="PeerSends(string)"/> or <see cref="Finish"/>.</summary>
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

    /// <summary>Gives the peer the bytes for which it has room.</summary>
    /// <returns>The number of those bytes.</returns>
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
