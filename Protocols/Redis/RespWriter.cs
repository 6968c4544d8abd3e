using System.Buffers;
using Poetry.Net;

namespace Poetry.Protocols;

/// <summary>
/// Writes commands of Redis, as arrays of bulk strings, into a buffer that is reused: in the steady state it allocates
/// nothing. The caller writes the number of arguments that it has announced.
/// </summary>
internal sealed class RespWriter
{
    /// <summary>Chosen: a longer argument is sent without a copy; copying a shorter one costs less than a call.</summary>
    public const int MaxCopiedBytes = 16 * 1024;

    private readonly ArrayBufferWriter<byte> _buffer = new(512);

    /// <summary>The bytes written since the last <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    public void Clear() => _buffer.ResetWrittenCount();

    /// <summary>True to write ASKING in front of each command: the server then serves a slot that is moving to it.</summary>
    public bool IsAsking { get; set; }

    /// <summary>Begins a command.</summary>
    /// <param name="arguments">The number of arguments, including the command's name.</param>
    public RespWriter Begin(int arguments)
    {
        if (IsAsking)
        {
            _buffer.Write("*1\r\n$6\r\nASKING\r\n"u8);
        }

        WriteHead((byte)'*', arguments);
        return this;
    }

    public RespWriter Add(ReadOnlySpan<byte> argument)
    {
        BeginArgument(argument.Length);
        AddRaw(argument);
        EndArgument();
        return this;
    }

    /// <summary>Begins an argument. The caller adds its bytes, or sends them without a copy.</summary>
    public void BeginArgument(long length) => WriteHead((byte)'$', length);

    /// <summary>Writes a part of the argument.</summary>
    public void AddRaw(ReadOnlySpan<byte> part) => _buffer.Write(part);

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
