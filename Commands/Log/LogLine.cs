using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;
using ZLogger;

namespace Poetry.Commands;

/// <summary>
/// Builds one log record as UTF-8 in the caller's memory. Text that does not fit is left out. A record that is cut still ends
/// with a newline.
/// </summary>
/// <param name="buffer">Holds the line; at least 1 KiB.</param>
/// <param name="format">Text or JSON.</param>
/// <param name="hasPriority">True if each line of text begins with its priority: see sd-daemon(3).</param>
internal ref struct LogLine(Span<byte> buffer, LogFormat format, bool hasPriority)
{
    /// <summary>Space kept for the end of a record: <c>..."}</c> and a newline.</summary>
    private const int Reserve = 8;

    private const int TimeLength = 24;

    /// <summary>The maximum length of a field's opening: the parameters of messages have names of at most 20 characters.</summary>
    private const int MaxOpeningLength = 64;

    /// <summary>The name and the priority of each level, in their order.</summary>
    private static readonly (byte[] Name, byte Priority)[] Levels =
    [
        ([.. "trace"u8], (byte)'7'),
        ([.. "debug"u8], (byte)'7'),
        ([.. "info"u8], (byte)'6'),
        ([.. "warn"u8], (byte)'4'),
        ([.. "error"u8], (byte)'3'),
        ([.. "critical"u8], (byte)'2'),
    ];

    /// <summary>Each thread's last formatted time, and its milliseconds since the year 1.</summary>
    [ThreadStatic]
    private static byte[]? _lastTime;

    [ThreadStatic]
    private static long _lastMs;

    private readonly Span<byte> _buffer = buffer;
    private readonly bool _isJson = format == LogFormat.Json;
    private int _length;
    private bool _isCut;
    private byte _priority;

    /// <summary>The free space; empty once the closing quote of a cut string is in the reserve.</summary>
    private readonly Span<byte> Rest => _length < _buffer.Length - Reserve ? _buffer[_length..^Reserve] : default;

    private readonly EscapeMode Mode => _isJson ? EscapeMode.Json : EscapeMode.Line;

    /// <summary>Begins the record with its time, its level, and in JSON with the name of its event.</summary>
    public void Begin(DateTime utcNow, LogLevel level, EventId eventId)
    {
        (byte[] name, _priority) = Levels[(int)level];
        BeginLine();
        Append(_isJson ? "{\"time\":\""u8 : default);
        AppendTime(utcNow);
        Append(_isJson ? "\",\"level\":\""u8 : " "u8);
        Append(name);
        Append(_isJson ? "\""u8 : " "u8);
        if (_isJson && eventId.Name is { } eventName)
        {
            Field(",\"event\":\""u8, eventName);
        }
    }

    /// <summary>Ends the record.</summary>
    /// <returns>The complete line.</returns>
    public ReadOnlySpan<byte> End()
    {
        // The reserve always has space for these.
        ReadOnlySpan<byte> end = !_isJson ? (_isCut ? "...\n"u8 : "\n"u8) : "}\n"u8;
        end.CopyTo(_buffer[_length..]);
        _length += end.Length;
        return _buffer[.._length];
    }

    public void Message(string message)
    {
        if (_isJson)
        {
            Field(",\"message\":\""u8, message);
        }
        else
        {
            AppendEscaped(message);
        }
    }

    /// <summary>Appends the parameters of the message: in JSON as fields with names in snake_case, in text nothing.</summary>
    public void Parameters(IZLoggerEntry entry)
    {
        if (!_isJson)
        {
            return;
        }

        Span<byte> opening = stackalloc byte[MaxOpeningLength];
        for (int i = 0; i < entry.ParameterCount; i++)
        {
            object? value = entry.GetParameterValue(i);
            bool isNumber = value is int or long or double;
            int length = WriteOpening(entry.GetParameterKeyAsString(i), isNumber, opening);
            string text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty;
            if (!isNumber)
            {
                Field(opening[..length], text);
            }
            else if (Rest.Length > length + text.Length)
            {
                Append(opening[..length]);
                AppendEscaped(text);
            }
        }
    }

    /// <summary>Appends an exception: a field in JSON; in text its lines, indented, below the message.</summary>
    public void Exception(Exception exception)
    {
        string text = exception.ToString();
        if (_isJson)
        {
            Field(",\"exception\":\""u8, text);
            return;
        }

        foreach (Range line in text.AsSpan().Split('\n'))
        {
            Append("\n"u8);
            BeginLine();
            Append("    "u8);
            AppendEscaped(text.AsSpan()[line].Trim());
        }
    }

    /// <summary>Appends a message of one connection, without allocating a string.</summary>
    public void Connection(in ConnectionMessage message)
    {
        AppendConnection(message.Number);
        Message(message.Text);
    }

    /// <summary>Appends the record of a connection, without allocating a string.</summary>
    public void Connection(in ConnectionRecord record)
    {
        AppendConnection(record.Number);
        if (_isJson)
        {
            Field(",\"message\":\""u8, record.Action);
            Append(",\"peer\":\""u8);
            AppendAddress(record.Peer);
            Append("\""u8);
            Field(",\"what\":\""u8, record.Resource, TextEscaper.MaxExcerptLength);
            AppendNumber(",\"bytes\":"u8, record.BytesSent);
            if (record.TotalBytes >= 0)
            {
                AppendNumber(",\"size\":"u8, record.TotalBytes);
            }

            AppendNumber(",\"ms\":"u8, (long)record.Duration.TotalMilliseconds);
            Field(",\"outcome\":\""u8, ConnectionRecord.Word(record.Outcome));
            if (record.Detail is { } reason)
            {
                Field(",\"detail\":\""u8, reason, TextEscaper.MaxExcerptLength);
            }

            return;
        }

        AppendEscaped(record.Action);
        AppendNumber(" "u8, record.BytesSent);
        if (record.TotalBytes >= 0)
        {
            AppendNumber(" of "u8, record.TotalBytes);
        }

        Append(" bytes of "u8);
        AppendEscaped(record.Resource, TextEscaper.MaxExcerptLength);
        Append(" to "u8);
        AppendAddress(record.Peer);
        AppendNumber(" in "u8, (long)record.Duration.TotalMilliseconds);
        Append(" ms: "u8);
        AppendEscaped(ConnectionRecord.Word(record.Outcome));
        if (record.Detail is { } detail)
        {
            Append(" ("u8);
            AppendEscaped(detail, TextEscaper.MaxExcerptLength);
            Append(")"u8);
        }
    }

    /// <summary>Writes the opening of a field: <c>,"pause_ms":</c> for <c>PauseMs</c>, and a quote if the value is a string.</summary>
    /// <returns>The length of the opening.</returns>
    private static int WriteOpening(string name, bool isNumber, Span<byte> opening)
    {
        int length = 0;
        opening[length++] = (byte)',';
        opening[length++] = (byte)'"';
        foreach (char c in name)
        {
            if (char.IsAsciiLetterUpper(c) && length > 2)
            {
                opening[length++] = (byte)'_';
            }

            opening[length++] = (byte)char.ToLowerInvariant(c);
        }

        ReadOnlySpan<byte> end = isNumber ? "\":"u8 : "\":\""u8;
        end.CopyTo(opening[length..]);
        return length + end.Length;
    }

    private void BeginLine()
    {
        if (hasPriority)
        {
            Append([(byte)'<', _priority, (byte)'>']);
        }
    }

    private void AppendConnection(long number)
    {
        AppendNumber(_isJson ? ",\"connection\":"u8 : "#"u8, number);
        Append(_isJson ? default : " "u8);
    }

    /// <summary>Appends a field whose value is a string. A cut value is closed too.</summary>
    private void Field(scoped ReadOnlySpan<byte> opening, scoped ReadOnlySpan<char> value, int maxLengthBytes = int.MaxValue)
    {
        // A field without space for its opening and its quotes is left out: the object stays well-formed.
        if (Rest.Length >= opening.Length + 4)
        {
            Append(opening);
            AppendEscaped(value, maxLengthBytes);
            _buffer[_length++] = (byte)'"';
        }
    }

    private void AppendAddress(SocketAddress address)
    {
        int length;
        if (address.Kind != AddressKind.Unix)
        {
            // Only digits, dots, colons and brackets: nothing to escape.
            _length += address.TryFormat(Rest, out length) ? length : 0;
            return;
        }

        Span<byte> path = stackalloc byte[256];
        _ = address.TryFormat(path, out length);
        AppendUtf8(path[..length]);
    }

    private void AppendEscaped(scoped ReadOnlySpan<char> text, int maxLengthBytes = int.MaxValue)
    {
        if (text.Length <= maxLengthBytes && TextEscaper.TryCopyPlain(text, Rest, Mode))
        {
            _length += text.Length;
            return;
        }

        // UTF-8 has no halves of surrogate pairs: they become U+FFFD.
        Span<byte> part = stackalloc byte[4];
        for (int left = maxLengthBytes; !text.IsEmpty;)
        {
            _ = Rune.DecodeFromUtf16(text, out Rune rune, out int read);
            int written = rune.EncodeToUtf8(part);
            left -= written;
            if (left < 0)
            {
                Append("..."u8);
                return;
            }

            AppendUtf8(part[..written]);
            text = text[read..];
        }
    }

    private void AppendUtf8(scoped ReadOnlySpan<byte> utf8)
    {
        TextEscaper.EscapeUtf8(utf8, Rest, Mode, isFinal: true, out int consumed, out int written);
        _length += written;
        _isCut |= consumed < utf8.Length;
    }

    /// <summary>Appends a text and a number, which is never negative: both or neither.</summary>
    private void AppendNumber(scoped ReadOnlySpan<byte> before, long number)
    {
        if (Rest.Length >= before.Length + AsciiDigits.MaxDigits)
        {
            Append(before);
            _length += AsciiDigits.Write((ulong)number, Rest);
        }
        else
        {
            _isCut = true;
        }
    }

    private void Append(scoped ReadOnlySpan<byte> ascii)
    {
        if (ascii.TryCopyTo(Rest))
        {
            _length += ascii.Length;
        }
        else
        {
            _isCut = true;
        }
    }

    /// <summary>
    /// Appends the time as RFC 3339 with milliseconds, with our own code: .NET's formatting of times would make the executable
    /// 200 kB larger. The last text is kept: most records have the same millisecond as the one before.
    /// </summary>
    private void AppendTime(DateTime utc)
    {
        long ms = utc.Ticks / TimeSpan.TicksPerMillisecond;
        if (ms != _lastMs || _lastTime is null)
        {
            _lastTime ??= new byte[TimeLength];
            FormatTime(utc, _lastTime);
            _lastMs = ms;
        }

        _lastTime.CopyTo(_buffer[_length..]);
        _length += TimeLength;
    }

    private static void FormatTime(DateTime utc, Span<byte> text)
    {
        "0000-00-00T00:00:00.000Z"u8.CopyTo(text);
        AsciiDigits.WriteFixed((uint)utc.Year, text[..4]);
        AsciiDigits.WriteFixed((uint)utc.Month, text.Slice(5, 2));
        AsciiDigits.WriteFixed((uint)utc.Day, text.Slice(8, 2));
        AsciiDigits.WriteFixed((uint)utc.Hour, text.Slice(11, 2));
        AsciiDigits.WriteFixed((uint)utc.Minute, text.Slice(14, 2));
        AsciiDigits.WriteFixed((uint)utc.Second, text.Slice(17, 2));
        AsciiDigits.WriteFixed((uint)utc.Millisecond, text.Slice(20, 3));
    }
}
