using System;
using System.Buffers;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// A protocol that sends and receives lines: Twisted's <c>LineReceiver</c>. Derive from it, and override
/// <see cref="LineReceived"/>. In raw mode, for a body after some lines, it passes data on as it arrives.
/// </summary>
public abstract class LineReceiver : Protocol
{
    private readonly byte[] _delimiter;
    private readonly int _maxLength;
    private readonly ArrayBufferWriter<byte> _kept = new();
    private bool _raw;

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

    /// <summary>A line has arrived.</summary>
    /// <param name="line">Without its delimiter. Valid until this call returns.</param>
    protected abstract void LineReceived(ReadOnlySpan<byte> line);

    /// <summary>Data has arrived in raw mode.</summary>
    /// <param name="data">Valid until this call returns.</param>
    protected virtual void RawDataReceived(ReadOnlySpan<byte> data)
    {
    }

    /// <summary>A line is longer than allowed. The connection is reset unless this is overridden; the line is dropped.</summary>
    protected virtual void LineLengthExceeded() => Transport.AbortConnection();

    /// <summary>What arrives from now on is raw data, beginning with what is behind the present line.</summary>
    protected void SetRawMode() => _raw = true;

    /// <summary>Lines are expected again.</summary>
    /// <param name="rest">What of the data of <see cref="RawDataReceived"/> belongs to lines.</param>
    protected void SetLineMode(ReadOnlySpan<byte> rest = default)
    {
        _raw = false;
        if (!rest.IsEmpty)
        {
            byte[] copy = rest.ToArray();
            DataReceived(copy);
        }
    }

    /// <inheritdoc/>
    protected internal sealed override void DataReceived(ReadOnlySpan<byte> data)
    {
        // A line that was cut is put together once, in front of the new data.
        byte[]? joined = null;
        if (_kept.WrittenCount > 0)
        {
            _kept.Write(data);
            joined = _kept.WrittenSpan.ToArray();
            _kept.ResetWrittenCount();
            data = joined;
        }

        while (!data.IsEmpty && !Transport.Disconnecting)
        {
            if (_raw)
            {
                RawDataReceived(data);
                return;
            }

            int end = data.IndexOf(_delimiter);
            if ((end < 0 ? data.Length - _delimiter.Length : end) > _maxLength)
            {
                LineLengthExceeded();
                return;
            }

            if (end < 0)
            {
                _kept.Write(data);
                return;
            }

            ReadOnlySpan<byte> line = data[..end];
            data = data[(end + _delimiter.Length)..];
            LineReceived(line);
        }
    }

    /// <inheritdoc/>
    protected internal override void ConnectionLost(Failure reason) => _kept.ResetWrittenCount();
}
