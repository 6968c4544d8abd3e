using System;
using System.Buffers;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A protocol that sends and receives lines: Twisted's <c>LineReceiver</c>. Derive from it, and override
/// <see cref="LineReceived"/>. In raw mode, for a body after some lines, it passes data on as it arrives.
/// </summary>
/// <remarks>
/// To handle one line at a time, call <see cref="PauseProducing"/> in <see cref="LineReceived"/> and
/// <see cref="ResumeProducing"/> when the answer is there: lines that have arrived already wait as well.
/// </remarks>
public abstract unsafe class LineReceiver : Protocol, IProducer
{
    private readonly byte[] _delimiter;
    private readonly int _maxLength;

    /// <summary>Input for later: part of a line, what came during a pause, and what <see cref="SetLineMode"/> gave back.</summary>
    private ArrayBufferWriter<byte> _kept = new();

    /// <summary>Input that was kept and is now delivered. The two change places, so that a callback can add to the other.</summary>
    private ArrayBufferWriter<byte> _delivered = new();
    private bool _raw;
    private bool _paused;

    /// <summary>Input is being delivered: what is added meanwhile waits for the loop that delivers, which so needs no stack
    /// for a peer that changes between lines and raw data.</summary>
    private bool _delivering;

    /// <summary>The end of the raw data that is being delivered, which is pinned meanwhile; else null. What is given back from
    /// there is not copied: the copies of a read with many changes of mode would grow with its square.</summary>
    private byte* _rawEnd;
    private int _givenBack;

    /// <summary>Makes a protocol.</summary>
    /// <param name="delimiter">Ends a line; empty for CR LF.</param>
    /// <param name="maxLength">The longest line that is accepted, in bytes.</param>
    protected LineReceiver(ReadOnlySpan<byte> delimiter = default, int maxLength = 16_384)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        _delimiter = delimiter.IsEmpty ? "\r\n"u8.ToArray() : delimiter.ToArray();
        _maxLength = maxLength;
    }

    /// <summary>Sends a line and its delimiter.</summary>
    public void SendLine(ReadOnlySpan<byte> line)
    {
        Transport.Write(line);
        Transport.Write(_delimiter.AsSpan());
    }

    /// <summary>Stops reading, and keeps the lines that have arrived already.</summary>
    public void PauseProducing()
    {
        _paused = true;
        Transport.PauseProducing();
    }

    /// <summary>Delivers what was kept, until another pause, and reads again.</summary>
    public void ResumeProducing()
    {
        _paused = false;
        Transport.ResumeProducing();
        DataReceived(default);
    }

    /// <summary>A line has arrived.</summary>
    /// <param name="line">Without its delimiter. Valid until this call returns.</param>
    protected abstract void LineReceived(ReadOnlySpan<byte> line);

    /// <summary>Data has arrived in raw mode.</summary>
    /// <param name="data">Valid until this call returns.</param>
    protected virtual void RawDataReceived(ReadOnlySpan<byte> data)
    {
    }

    /// <summary>A line is longer than allowed. The connection is reset unless this is overridden; the line is dropped, or as
    /// much of it as has arrived.</summary>
    protected virtual void LineLengthExceeded() => Transport.AbortConnection();

    /// <summary>What arrives from now on is raw data, beginning with what is behind the present line.</summary>
    protected void SetRawMode() => _raw = true;

    /// <summary>Lines are expected again.</summary>
    /// <param name="rest">What of the data of <see cref="RawDataReceived"/> belongs to lines. It is delivered when
    /// <see cref="RawDataReceived"/> has returned.</param>
    protected void SetLineMode(ReadOnlySpan<byte> rest = default)
    {
        _raw = false;
        fixed (byte* start = rest)
        {
            if (_rawEnd != null && start + rest.Length == _rawEnd)
            {
                _givenBack = rest.Length;
            }
            else if (!rest.IsEmpty)
            {
                DataReceived(rest);
            }
        }
    }

    /// <inheritdoc/>
    protected internal sealed override void DataReceived(ReadOnlySpan<byte> data)
    {
        if (_delivering || _paused)
        {
            _kept.Write(data);
            return;
        }

        _delivering = true;
        try
        {
            do
            {
                ReadOnlySpan<byte> rest = Deliver(BehindKept(data));
                data = default;
                if (!KeepFirst(rest))
                {
                    return;
                }
            }
            while (!_paused && !Transport.Disconnecting);
        }
        finally
        {
            _delivering = false;
        }
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason)
    {
        _kept.ResetWrittenCount();
        _paused = false;
    }

    private ReadOnlySpan<byte> BehindKept(ReadOnlySpan<byte> data)
    {
        if (_kept.WrittenCount == 0)
        {
            return data;
        }

        _kept.Write(data);
        (_kept, _delivered) = (_delivered, _kept);
        _kept.ResetWrittenCount();
        return _delivered.WrittenSpan;
    }

    /// <summary>Keeps what was not delivered, before what was added meanwhile.</summary>
    /// <returns>True if something was added.</returns>
    private bool KeepFirst(ReadOnlySpan<byte> rest)
    {
        if (_kept.WrittenCount == 0)
        {
            _kept.Write(rest);
            return false;
        }

        if (!rest.IsEmpty)
        {
            byte[] added = _kept.WrittenSpan.ToArray();
            _kept.ResetWrittenCount();
            _kept.Write(rest);
            _kept.Write(added);
        }

        return true;
    }

    /// <returns>What has to wait: part of a line, or all that follows a pause.</returns>
    private ReadOnlySpan<byte> Deliver(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty && !_paused && !Transport.Disconnecting)
        {
            if (_raw)
            {
                data = DeliverRaw(data);
                continue;
            }

            int end = data.IndexOf(_delimiter);
            if (end < 0 && data.Length < (long)_maxLength + _delimiter.Length)
            {
                return data;
            }

            ReadOnlySpan<byte> line = end < 0 ? data : data[..end];
            data = end < 0 ? default : data[(end + _delimiter.Length)..];
            if (end < 0 || end > _maxLength)
            {
                LineLengthExceeded();
            }
            else
            {
                LineReceived(line);
            }
        }

        return data;
    }

    /// <returns>What was given back.</returns>
    private ReadOnlySpan<byte> DeliverRaw(ReadOnlySpan<byte> data)
    {
        fixed (byte* start = data)
        {
            _rawEnd = start + data.Length;
            _givenBack = 0;
            try
            {
                RawDataReceived(data);
            }
            finally
            {
                _rawEnd = null;
            }
        }

        return data[^_givenBack..];
    }
}
