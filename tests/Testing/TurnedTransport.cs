using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using Poetry.Net;

namespace Poetry.Tests.Testing;

/// <summary>How a turned transport was ended by its protocol.</summary>
internal enum TransportEnd
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Kindly: what was written is sent, then the end.</summary>
    Kind,

    /// <summary>With a reset.</summary>
    Reset,
}

/// <summary>
/// A connection without a network and without a clock. The test is peer, kernel and loop: it says what arrives, how much is
/// taken, and when a lost connection is shown out. It keeps the promises of a real transport: nothing is said to the
/// protocol after the end, <c>ConnectionLost</c> comes once and only from <see cref="Finish"/>. Used again it allocates
/// nothing, so that what a protocol allocates can be seen. <see cref="MemoryTransport"/> is the one with a life of its own.
/// </summary>
internal sealed class TurnedTransport : ITransport
{
    private readonly List<byte> _sent = [];
    private readonly Queue<ReadOnlyMemory<byte>> _pending = new();
    private Protocol? _protocol;
    private Failure? _reason;
    private IProducer? _producer;
    private bool _readEnded;
    private bool _writeEnding;

    /// <summary>An open connection. Before it the protocol has been told nothing.</summary>
    /// <param name="protocol">What a factory built.</param>
    /// <param name="room">How many bytes the kernel takes before it is full.</param>
    public TurnedTransport(Protocol protocol, long room = long.MaxValue)
    {
        Reopen(protocol, room);
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
    public bool Disconnecting => End != TransportEnd.None || _reason is not null;

    /// <summary>How many bytes the kernel still takes.</summary>
    public long Room { get; private set; }

    /// <summary>How the protocol ended it.</summary>
    public TransportEnd End { get; private set; }

    /// <summary>Has the protocol asked for no input for now?</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Has the end of this side been sent?</summary>
    public bool EndIsSent => BytesPending == 0 && (End == TransportEnd.Kind || _writeEnding);

    /// <summary>How often something was written.</summary>
    public int WriteCount { get; private set; }

    /// <summary>What was written last by reference.</summary>
    public ReadOnlyMemory<byte> LastShared { get; private set; }

    /// <summary>What the peer has got.</summary>
    public byte[] Sent => _sent.ToArray();

    /// <summary>The same as text.</summary>
    public string SentText => Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(_sent));

    /// <summary>Begins a new life, as a real transport does that is used again.</summary>
    public void Reopen(Protocol protocol, long room = long.MaxValue)
    {
        Debug.Assert(_protocol is null, "a transport lives one life at a time");
        _sent.Clear();
        _pending.Clear();
        _reason = null;
        _producer = null;
        _readEnded = false;
        _writeEnding = false;
        BytesSent = 0;
        BytesPending = 0;
        WriteCount = 0;
        LastShared = default;
        End = TransportEnd.None;
        IsPaused = false;
        Room = room;
        _protocol = protocol;
        protocol.MakeConnection(this);
    }

    /// <summary>Bytes arrive. Those that come after the protocol's last word are dropped, as a kind close does.</summary>
    public void Receive(ReadOnlySpan<byte> data)
    {
        Assert.IsFalse(_readEnded, "nothing comes after the peer's end");
        Assert.IsFalse(IsPaused, "the protocol wants no input");
        if (!Disconnecting && !data.IsEmpty)
        {
            _protocol!.DataReceived(data);
        }
    }

    /// <inheritdoc cref="Receive(ReadOnlySpan{byte})"/>
    public void Receive(string text) => Receive(Encoding.UTF8.GetBytes(text));

    /// <summary>The peer's end arrives; it may go on reading.</summary>
    public void ReceiveEnd()
    {
        _readEnded = true;
        if (!Disconnecting)
        {
            _protocol!.ReadConnectionLost();
        }
    }

    /// <summary>The peer resets the connection.</summary>
    public void ReceiveReset()
    {
        Lose(ConnectionLost.Because(Errno.ECONNRESET));
        Finish();
    }

    /// <summary>The kernel has room for more, and takes what is pending.</summary>
    public void MakeRoom(long bytes)
    {
        Room += bytes;
        while (Room > 0 && _pending.TryPeek(out ReadOnlyMemory<byte> first))
        {
            int count = (int)Math.Min(Room, first.Length);
            Take(first.Span[..count]);
            BytesPending -= count;
            if (count == first.Length)
            {
                _ = _pending.Dequeue();
            }
            else
            {
                // The rest keeps its place at the front.
                ReadOnlyMemory<byte>[] others = _pending.ToArray();
                _pending.Clear();
                _pending.Enqueue(first[count..]);
                foreach (ReadOnlyMemory<byte> other in others.AsSpan(1))
                {
                    _pending.Enqueue(other);
                }
            }
        }

        if (BytesPending == 0)
        {
            _producer?.ResumeProducing();
        }
    }

    /// <summary>
    /// The loop shows the connection out, if it is over: the protocol was reset or has reset it, or it has sent everything
    /// and the peer has closed too, as it is taken to do at once.
    /// </summary>
    /// <returns>Was it over?</returns>
    public bool Finish()
    {
        if (_reason is null && EndIsSent && (End == TransportEnd.Kind || _readEnded))
        {
            _reason = ConnectionDone.Failure;
        }

        if (_reason is not { } reason || _protocol is not { } protocol)
        {
            return false;
        }

        _protocol = null;
        protocol.NotifyLost(reason);
        return true;
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> data)
    {
        if (MayWrite(data.Length))
        {
            int taken = Take(data);
            if (taken < data.Length)
            {
                Queue(data[taken..].ToArray());
            }
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlyMemory<byte> shared)
    {
        if (MayWrite(shared.Length))
        {
            LastShared = shared;
            int taken = Take(shared.Span);
            if (taken < shared.Length)
            {
                Queue(shared[taken..]);
            }
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
        if (!Disconnecting)
        {
            End = TransportEnd.Kind;
        }
    }

    /// <inheritdoc/>
    public void LoseWriteConnection() => _writeEnding |= !Disconnecting;

    /// <inheritdoc/>
    public void AbortConnection()
    {
        if (_reason is null)
        {
            End = TransportEnd.Reset;
            Lose(ConnectionAborted.Failure);
        }
    }

    /// <inheritdoc/>
    public void RegisterProducer(IProducer producer) => _producer = producer;

    /// <inheritdoc/>
    public void UnregisterProducer() => _producer = null;

    /// <inheritdoc/>
    public void PauseProducing() => IsPaused = true;

    /// <inheritdoc/>
    public void ResumeProducing() => IsPaused = false;

    private bool MayWrite(int count)
    {
        bool may = !Disconnecting && !_writeEnding && count > 0;
        WriteCount += may ? 1 : 0;
        return may;
    }

    private int Take(ReadOnlySpan<byte> data)
    {
        int taken = (int)Math.Min(Room, data.Length);
        _sent.AddRange(data[..taken]);
        BytesSent += taken;
        Room -= taken;
        return taken;
    }

    private void Queue(ReadOnlyMemory<byte> rest)
    {
        _pending.Enqueue(rest);
        BytesPending += rest.Length;
    }

    private void Lose(Failure reason)
    {
        _reason = reason;
        _pending.Clear();
        BytesPending = 0;
    }
}
