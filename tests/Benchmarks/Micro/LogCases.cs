using Microsoft.Extensions.Logging;
using Poetry.Commands;
using Poetry.Net;
using Poetry.Protocols;

namespace Poetry.Benchmarks;

/// <summary>
/// What a connection's record costs the thread of a loop, the handing over to the writing thread included. The writer takes all bytes at
/// once; a case waits for it before the buffer is full, so that no record is dropped.
/// </summary>
internal sealed class LogCases : IDisposable
{
    /// <summary>Records between two flushes: at 110 bytes each they fit the buffer.</summary>
    public const int Count = 500;

    private static readonly ConnectionRecord Record = new()
    {
        Number = 123_456,
        Action = "served",
        Peer = SocketAddress.Ip([127, 0, 0, 1], 54321),
        Resource = "poetry/ecstasy.txt",
        BytesSent = 600,
        TotalBytes = 600,
        Duration = TimeSpan.FromMilliseconds(2),
        Outcome = ConnectionOutcome.Whole,
    };

    private readonly PoetryLogger _text = Create(LogFormat.Text);
    private readonly PoetryLogger _json = Create(LogFormat.Json);

    /// <summary>As text.</summary>
    public int Text() => Log(_text);

    /// <summary>As JSON.</summary>
    public int Json() => Log(_json);

    /// <summary>A cached poem's line.</summary>
    public int Message()
    {
        for (int i = 0; i < Count; i++)
        {
            ProxyLog.UsingCached(_text, LogLevel.Information, i, "Using cached poem. (127.0.0.1:10001)");
        }

        return Flush(_text);
    }

    /// <summary>A record that ZLogger carries.</summary>
    public int Refused()
    {
        for (int i = 0; i < Count; i++)
        {
            TransformLog.RequestRefused(_text, i, Record.Peer, "too long");
        }

        return Flush(_text);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _text.Dispose();
        _json.Dispose();
    }

    private static int Log(PoetryLogger logger)
    {
        for (int i = 0; i < Count; i++)
        {
            Record.Log(logger);
        }

        return Flush(logger);
    }

    private static int Flush(PoetryLogger logger) => logger.Buffer.Flush(TimeSpan.FromSeconds(10)) ? Count : 0;

    private static PoetryLogger Create(LogFormat format) =>
        new(LogLevel.Information, format, Swallow, TimeProvider.System);

    private static Errno Swallow(ReadOnlySpan<byte> bytes, out int written)
    {
        written = bytes.Length;
        return Errno.None;
    }
}
