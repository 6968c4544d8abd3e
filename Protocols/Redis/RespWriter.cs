using System;
using System.Buffers;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Writes commands of Redis, as arrays of bulk strings, into a buffer that is used again: in the steady state it allocates
/// nothing. The caller writes as many arguments as it has announced.
/// </summary>
internal sealed class RespWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);

    /// <summary>What was written since the last <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    public void Clear() => _buffer.ResetWrittenCount();

    /// <summary>Begins a command.</summary>
    /// <param name="arguments">How many, with its name.</param>
    public RespWriter Begin(int arguments)
    {
        WriteHead((byte)'*', arguments);
        return this;
    }

    /// <summary>Writes an argument.</summary>
    public RespWriter Add(ReadOnlySpan<byte> argument)
    {
        BeginArgument(argument.Length);
        _buffer.Write(argument);
        EndArgument();
        return this;
    }

    /// <summary>Writes a number as an argument.</summary>
    /// <param name="number">0 or more.</param>
    public RespWriter Add(long number)
    {
        Span<byte> digits = stackalloc byte[AsciiDigits.MaxDigits];
        return Add(digits[..AsciiDigits.Write((ulong)number, digits)]);
    }

    /// <summary>Begins an argument whose bytes the caller sends itself, without a copy.</summary>
    public void BeginArgument(long length) => WriteHead((byte)'$', length);

    public void EndArgument() => _buffer.Write("\r\n"u8);

    private void WriteHead(byte type, long number)
    {
        Span<byte> head = _buffer.GetSpan(AsciiDigits.MaxDigits + 3);
        head[0] = type;
        int length = 1 + AsciiDigits.Write((ulong)number, head[1..]);
        head[length++] = (byte)'\r';
        head[length++] = (byte)'\n';
        _buffer.Advance(length);
    }
}
