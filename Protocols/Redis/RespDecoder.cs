using System.Buffers.Text;

namespace Poetry.Protocols;

/// <summary>
/// Decodes replies of Redis as they arrive: RESP2, see redis.io/docs/latest/develop/reference/protocol-spec. A bulk string is
/// passed on in the pieces in which it arrives; only an incomplete line is kept. A protocol calls it in a loop:
/// <code>
/// while (_decoder.TryRead(ref data, out RespToken token)) { … }
/// if (_decoder.Error is { } error) { Transport.AbortConnection(); }
/// </code>
/// </summary>
/// <remarks>
/// It is strict, and keeps at most <see cref="MaxLineBytes"/>. The length of a bulk string has no limit here, because its bytes
/// are not kept: the caller checks it at <see cref="RespKind.BulkStart"/>.
/// </remarks>
internal struct RespDecoder
{
    /// <summary>Chosen: errors of scripts are the longest lines, and are a few hundred bytes long.</summary>
    public const int MaxLineBytes = 16 * 1024;

    /// <summary>The limit that Redis has for a request.</summary>
    public const int MaxElements = 1024 * 1024;

    /// <summary>A length of 63 bits always has room for 18 digits.</summary>
    private const int MaxLengthDigits = 18;

    /// <summary>CR and LF, which follow a bulk string.</summary>
    private const int EndLength = 2;

    private byte[]? _line;
    private int _lineLength;

    /// <summary>The bytes of a bulk string that are still to come, with CRLF; 0 if a line comes next.</summary>
    private long _bulkLeft;

    /// <summary>The values, at any depth, that the reply still lacks; 0 between two replies.</summary>
    private long _valuesLeft;

    /// <summary>The error in the stream; null if there is none. After an error nothing more is read.</summary>
    public string? Error { get; private set; }

    /// <summary>Reads the next piece.</summary>
    /// <param name="input">The received bytes; the bytes that are used are cut off.</param>
    /// <param name="token">The piece.</param>
    /// <returns>False if the input is used up, or there is an <see cref="Error"/>.</returns>
    public bool TryRead(ref ReadOnlySpan<byte> input, out RespToken token)
    {
        token = default;
        while (Error is null && !input.IsEmpty)
        {
            if (_bulkLeft == 0)
            {
                return TryReadLine(ref input, out ReadOnlySpan<byte> line) && TryDecode(line, out token);
            }

            if (_bulkLeft > EndLength)
            {
                int take = (int)Math.Min(_bulkLeft - EndLength, input.Length);
                token = new RespToken(RespKind.BulkData, take, input[..take], endsReply: false);
                input = input[take..];
                _bulkLeft -= take;
                return true;
            }

            if (input[0] != (_bulkLeft == EndLength ? (byte)'\r' : (byte)'\n'))
            {
                return Fail("a bulk string is not followed by CRLF");
            }

            input = input[1..];
            if (--_bulkLeft == 0)
            {
                token = new RespToken(RespKind.BulkEnd, 0, default, EndValue());
                return true;
            }
        }

        return false;
    }

    /// <returns>True if the line is complete. The line has no CRLF, and is valid until the next read.</returns>
    private bool TryReadLine(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> line)
    {
        line = default;
        if (_lineLength == 0 && !"+-:$*"u8.Contains(input[0]))
        {
            return Fail("this is not Redis: a reply begins with another byte than + - : $ *");
        }

        int end = input.IndexOf((byte)'\n');
        int length = end < 0 ? input.Length : end + 1;
        if (_lineLength + length > MaxLineBytes)
        {
            return Fail("a line is too long");
        }

        if (end < 0 || _lineLength > 0)
        {
            _line ??= new byte[MaxLineBytes];
            input[..length].CopyTo(_line.AsSpan(_lineLength));
            _lineLength += length;
            line = _line.AsSpan(0, _lineLength);
        }
        else
        {
            line = input[..length];
        }

        input = input[length..];
        if (end < 0)
        {
            return false;
        }

        _lineLength = 0;
        if (line.Length < 2 || line.IndexOf((byte)'\r') != line.Length - 2)
        {
            return Fail("a line does not end in CRLF");
        }

        line = line[..^2];
        return true;
    }

    private bool TryDecode(ReadOnlySpan<byte> line, out RespToken token)
    {
        token = default;
        ReadOnlySpan<byte> text = line[1..];
        long value;
        switch (line[0])
        {
            case (byte)'+' or (byte)'-':
                token = new RespToken(line[0] == (byte)'+' ? RespKind.Text : RespKind.Error, 0, text, EndValue());
                return true;
            case (byte)':':
                if (!TryParse(text, out value))
                {
                    return Fail("a number has other bytes than digits, or too many");
                }

                token = new RespToken(RespKind.Integer, value, default, EndValue());
                return true;
            case (byte)'$':
                return TryReadLength(text, out value) && BeginBulk(value, out token);
            default:
                return TryReadLength(text, out value) && BeginArray(value, out token);
        }
    }

    private bool TryReadLength(ReadOnlySpan<byte> text, out long length) =>
        (TryParse(text, out length) && length >= -1 && text.Length <= MaxLengthDigits) || Fail("a length is wrong");

    private bool BeginBulk(long length, out RespToken token)
    {
        if (length < 0)
        {
            token = new RespToken(RespKind.Null, 0, default, EndValue());
            return true;
        }

        _bulkLeft = length + EndLength;
        token = new RespToken(RespKind.BulkStart, length, default, endsReply: false);
        return true;
    }

    private bool BeginArray(long count, out RespToken token)
    {
        token = default;
        if (count > MaxElements)
        {
            return Fail("an array is too long");
        }

        long elements = Math.Max(count, 0);
        token = new RespToken(count < 0 ? RespKind.Null : RespKind.Array, elements, default, EndValue(elements));
        return true;
    }

    /// <summary>A value is complete, or an array has begun whose elements follow.</summary>
    /// <returns>True if that completes the reply.</returns>
    private bool EndValue(long elements = 0)
    {
        _valuesLeft = Math.Max(_valuesLeft, 1) - 1 + elements;
        return _valuesLeft == 0;
    }

    /// <summary>Reads a number as Redis writes it: no plus, no leading zeros.</summary>
    private static bool TryParse(ReadOnlySpan<byte> text, out long value)
    {
        Span<byte> canonical = stackalloc byte[20];
        return Utf8Parser.TryParse(text, out value, out _)
            && Utf8Formatter.TryFormat(value, canonical, out int length)
            && canonical[..length].SequenceEqual(text);
    }

    private bool Fail(string error)
    {
        Error = error;
        return false;
    }
}
