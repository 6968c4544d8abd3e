using System;
using System.Text;
using Microsoft.Extensions.Logging;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Commands;

/// <summary>
/// One record of the log in the making: UTF-8 in memory of the caller. What does not fit is left out, and a record that
/// was cut still ends with a newline.
/// </summary>
/// <param name="buffer">Holds the line; at least 1 KiB.</param>
/// <param name="format">Text or JSON.</param>
internal ref struct LogLine(Span<byte> buffer, LogFormat format)
{
    /// <summary>Room kept for what closes a record: <c>..."}</c> and a newline.</summary>
    private const int Reserve = 8;

    private const int TimeLength = 24;

    /// <summary>Each thread's last time, and its milliseconds since the year 1.</summary>
    [ThreadStatic]
    private static byte[]? _lastTime;

    [ThreadStatic]
    private static long _lastMs;

    private readonly Span<byte> _buffer = buffer;
    private readonly bool _isJson = format == LogFormat.Json;
    private int _length;
    private bool _isCut;

    /// <summary>The quote that closes a cut string may stand in the reserve, and then there is no rest.</summary>
    private readonly Span<byte> Rest => _length < _buffer.Length - Reserve ? _buffer[_length..^Reserve] : default;

    /// <summary>What JSON escapes differs from what text escapes.</summary>
    private readonly EscapeMode Mode => _isJson ? EscapeMode.Json : EscapeMode.Line;

    /// <summary>Begins the record with its time and level.</summary>
    public void Begin(DateTime utcNow, LogLevel level)
    {
        Append(_isJson ? "{\"time\":\""u8 : default);
        AppendTime(utcNow);
        Append(_isJson ? "\",\"level\":\""u8 : " "u8);
        Append(NameOf(level));
        Append(_isJson ? "\""u8 : " "u8);
    }

    /// <summary>The end of the record.</summary>
    /// <returns>The whole line.</returns>
    public ReadOnlySpan<byte> End()
    {
        // The reserve has room for these whatever came before.
        ReadOnlySpan<byte> end = !_isJson ? (_isCut ? "...\n"u8 : "\n"u8) : "}\n"u8;
        end.CopyTo(_buffer[_length..]);
        _length += end.Length;
        return _buffer[.._length];
    }

    /// <summary>The message of an ordinary record.</summary>
    public void Message(string? eventName, string message)
    {
        if (!_isJson)
        {
            AppendEscaped(message);
            return;
        }

        if (eventName is not null)
        {
            Field(",\"event\":\""u8, eventName);
        }

        Field(",\"message\":\""u8, message);
    }

    /// <summary>An exception: a field in JSON; in text its lines, indented, below the message.</summary>
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
            Append("\n    "u8);
            AppendEscaped(text.AsSpan()[line].Trim());
        }
    }

    /// <summary>A connection, without making a string of it.</summary>
    public void Connection(in ConnectionRecord record)
    {
        if (_isJson)
        {
            Field(",\"message\":\""u8, record.Verb);
            Append(",\"peer\":\""u8);
            AppendAddress(record.Peer);
            Append("\""u8);
            Field(",\"what\":\""u8, record.What, TextEscaper.MaxExcerptLength);
            Append(",\"bytes\":"u8);
            AppendNumber(record.BytesSent);
            if (record.BytesWhole >= 0)
            {
                Append(",\"size\":"u8);
                AppendNumber(record.BytesWhole);
            }

            Append(",\"ms\":"u8);
            AppendNumber((long)record.Duration.TotalMilliseconds);
            Field(",\"outcome\":\""u8, ConnectionRecord.Word(record.Outcome));
            return;
        }

        AppendEscaped(record.Verb);
        Append(" "u8);
        AppendNumber(record.BytesSent);
        if (record.BytesWhole >= 0)
        {
            Append(" of "u8);
            AppendNumber(record.BytesWhole);
        }

        Append(" bytes of "u8);
        AppendEscaped(record.What, TextEscaper.MaxExcerptLength);
        Append(" to "u8);
        AppendAddress(record.Peer);
        Append(" in "u8);
        AppendNumber((long)record.Duration.TotalMilliseconds);
        Append(" ms: "u8);
        AppendEscaped(ConnectionRecord.Word(record.Outcome));
    }

    private static ReadOnlySpan<byte> NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace"u8,
        LogLevel.Debug => "debug"u8,
        LogLevel.Information => "info"u8,
        LogLevel.Warning => "warn"u8,
        LogLevel.Error => "error"u8,
        _ => "critical"u8,
    };

    /// <summary>A string of JSON that is closed even where it is cut.</summary>
    private void Field(scoped ReadOnlySpan<byte> opening, scoped ReadOnlySpan<char> value, int maxLengthBytes = int.MaxValue)
    {
        // A field that finds no room for its own opening and quote is left out, so that the object stays one.
        if (Rest.Length < opening.Length + 4)
        {
            _isCut = true;
            return;
        }

        Append(opening);
        AppendEscaped(value, maxLengthBytes);
        _buffer[_length++] = (byte)'"';
    }

    private void AppendAddress(SocketAddress address)
    {
        int length;
        if (address.Kind != AddressKind.Unix)
        {
            // Digits, points, colons and brackets: nothing to escape.
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

        // Halves of surrogate pairs become U+FFFD here: there is no UTF-8 for them.
        Span<byte> part = stackalloc byte[4];
        for (int left = maxLengthBytes; !text.IsEmpty;)
        {
            _ = Rune.DecodeFromUtf16(text, out Rune rune, out int read);
            int written = rune.EncodeToUtf8(part);
            if (written > left)
            {
                break;
            }

            AppendUtf8(part[..written]);
            text = text[read..];
            left -= written;
        }

        if (!text.IsEmpty)
        {
            Append("..."u8);
        }
    }

    private void AppendUtf8(scoped ReadOnlySpan<byte> utf8)
    {
        TextEscaper.EscapeUtf8(utf8, Rest, Mode, isFinal: true, out int consumed, out int written);
        _length += written;
        _isCut |= consumed < utf8.Length;
    }

    /// <summary>Counts and times: none is negative.</summary>
    private void AppendNumber(long number)
    {
        if (Rest.Length >= AsciiDigits.MaxDigits)
        {
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
    /// RFC 3339 with milliseconds, by hand: a format string costs ten times as much. Most records are of the same millisecond
    /// as the one before.
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
        (int year, int month, int day) = utc;
        uint ms = (uint)(utc.TimeOfDay.Ticks / TimeSpan.TicksPerMillisecond);
        AsciiDigits.WriteFixed((uint)year, text[..4]);
        AsciiDigits.WriteFixed((uint)month, text.Slice(5, 2));
        AsciiDigits.WriteFixed((uint)day, text.Slice(8, 2));
        AsciiDigits.WriteFixed(ms / 3_600_000, text.Slice(11, 2));
        AsciiDigits.WriteFixed(ms / 60_000 % 60, text.Slice(14, 2));
        AsciiDigits.WriteFixed(ms / 1000 % 60, text.Slice(17, 2));
        AsciiDigits.WriteFixed(ms % 1000, text.Slice(20, 3));
    }
}
