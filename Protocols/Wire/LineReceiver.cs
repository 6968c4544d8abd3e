using System.Buffers;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A protocol that sends and receives lines: Twisted's <c>LineReceiver</c>. Derive from it, and override
/// <see cref="LineReceived"/>. In raw mode, for a body after some lines, it passes data on unchanged.
/// </summary>
/// <remarks>
/// To handle one line at a time, call <see cref="PauseProducing"/> in <see cref="LineReceived"/> and
/// <see cref="ResumeProducing"/> when the answer is ready: lines that have arrived already are kept until then.
/// </remarks>
public abstract unsafe class LineReceiver : Protocol, IProducer
{
    private readonly byte[] _delimiter;
    private readonly int _maxLength;

    /// <summary>Input for later: part of a line, input during a pause, and the rest from <see cref="SetLineMode"/>.</summary>
    private ArrayBufferWriter<byte> _kept = new();

    /// <summary>Kept input that is now delivered. The two buffers are swapped, so that a callback can add to the other one.</summary>
    private ArrayBufferWriter<byte> _delivered = new();
    private bool _raw;
    private bool _paused;

    /// <summary>True while input is delivered. Input that is added meanwhile waits for the delivering loop: a peer that changes
    /// often between lines and raw data then causes no recursion.</summary>
    private bool _delivering;

    /// <summary>The end of the raw data that is delivered now, and pinned meanwhile; null otherwise. A rest of that data is not
    /// copied: in a read with many changes of mode, the copied bytes would grow with the square of its length.</summary>
    private byte* _rawEnd;
    private int _givenBack;

    /// <summary>Makes a protocol.</summary>
    /// <param name="delimiter">The end of a line; empty for CR LF.</param>
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

    /// <summary>Stops reading. Lines that have arrived already are kept.</summary>
    public void PauseProducing()
    {
        _paused = true;
        Transport.PauseProducing();
    }

    /// <summary>Delivers the kept input, until another pause, and reads again.</summary>
    public void ResumeProducing()
    {
        _paused = false;
        Transport.ResumeProducing();
        DataReceived(default);
    }

    /// <summary>A line has arrived.</summary>
    /// <param name="line">The line without its delimiter, valid until this call returns.</param>
    protected abstract void LineReceived(ReadOnlySpan<byte> line);

    /// <summary>Data has arrived in raw mode.</summary>
    /// <param name="data">The bytes, valid until this call returns.</param>
    protected virtual void RawDataReceived(ReadOnlySpan<byte> data)
    {
    }

    /// <summary>A line is longer than allowed. Unless overridden, the connection is reset. The line, or the part of it that has
    /// arrived, is dropped.</summary>
    protected virtual void LineLengthExceeded() => Transport.AbortConnection();

    /// <summary>Switches to raw mode: all input after the present line is raw data.</summary>
    protected void SetRawMode() => _raw = true;

    /// <summary>Switches to line mode.</summary>
    /// <param name="rest">The part of the data of <see cref="RawDataReceived"/> that belongs to lines. It is delivered after
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

    /// <summary>Keeps the undelivered input, in front of the input that was added meanwhile.</summary>
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

    /// <returns>The undelivered input: part of a line, or everything after a pause.</returns>
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

    /// <returns>The rest that was passed to <see cref="SetLineMode"/>.</returns>
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
